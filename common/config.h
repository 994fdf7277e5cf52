/* Configuration: a table of typed environment variables that documents itself (--help). */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "common/error.h"

typedef enum ConfigType {
    CONFIG_TEXT,   /* const char *: default or environment, never NULL */
    CONFIG_SECRET, /* as CONFIG_TEXT, its value never printed */
    CONFIG_INT,    /* int64_t within [minimum, maximum] */
    CONFIG_REAL,   /* double within [minimum, maximum] */
    CONFIG_BOOL,   /* bool: true/false/1/0/yes/no/on/off */
} ConfigType;

typedef struct ConfigEntry {
    const char *name; /* "RUSHCAST_INGEST_PORT"; NULL ends the table */
    ConfigType type;
    size_t offset;        /* of the value in the service's configuration struct */
    const char *fallback; /* the default, as text */
    double minimum, maximum;
    const char *help; /* one sentence with the unit */
} ConfigEntry;

/* The entries every service has; embed as the first member of a service's configuration struct. */
typedef struct CommonConfig {
    const char *listen;      /* RUSHCAST_LISTEN */
    const char *log_level;   /* RUSHCAST_LOG_LEVEL */
    const char *now;         /* RUSHCAST_NOW */
    const char *token;       /* RUSHCAST_TOKEN */
    const char *tokens_file; /* RUSHCAST_TOKENS_FILE */
    const char *postgres;    /* RUSHCAST_POSTGRES */
    const char *ingest_url, *feature_store_url, *trainer_url, *forecast_api_url;
    const char *spool_dir;    /* RUSHCAST_SPOOL_DIR: bodies too large for memory, unlinked at once */
    int64_t http_threads;     /* RUSHCAST_HTTP_THREADS: event loops */
    int64_t blocking_threads; /* RUSHCAST_BLOCKING_THREADS: for handlers that wait for a database */
} CommonConfig;

extern const ConfigEntry common_config[];

/* Reads all entries of the NULL-terminated `tables` from the environment into `config`. Text points into the
 * environment or the table. Fails naming the variable, its value and what is allowed. */
bool config_load(const ConfigEntry *const tables[], void *config, Error *err) MUST_CHECK;
/* Name, default and meaning of each entry. */
void config_print_help(const ConfigEntry *const tables[], FILE *out);
