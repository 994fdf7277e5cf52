#include "common/config.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COMMON(member) offsetof(CommonConfig, member)

const ConfigEntry common_config[] = {
    {"RUSHCAST_LISTEN", CONFIG_TEXT, COMMON(listen), "127.0.0.1", 0, 0,
     "Numeric address to listen on; anything but loopback needs RUSHCAST_TOKENS_FILE."},
    {"RUSHCAST_LOG_LEVEL", CONFIG_TEXT, COMMON(log_level), "info", 0, 0,
     "Lowest level that is logged: debug, info, warn or error."},
    {"RUSHCAST_NOW", CONFIG_TEXT, COMMON(now), "", 0, 0,
     "What time it is: empty for the wall clock, an RFC 3339 instant, or `data` for the ingest watermark."},
    {"RUSHCAST_TOKEN", CONFIG_SECRET, COMMON(token), "", 0, 0, "Bearer token sent to the other services."},
    {"RUSHCAST_TOKENS_FILE", CONFIG_TEXT, COMMON(tokens_file), "", 0, 0,
     "File of accepted tokens and their scopes; empty lets everyone in."},
    {"RUSHCAST_POSTGRES", CONFIG_SECRET, COMMON(postgres), "host=127.0.0.1 port=15432 dbname=rushcast", 0, 0,
     "libpq connection string of the platform's database."},
    {"RUSHCAST_FORECAST_API_URL", CONFIG_TEXT, COMMON(forecast_api_url), "http://127.0.0.1:8080", 0, 0,
     "Address of the forecast-api service."},
    {"RUSHCAST_INGEST_URL", CONFIG_TEXT, COMMON(ingest_url), "http://127.0.0.1:8081", 0, 0,
     "Address of the ingest service."},
    {"RUSHCAST_FEATURE_STORE_URL", CONFIG_TEXT, COMMON(feature_store_url), "http://127.0.0.1:8082", 0, 0,
     "Address of the feature-store service."},
    {"RUSHCAST_TRAINER_URL", CONFIG_TEXT, COMMON(trainer_url), "http://127.0.0.1:8083", 0, 0,
     "Address of the trainer service."},
    {"RUSHCAST_SPOOL_DIR", CONFIG_TEXT, COMMON(spool_dir), "/var/tmp", 0, 0,
     "Directory of the unlinked files that hold bodies too large for memory."},
    {"RUSHCAST_HTTP_THREADS", CONFIG_INT, COMMON(http_threads), "2", 1, 64, "HTTP event loops."},
    {"RUSHCAST_BLOCKING_THREADS", CONFIG_INT, COMMON(blocking_threads), "8", 1, 256,
     "Threads for requests that wait for a database or a disk."},
    {0},
};

static bool fail(const ConfigEntry *entry, const char *text, const char *needed, Error *err)
{
    const char *shown = entry->type == CONFIG_SECRET ? "(hidden)" : text;
    return error_set_at(err, ERROR_INVALID_ARGUMENT, entry->name, "%s is \"%s\": %s is needed", entry->name, shown,
                        needed);
}

static bool bounded(const ConfigEntry *entry)
{
    return entry->minimum != entry->maximum;
}

static void describe_range(const ConfigEntry *entry, const char *kind, char *out, size_t out_bytes)
{
    if (bounded(entry))
        snprintf(out, out_bytes, "a %s from %.15g to %.15g", kind, entry->minimum, entry->maximum);
    else
        snprintf(out, out_bytes, "a %s", kind);
}

static bool out_of_range(const ConfigEntry *entry, double value)
{
    return bounded(entry) && !(value >= entry->minimum && value <= entry->maximum);
}

static bool read_int(const ConfigEntry *entry, const char *text, int64_t *ret_value, Error *err)
{
    char needed[96];
    describe_range(entry, "whole number", needed, sizeof(needed));
    size_t digits_at = text[0] == '-' ? 1 : 0;
    size_t digits = strspn(text + digits_at, "0123456789");
    errno = 0;
    long long value = strtoll(text, NULL, 10);
    if (digits == 0 || text[digits_at + digits] != '\0' || errno != 0 || out_of_range(entry, (double)value))
        return fail(entry, text, needed, err);
    *ret_value = value;
    return true;
}

static bool read_real(const ConfigEntry *entry, const char *text, double *ret_value, Error *err)
{
    char needed[96];
    describe_range(entry, "number", needed, sizeof(needed));
    char *end;
    double value = strtod(text, &end);
    if (text[strspn(text, "0123456789+-.eE")] != '\0' || end == text || *end != '\0' || !isfinite(value) ||
        out_of_range(entry, value))
        return fail(entry, text, needed, err);
    *ret_value = value;
    return true;
}

static bool read_bool(const ConfigEntry *entry, const char *text, bool *ret_value, Error *err)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"true", true}, {"false", false}, {"1", true},  {"0", false},
                 {"yes", true},  {"no", false},    {"on", true}, {"off", false}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(text, words[i].word) == 0) {
            *ret_value = words[i].value;
            return true;
        }
    }
    return fail(entry, text, "true, false, on, off, yes, no, 1 or 0", err);
}

static bool read_entry(const ConfigEntry *entry, char *config, Error *err)
{
    const char *text = getenv(entry->name);
    if (text == NULL || text[0] == '\0')
        text = entry->fallback;
    void *target = config + entry->offset;
    switch (entry->type) {
    case CONFIG_TEXT:
    case CONFIG_SECRET:
        *(const char **)target = text;
        return true;
    case CONFIG_INT:
        return read_int(entry, text, target, err);
    case CONFIG_REAL:
        return read_real(entry, text, target, err);
    case CONFIG_BOOL:
        return read_bool(entry, text, target, err);
    }
    __builtin_unreachable();
}

bool config_load(const ConfigEntry *const tables[], void *config, Error *err)
{
    for (size_t t = 0; tables[t] != NULL; t++) {
        for (const ConfigEntry *entry = tables[t]; entry->name != NULL; entry++) {
            if (!read_entry(entry, config, err))
                return false;
        }
    }
    return true;
}

void config_print_help(const ConfigEntry *const tables[], FILE *out)
{
    for (size_t t = 0; tables[t] != NULL; t++) {
        for (const ConfigEntry *entry = tables[t]; entry->name != NULL; entry++) {
            fprintf(out, "  %s", entry->name);
            if (entry->fallback[0] != '\0')
                fprintf(out, "=%s", entry->fallback);
            if ((entry->type == CONFIG_INT || entry->type == CONFIG_REAL) && bounded(entry))
                fprintf(out, "  (%.15g..%.15g)", entry->minimum, entry->maximum);
            fprintf(out, "\n      %s\n", entry->help);
        }
    }
}
