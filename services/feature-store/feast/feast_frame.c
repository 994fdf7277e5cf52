#include "services/feature-store/feast/feast_frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "services/feature-store/feast/feast_value.h"
#include "services/feature-store/registry/feature_entity.h"

enum { SHOWN_MAX_BYTES = 60 };
#define EVENT_COLUMN "event_timestamp"
#define CREATED_COLUMN "created"

/* A frame while it is read. */
typedef struct Reading {
    yyjson_val *json;
    const FeatureView *view;
    Arena *arena;
    FeastFrame frame;
    FeatureValue *keys; /* keys_count of each row */
} Reading;

static bool fail_value(size_t row, const char *column, yyjson_val *json, const char *needed, Error *err)
{
    char pointer[sizeof(err->pointer)];
    snprintf(pointer, sizeof(pointer), "/df/%s/%zu", column, row);
    char *text = yyjson_val_write(json, YYJSON_WRITE_ALLOW_INVALID_UNICODE | YYJSON_WRITE_ALLOW_INF_AND_NAN, NULL);
    error_set_at(err, ERROR_UNPROCESSABLE, pointer, "row %zu, column %s: %.*s is not a%s %s (rows count from 0)", row,
                 column, SHOWN_MAX_BYTES, text == NULL ? "the value" : text, strchr("aeiou", needed[0]) ? "n" : "",
                 needed);
    free(text);
    return false;
}

/* The column's list. NULL in *ret_values when it is missing. */
static bool find_column(const Reading *reading, const char *name, bool needed, yyjson_val **ret_values, Error *err)
{
    yyjson_val *values = yyjson_obj_get(reading->json, name);
    if (values == NULL && !needed) {
        *ret_values = NULL;
        return true;
    }
    if (values == NULL)
        return error_set_at(err, ERROR_UNPROCESSABLE, "/df",
                            "column %s is missing: %s needs its join keys, " EVENT_COLUMN " and every feature", name,
                            reading->view->name);
    if (!yyjson_is_arr(values))
        return error_set_at(err, ERROR_UNPROCESSABLE, "/df", "column %s must be a list", name);
    if (yyjson_arr_size(values) != reading->frame.count)
        return error_set_at(err, ERROR_UNPROCESSABLE, "/df", "column %s has %zu rows, but %s has %zu", name,
                            yyjson_arr_size(values), reading->view->keys[0].join_key, reading->frame.count);
    *ret_values = values;
    return true;
}

static bool read_key_column(const Reading *reading, size_t key, Error *err)
{
    const FeatureKey *declared = &reading->view->keys[key];
    yyjson_val *values = NULL, *json;
    size_t row, count;
    if (!find_column(reading, declared->join_key, true, &values, err))
        return false;
    yyjson_arr_foreach(values, row, count, json)
    {
        FeatureValue *value = &reading->keys[row * reading->view->keys_count + key];
        if (!feast_key_read(json, declared->type, reading->arena, value) || value->null)
            return fail_value(row, declared->join_key, json, feature_type_name(declared->type), err);
    }
    return true;
}

static bool read_entities(const Reading *reading, Error *err)
{
    char entity[FEATURE_ENTITY_MAX + 1];
    size_t keys_count = reading->view->keys_count;
    for (size_t key = 0; key < keys_count; key++) {
        if (!read_key_column(reading, key, err))
            return false;
    }
    for (size_t row = 0; row < reading->frame.count; row++) {
        if (!feature_entity_format(reading->view, &reading->keys[row * keys_count], entity, err))
            return error_prefix(err, "row %zu", row);
        reading->frame.rows[row].entity = arena_strdup(reading->arena, entity);
    }
    return true;
}

static bool read_event_column(const Reading *reading, Error *err)
{
    yyjson_val *values = NULL, *json;
    size_t row, count;
    if (!find_column(reading, EVENT_COLUMN, true, &values, err))
        return false;
    yyjson_arr_foreach(values, row, count, json)
    {
        if (!feast_instant_read(json, &reading->frame.rows[row].row.event_timestamp))
            return fail_value(row, EVENT_COLUMN, json, "timestamp", err);
    }
    return true;
}

static bool read_created_column(const Reading *reading, Error *err)
{
    yyjson_val *values = NULL, *json;
    size_t row, count;
    if (!find_column(reading, CREATED_COLUMN, false, &values, err))
        return false;
    for (row = 0; row < reading->frame.count; row++)
        reading->frame.rows[row].row.created = INSTANT_NONE;
    if (values == NULL)
        return true;
    yyjson_arr_foreach(values, row, count, json)
    {
        FeatureValue value;
        if (!feast_value_read(json, FEATURE_INSTANT, &value))
            return fail_value(row, CREATED_COLUMN, json, "timestamp", err);
        if (!value.null)
            reading->frame.rows[row].row.created = value.instant;
    }
    return true;
}

static bool read_feature_column(const Reading *reading, size_t feature, Error *err)
{
    const Feature *declared = &reading->view->features[feature];
    yyjson_val *values = NULL, *json;
    size_t row, count;
    if (!find_column(reading, declared->name, true, &values, err))
        return false;
    yyjson_arr_foreach(values, row, count, json)
    {
        if (!feast_value_read(json, declared->type, &reading->frame.rows[row].row.values[feature]))
            return fail_value(row, declared->name, json, feature_type_name(declared->type), err);
    }
    return true;
}

static bool make_rows(Reading *reading, Error *err)
{
    size_t features_count = reading->view->features_count;
    yyjson_val *first = yyjson_obj_get(reading->json, reading->view->keys[0].join_key);
    if (!yyjson_is_obj(reading->json))
        return error_set_at(err, ERROR_UNPROCESSABLE, "/df",
                            "df must be an object that has a list of values for each column");
    size_t count = yyjson_arr_size(first);
    if (count > FEAST_FRAME_ROWS_MAX || count > FEAST_FRAME_VALUES_MAX / features_count)
        return error_set_at(err, ERROR_TOO_LARGE, "/df",
                            "df has %zu rows of %zu features; at most %d rows and %d values at once", count,
                            features_count, FEAST_FRAME_ROWS_MAX, FEAST_FRAME_VALUES_MAX);
    reading->frame.count = count;
    reading->frame.rows = arena_array(reading->arena, count, sizeof(*reading->frame.rows));
    reading->keys = arena_array(reading->arena, count * reading->view->keys_count, sizeof(*reading->keys));
    FeatureValue *values = arena_array(reading->arena, count * features_count, sizeof(*values));
    for (size_t row = 0; row < count; row++)
        reading->frame.rows[row].row.values = &values[row * features_count];
    return true;
}

bool feast_frame_read(yyjson_val *frame, const FeatureView *view, Arena *arena, FeastFrame *ret_frame, Error *err)
{
    Reading reading = {.json = frame, .view = view, .arena = arena};
    if (!make_rows(&reading, err) || !read_entities(&reading, err) || !read_event_column(&reading, err) ||
        !read_created_column(&reading, err))
        return false;
    for (size_t feature = 0; feature < view->features_count; feature++) {
        if (!read_feature_column(&reading, feature, err))
            return false;
    }
    *ret_frame = reading.frame;
    return true;
}

/* By entity, event time and place in the frame. */
static int compare_rows(const void *a, const void *b)
{
    const FeastFrameRow *one = *(const FeastFrameRow *const *)a, *other = *(const FeastFrameRow *const *)b;
    int order = strcmp(one->entity, other->entity);
    if (order == 0)
        order = (one->row.event_timestamp > other->row.event_timestamp) -
                (one->row.event_timestamp < other->row.event_timestamp);
    return order != 0 ? order : (one > other) - (one < other);
}

FeastFrame feast_frame_newest(const FeastFrame *frame, Arena *arena)
{
    FeastFrame newest = {.rows = arena_array(arena, frame->count, sizeof(*newest.rows))};
    const FeastFrameRow **sorted = arena_array(arena, frame->count, sizeof(*sorted));
    for (size_t row = 0; row < frame->count; row++)
        sorted[row] = &frame->rows[row];
    qsort(sorted, frame->count, sizeof(*sorted), compare_rows);
    for (size_t row = 0; row < frame->count; row++) {
        if (row + 1 == frame->count || strcmp(sorted[row]->entity, sorted[row + 1]->entity) != 0)
            newest.rows[newest.count++] = *sorted[row];
    }
    return newest;
}
