/* JSON by field specs (jansson): one table per object instead of a parser per handler. */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include "common/arena.h"
#include "common/hour.h"

typedef enum JsonFieldType {
    JSON_FIELD_TEXT,    /* const char *, in the arena */
    JSON_FIELD_INT,     /* int64_t within [minimum, maximum] when they differ */
    JSON_FIELD_REAL,    /* double, likewise; integers accepted */
    JSON_FIELD_BOOL,    /* bool */
    JSON_FIELD_INSTANT, /* Instant from RFC 3339 */
    JSON_FIELD_HOUR,    /* Hour from RFC 3339, whole hour */
    JSON_FIELD_ANY,     /* json_t *, borrowed from the parsed object */
} JsonFieldType;

typedef struct JsonField {
    const char *name; /* NULL ends the table */
    JsonFieldType type;
    size_t offset; /* in the target struct; left untouched when optional and absent or null */
    bool optional;
    double minimum, maximum;
} JsonField;

/* Fills `target` from `object`. UNPROCESSABLE with the JSON pointer (`at` + "/" + name) on a missing or wrong field.
 * Unknown fields are ignored. */
bool json_read(const json_t *object, const char *at, const JsonField *fields, Arena *arena, void *target,
               Error *err) MUST_CHECK;
/* Parses a whole body; MALFORMED names line and column. The caller owns *ret_json. */
bool json_parse(const char *text, size_t length_bytes, json_t **ret_json, Error *err) MUST_CHECK;

/* As RFC 3339 text; null for INSTANT_NONE and HOUR_NONE. */
json_t *json_instant(Instant instant);
json_t *json_hour(Hour hour);

void json_cleanup(json_t **json);
#define JSON_SCOPED __attribute__((cleanup(json_cleanup)))
