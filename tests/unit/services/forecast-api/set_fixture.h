/* Forecast sets for tests: made through the Arrow writer, as the trainer makes them. */
#pragma once

#include <stdlib.h>
#include "common/arrow_table.h"
#include "services/forecast-api/issued_set.h"

enum { FIXTURE_HOURS = 192 };

typedef struct FixtureSeries {
    const char *geo, *vertical, *model, *reason;
    double level; /* hour i (from 0) has mean level + i % 24 / 10, p10 half, p50 0.9 and p90 twice of that */
} FixtureSeries;

typedef struct FixtureSet {
    const char *cutoff;
    const char *hours_text; /* NULL: FIXTURE_HOURS */
    const FixtureSeries *series;
    size_t count;
    /* What is put wrong: value of `bad_column` (0 mean .. 3 p90), row `bad_row`, hour `bad_hour`, when `bad` is set. */
    bool bad;
    size_t bad_row, bad_hour, bad_column;
    double bad_value;
} FixtureSet;

static inline double fixture_mean(double level, size_t hour)
{
    return level + (double)(hour % 24) / 10;
}

/* The stream's bytes: free() them. */
static inline char *fixture_bytes(const FixtureSet *set, size_t *ret_length_bytes)
{
    static const ArrowColumn columns[] = {
        {"geo", ARROW_COLUMN_TEXT, false},       {"vertical", ARROW_COLUMN_TEXT, true},
        {"model", ARROW_COLUMN_TEXT, false},     {"reason", ARROW_COLUMN_TEXT, true},
        {"mean", ARROW_COLUMN_REAL_LIST, false}, {"p10", ARROW_COLUMN_REAL_LIST, false},
        {"p50", ARROW_COLUMN_REAL_LIST, false},  {"p90", ARROW_COLUMN_REAL_LIST, false}};
    static const double shares[] = {1, 0.5, 0.9, 2};
    const ArrowMetadata metadata[] = {{"rushcast.cutoff", set->cutoff},
                                      {"rushcast.issued_at", "2026-10-31T22:05:00Z"},
                                      {"rushcast.hours", set->hours_text != NULL ? set->hours_text : "192"},
                                      {"rushcast.kind", "hourly"},
                                      {NULL, NULL}};
    char *bytes = NULL;
    FILE *out = open_memstream(&bytes, ret_length_bytes);
    ArrowWriter *writer;
    Error err;
    if (!arrow_writer_new(out, columns, 8, metadata, &writer, &err))
        abort();
    for (size_t row = 0; row < set->count; row++) {
        arrow_text(writer, set->series[row].geo);
        arrow_text(writer, set->series[row].vertical);
        arrow_text(writer, set->series[row].model);
        arrow_text(writer, set->series[row].reason);
        for (size_t column = 0; column < 4; column++) {
            double values[FIXTURE_HOURS];
            for (size_t hour = 0; hour < FIXTURE_HOURS; hour++)
                values[hour] = fixture_mean(set->series[row].level, hour) * shares[column];
            if (set->bad && set->bad_row == row && set->bad_column == column)
                values[set->bad_hour] = set->bad_value;
            arrow_reals(writer, values, FIXTURE_HOURS);
        }
        arrow_end_row(writer);
    }
    if (!arrow_writer_end(writer, &err))
        abort();
    fclose(out);
    return bytes;
}

static inline IssuedSet *fixture_set(const char *id, const FixtureSet *fixture)
{
    size_t length_bytes;
    char *bytes = fixture_bytes(fixture, &length_bytes);
    IssuedSet *set;
    Error err;
    if (!issued_set_read(id, bytes, length_bytes, &set, &err)) {
        fprintf(stderr, "fixture: %s\n", err.message);
        abort();
    }
    free(bytes);
    return set;
}
