#include "common/json.h"

#include <stdio.h>

static bool fail(const char *at, const JsonField *field, const char *needed, Error *err)
{
    char pointer[sizeof(err->pointer)];
    snprintf(pointer, sizeof(pointer), "%s/%s", at, field->name);
    return error_set_at(err, ERROR_UNPROCESSABLE, pointer, "%s: %s", pointer, needed);
}

static bool bounded(const JsonField *field)
{
    return field->minimum != field->maximum;
}

static bool fail_number(const char *at, const JsonField *field, const char *kind, Error *err)
{
    char needed[96];
    if (bounded(field))
        snprintf(needed, sizeof(needed), "a %s from %.15g to %.15g is needed", kind, field->minimum, field->maximum);
    else
        snprintf(needed, sizeof(needed), "a %s is needed", kind);
    return fail(at, field, needed, err);
}

static bool out_of_range(const JsonField *field, double value)
{
    return bounded(field) && !(value >= field->minimum && value <= field->maximum);
}

static bool read_time(json_t *value, const char *at, const JsonField *field, void *target, Error *err)
{
    bool is_hour = field->type == JSON_FIELD_HOUR;
    if (!json_is_string(value))
        return fail(at, field, is_hour ? "an RFC 3339 whole hour is needed" : "an RFC 3339 instant is needed", err);
    const char *text = json_string_value(value);
    size_t length_bytes = json_string_length(value);
    Error why;
    bool ok = is_hour ? hour_parse(text, target, &why) : instant_parse_n(text, length_bytes, target, &why);
    return ok || fail(at, field, why.message, err);
}

static bool read_field(json_t *value, const char *at, const JsonField *field, Arena *arena, void *target, Error *err)
{
    switch (field->type) {
    case JSON_FIELD_TEXT:
        if (!json_is_string(value))
            return fail(at, field, "a text is needed", err);
        *(const char **)target = arena_strndup(arena, json_string_value(value), json_string_length(value));
        return true;
    case JSON_FIELD_INT:
        if (!json_is_integer(value) || out_of_range(field, (double)json_integer_value(value)))
            return fail_number(at, field, "whole number", err);
        *(int64_t *)target = json_integer_value(value);
        return true;
    case JSON_FIELD_REAL:
        if (!json_is_number(value) || out_of_range(field, json_number_value(value)))
            return fail_number(at, field, "number", err);
        *(double *)target = json_number_value(value);
        return true;
    case JSON_FIELD_BOOL:
        if (!json_is_boolean(value))
            return fail(at, field, "true or false is needed", err);
        *(bool *)target = json_is_true(value);
        return true;
    case JSON_FIELD_INSTANT:
    case JSON_FIELD_HOUR:
        return read_time(value, at, field, target, err);
    case JSON_FIELD_ANY:
        *(json_t **)target = value;
        return true;
    }
    __builtin_unreachable();
}

bool json_read(const json_t *object, const char *at, const JsonField *fields, Arena *arena, void *target, Error *err)
{
    if (!json_is_object(object))
        return error_set_at(err, ERROR_UNPROCESSABLE, at, "%s: an object is needed", at[0] == '\0' ? "the body" : at);
    for (const JsonField *field = fields; field->name != NULL; field++) {
        json_t *value = json_object_get(object, field->name);
        if (value == NULL || (json_is_null(value) && field->optional)) {
            if (field->optional)
                continue;
            return fail(at, field, "is missing", err);
        }
        if (!read_field(value, at, field, arena, (char *)target + field->offset, err))
            return false;
    }
    return true;
}

bool json_parse(const char *text, size_t length_bytes, json_t **ret_json, Error *err)
{
    if (length_bytes == 0)
        return error_set(err, ERROR_MALFORMED, "a JSON document is needed, but there is nothing");
    json_error_t why;
    json_t *json = json_loadb(text, length_bytes, JSON_REJECT_DUPLICATES, &why);
    if (json == NULL)
        return error_set(err, ERROR_MALFORMED, "not valid JSON at line %d, column %d: %s", why.line, why.column,
                         why.text);
    *ret_json = json;
    return true;
}

json_t *json_instant(Instant instant)
{
    char text[INSTANT_TEXT_MAX];
    if (instant == INSTANT_NONE)
        return json_null();
    instant_format(instant, text);
    return json_string(text);
}

json_t *json_hour(Hour hour)
{
    return json_instant(hour == HOUR_NONE ? INSTANT_NONE : hour_start(hour));
}

void json_cleanup(json_t **json)
{
    json_decref(*json);
    *json = NULL;
}
