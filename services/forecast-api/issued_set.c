#include "services/forecast-api/issued_set.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "common/arrow_table.h"
#include "common/geo.h"

const char *const vertical_names[] = {"all", "restaurant", "goods", NULL};

enum { COLUMN_GEO, COLUMN_VERTICAL, COLUMN_MODEL, COLUMN_REASON, COLUMN_MEAN, COLUMN_P10, COLUMN_P50, COLUMN_P90 };

static const ArrowColumn columns[] = {
    [COLUMN_GEO] = {.name = "geo", .type = ARROW_COLUMN_TEXT},
    [COLUMN_VERTICAL] = {.name = "vertical", .type = ARROW_COLUMN_TEXT, .nullable = true},
    [COLUMN_MODEL] = {.name = "model", .type = ARROW_COLUMN_TEXT},
    [COLUMN_REASON] = {.name = "reason", .type = ARROW_COLUMN_TEXT, .nullable = true},
    [COLUMN_MEAN] = {.name = "mean", .type = ARROW_COLUMN_REAL_LIST},
    [COLUMN_P10] = {.name = "p10", .type = ARROW_COLUMN_REAL_LIST},
    [COLUMN_P50] = {.name = "p50", .type = ARROW_COLUMN_REAL_LIST},
    [COLUMN_P90] = {.name = "p90", .type = ARROW_COLUMN_REAL_LIST},
};
enum { COLUMNS = sizeof columns / sizeof columns[0], LISTS = COLUMNS - COLUMN_MEAN };

/* Orders per hour of one series; larger is a mistake. Numbers below it are exact to 4 decimals in a double. */
static const double demand_max = 1e9;

static void issued_set_destroy(void *object)
{
    IssuedSet *set = object;
    free(set->series);
    free(set->estimates);
    arena_free(set->arena);
    free(set);
}

bool issued_set_id_ok(const char *id)
{
    size_t length = strlen(id);
    if (length == 0 || length > ISSUED_SET_ID_MAX)
        return false;
    for (const char *c = id; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && strchr("-_.:", *c) == NULL)
            return false;
    return true;
}

static bool cell_error(size_t row, size_t column, const char *geo, Error *err, const char *problem)
{
    char pointer[64];
    snprintf(pointer, sizeof pointer, "/rows/%zu/%s", row, columns[column].name);
    return error_set_at(err, ERROR_UNPROCESSABLE, pointer, "row %zu (geo \"%.63s\"), column %s: %s", row,
                        geo != NULL ? geo : "", columns[column].name, problem);
}

static bool read_metadata(const ArrowTable *table, IssuedSet *set, Error *err)
{
    static const char *const keys[] = {"rushcast.cutoff", "rushcast.issued_at", "rushcast.hours", "rushcast.kind"};
    const char *values[4];
    for (size_t i = 0; i < 4; i++) {
        values[i] = table->metadata(table, keys[i]);
        if (values[i] == NULL)
            return error_set_at(err, ERROR_UNPROCESSABLE, keys[i], "the schema metadata lacks %s", keys[i]);
    }
    if (!hour_parse(values[0], &set->cutoff, err) || !instant_parse(values[1], &set->issued_at, err)) {
        err->code = ERROR_UNPROCESSABLE;
        return error_prefix(err, "schema metadata rushcast.cutoff or rushcast.issued_at");
    }
    char *end;
    long hours = strtol(values[2], &end, 10);
    if (*values[2] == '\0' || *end != '\0' || hours < ISSUED_HOURS_MIN || hours > ISSUED_HOURS_MAX)
        return error_set_at(err, ERROR_UNPROCESSABLE, keys[2],
                            "schema metadata rushcast.hours must be %d to %d, is \"%.32s\"", ISSUED_HOURS_MIN,
                            ISSUED_HOURS_MAX, values[2]);
    set->hours = (size_t)hours;
    if (strcmp(values[3], "daily") != 0 && strcmp(values[3], "hourly") != 0)
        return error_set_at(err, ERROR_UNPROCESSABLE, keys[3],
                            "schema metadata rushcast.kind must be daily or hourly, is \"%.32s\"", values[3]);
    set->kind = arena_strdup(set->arena, values[3]);
    return true;
}

static bool word_ok(const char *word)
{
    size_t length = strlen(word);
    return length > 0 && length < ISSUED_WORD_MAX;
}

/* The few distinct models and reasons are kept once: neighbours mostly have the same. */
static const char *kept_word(IssuedSet *set, const char *word, const char *before)
{
    if (word == NULL)
        return NULL;
    return before != NULL && strcmp(word, before) == 0 ? before : arena_strdup(set->arena, word);
}

static bool read_words(const ArrowTable *table, size_t row, IssuedSet *set, Error *err)
{
    static const IssuedSeries nothing;
    const IssuedSeries *before = row > 0 ? &set->series[row - 1] : &nothing;
    IssuedSeries *series = &set->series[row];
    const char *geo = arrow_get_text(table, row, COLUMN_GEO);
    if (geo == NULL || *geo == '\0' || strlen(geo) >= GEO_ID_MAX)
        return cell_error(row, COLUMN_GEO, geo, err, "must be a geo's id of 1 to 63 bytes");
    const char *vertical = arrow_get_text(table, row, COLUMN_VERTICAL);
    series->vertical = VERTICAL_ALL;
    if (vertical != NULL) {
        series->vertical = VERTICAL_RESTAURANT;
        while (series->vertical < VERTICALS && strcmp(vertical, vertical_names[series->vertical]) != 0)
            series->vertical++;
        if (series->vertical == VERTICALS)
            return cell_error(row, COLUMN_VERTICAL, geo, err, "must be null, restaurant or goods");
    }
    const char *model = arrow_get_text(table, row, COLUMN_MODEL);
    if (model == NULL || !word_ok(model))
        return cell_error(row, COLUMN_MODEL, geo, err, "must be a name of 1 to 63 bytes");
    const char *reason = arrow_get_text(table, row, COLUMN_REASON);
    if (reason != NULL && !word_ok(reason))
        return cell_error(row, COLUMN_REASON, geo, err, "must be null or a word of 1 to 63 bytes");
    series->geo = arena_strdup(set->arena, geo);
    series->model = kept_word(set, model, before->model);
    series->reason = kept_word(set, reason, before->reason);
    return true;
}

static bool hour_error(size_t row, size_t column, const char *geo, size_t hour, const char *problem, Error *err)
{
    char text[96];
    snprintf(text, sizeof text, "hour %zu %s", hour + 1, problem);
    return cell_error(row, column, geo, err, text);
}

static bool read_estimates(const ArrowTable *table, size_t row, IssuedSet *set, Error *err)
{
    const char *geo = set->series[row].geo;
    const double *lists[LISTS];
    for (size_t i = 0; i < LISTS; i++) {
        size_t count = 0;
        if (arrow_is_null(table, row, COLUMN_MEAN + i))
            return cell_error(row, COLUMN_MEAN + i, geo, err, "must not be null");
        lists[i] = arrow_get_reals(table, row, COLUMN_MEAN + i, &count);
        if (count != set->hours) {
            char text[96];
            snprintf(text, sizeof text, "has %zu hours where rushcast.hours says %zu", count, set->hours);
            return cell_error(row, COLUMN_MEAN + i, geo, err, text);
        }
    }
    DemandEstimate *estimates = set->estimates + row * set->hours;
    for (size_t hour = 0; hour < set->hours; hour++) {
        for (size_t i = 0; i < LISTS; i++) {
            double value = lists[i][hour];
            if (!(value >= 0 && value <= demand_max))
                return hour_error(row, COLUMN_MEAN + i, geo, hour,
                                  value < 0 ? "is negative" : "is not a finite number up to 1e9", err);
        }
        estimates[hour] = (DemandEstimate){lists[0][hour], lists[1][hour], lists[2][hour], lists[3][hour]};
        if (estimates[hour].p10 > estimates[hour].p50)
            return hour_error(row, COLUMN_P50, geo, hour, "is below p10", err);
        if (estimates[hour].p50 > estimates[hour].p90)
            return hour_error(row, COLUMN_P90, geo, hour, "is below p50", err);
    }
    set->series[row].hours = estimates;
    return true;
}

static int series_compare(const void *a, const void *b)
{
    const IssuedSeries *left = a, *right = b;
    int order = strcmp(left->geo, right->geo);
    return order != 0 ? order : (int)left->vertical - (int)right->vertical;
}

static bool sort_series(IssuedSet *set, Error *err)
{
    qsort(set->series, set->count, sizeof *set->series, series_compare);
    for (size_t i = 1; i < set->count; i++) {
        const IssuedSeries *series = &set->series[i];
        if (series_compare(series - 1, series) == 0) {
            size_t row = (size_t)(series->hours - set->estimates) / set->hours;
            return cell_error(row, COLUMN_GEO, series->geo, err, "this geo and vertical are in the set twice");
        }
    }
    return true;
}

static bool read_table(const ArrowTable *table, IssuedSet *set, Error *err)
{
    if (!read_metadata(table, set, err))
        return false;
    if (table->rows == 0)
        return error_set_at(err, ERROR_UNPROCESSABLE, "/rows", "the set has no series");
    set->count = table->rows;
    set->series = calloc(set->count, sizeof *set->series);
    set->estimates = calloc(set->count * set->hours, sizeof *set->estimates);
    if (set->series == NULL || set->estimates == NULL)
        return error_set(err, ERROR_UNAVAILABLE, "not enough memory for a set of %zu series", set->count);
    for (size_t row = 0; row < set->count; row++)
        if (!read_words(table, row, set, err) || !read_estimates(table, row, set, err))
            return false;
    return sort_series(set, err);
}

bool issued_set_read(const char *id, const void *data, size_t length_bytes, IssuedSet **ret_set, Error *err)
{
    IssuedSet *set = calloc(1, sizeof *set);
    if (set == NULL)
        return error_set(err, ERROR_UNAVAILABLE, "not enough memory for a forecast set");
    shared_init(&set->shared, issued_set_destroy);
    set->arena = arena_new();
    set->id = arena_strdup(set->arena, id);
    Arena *scratch ARENA_SCOPED = arena_new();
    ArrowTable *table;
    if (!arrow_table_read(data, length_bytes, columns, COLUMNS, scratch, &table, err) || !read_table(table, set, err)) {
        shared_unref(set);
        return false;
    }
    *ret_set = set;
    return true;
}
