#include "services/feature-store/feast/feast_response.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ERROR_LIMIT_BYTES = 16 * 1024 };
#define NO_TIMESTAMP "1970-01-01T00:00:00Z"

static const char *const status_names[] = {
    [FEAST_PRESENT] = "PRESENT",
    [FEAST_NULL_VALUE] = "NULL_VALUE",
    [FEAST_NOT_FOUND] = "NOT_FOUND",
    [FEAST_OUTSIDE_MAX_AGE] = "OUTSIDE_MAX_AGE",
};

const char *feast_status_name(FeastStatus status)
{
    return status_names[status];
}

/* Whether the value may be served at `now`: nothing older than the view's ttl is, whatever it was. */
static FeastStatus feast_value_status(const FeatureView *view, const FeastEntityRow *row, size_t feature, Instant now)
{
    if (!row->found)
        return FEAST_NOT_FOUND;
    if (view->ttl_s > 0 && now - row->row.event_timestamp > view->ttl_s * INSTANT_PER_SECOND)
        return FEAST_OUTSIDE_MAX_AGE;
    return row->row.values[feature].null ? FEAST_NULL_VALUE : FEAST_PRESENT;
}

/* Shortest text that reads back as the same double, always with a fraction or exponent: clients infer types from it. */
static void append_real(Buffer *out, double value)
{
    char text[40];
    if (isnan(value) || isinf(value)) {
        buffer_append_text(out, isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    buffer_append_text(out, text);
    if (strpbrk(text, ".e") == NULL)
        buffer_append_text(out, ".0");
}

static void append_value(Buffer *out, FeatureType type, const FeatureValue *value)
{
    char instant[INSTANT_TEXT_MAX];
    switch (type) {
    case FEATURE_INT64: buffer_append_int(out, value->integer); break;
    case FEATURE_FLOAT64: append_real(out, value->real); break;
    case FEATURE_BOOL: buffer_append_text(out, value->boolean ? "true" : "false"); break;
    case FEATURE_TEXT: buffer_append_json_string(out, value->text); break;
    case FEATURE_INSTANT:
        instant_format(value->instant, instant);
        buffer_append_json_string(out, instant);
        break;
    }
}

static void append_quoted(Buffer *out, size_t index, const char *plain)
{
    buffer_append_text(out, index > 0 ? ",\"" : "\"");
    buffer_append_text(out, plain);
    buffer_append_char(out, '"');
}

static void write_join_key(const FeastJoinKey *key, size_t count, Buffer *out)
{
    buffer_append_text(out, "{\"values\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_append_char(out, ',');
        buffer_append_json_string(out, key->values[i]);
    }
    buffer_append_text(out, "],\"statuses\":[");
    for (size_t i = 0; i < count; i++)
        append_quoted(out, i, status_names[FEAST_PRESENT]);
    buffer_append_text(out, "],\"event_timestamps\":[");
    for (size_t i = 0; i < count; i++)
        append_quoted(out, i, NO_TIMESTAMP);
    buffer_append_text(out, "]}");
}

static void write_column(const FeatureView *view, size_t feature, const FeastEntityRow *rows, size_t count, Instant now,
                         Buffer *out, size_t ret_counts[FEAST_STATUSES])
{
    buffer_append_text(out, ",{\"values\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_append_char(out, ',');
        FeastStatus status = feast_value_status(view, &rows[i], feature, now);
        ret_counts[status]++;
        if (status == FEAST_PRESENT)
            append_value(out, view->features[feature].type, &rows[i].row.values[feature]);
        else
            buffer_append_text(out, "null");
    }
    buffer_append_text(out, "],\"statuses\":[");
    for (size_t i = 0; i < count; i++)
        append_quoted(out, i, status_names[feast_value_status(view, &rows[i], feature, now)]);
    buffer_append_text(out, "],\"event_timestamps\":[");
    char text[INSTANT_TEXT_MAX] = NO_TIMESTAMP;
    Instant formatted = INSTANT_NONE; /* rows mostly share their timestamp */
    for (size_t i = 0; i < count; i++) {
        if (rows[i].found && rows[i].row.event_timestamp != formatted) {
            formatted = rows[i].row.event_timestamp;
            instant_format(formatted, text);
        }
        append_quoted(out, i, rows[i].found ? text : NO_TIMESTAMP);
    }
    buffer_append_text(out, "]}");
}

static void write_metadata(const FeastRequest *request, Buffer *out)
{
    buffer_append_text(out, "{\"metadata\":{\"feature_names\":[");
    for (size_t i = 0; i < request->join_keys_count; i++) {
        buffer_append_text(out, i > 0 ? "," : "");
        buffer_append_json_string(out, request->join_keys[i].name);
    }
    for (size_t i = 0; i < request->columns_count; i++) {
        buffer_append_char(out, ',');
        buffer_append_json_string(out, request->columns[i].name);
    }
    buffer_append_char(out, ']');
    if (request->with_version_metadata) {
        buffer_append_text(out, ",\"feature_view_metadata\":[");
        for (size_t i = 0; i < request->views_count; i++)
            buffer_printf(out, "%s{\"name\":\"%s\",\"version\":%lld}", i > 0 ? "," : "", request->views[i].view->name,
                          (long long)request->views[i].view->version);
        buffer_append_char(out, ']');
    }
    buffer_append_text(out, "},\"results\":[");
}

void feast_response_write(const FeastRequest *request, const FeastEntityRow *rows, Instant now, Buffer *out,
                          size_t (*ret_counts)[FEAST_STATUSES])
{
    write_metadata(request, out);
    for (size_t i = 0; i < request->join_keys_count; i++) {
        buffer_append_text(out, i > 0 ? "," : "");
        write_join_key(&request->join_keys[i], request->entities_count, out);
    }
    for (size_t i = 0; i < request->columns_count; i++) {
        const FeastColumn *column = &request->columns[i];
        write_column(request->views[column->view].view, column->feature, &rows[column->view * request->entities_count],
                     request->entities_count, now, out, ret_counts[column->view]);
    }
    buffer_append_text(out, "]}");
}

void feast_error_write(const Error *err, Buffer *out)
{
    const char *class = "FeastError";
    if (err->code == ERROR_NOT_FOUND)
        class = strcmp(err->pointer, "feature_service") == 0 ? "FeatureServiceNotFoundException"
                                                             : "FeatureViewNotFoundException";
    Buffer inner;
    buffer_init(&inner, ERROR_LIMIT_BYTES);
    buffer_printf(&inner, "{\"module\": \"feast.errors\", \"class\": \"%s\", \"message\": ", class);
    buffer_append_json_string(&inner, err->message);
    buffer_append_char(&inner, '}');
    buffer_append_json_string(out, inner.data);
    buffer_fini(&inner);
}
