/* An hourly history from a CSV file, plain or gzip: columns geo, hour_utc and count in any order, others ignored, rows
 * in any order. */
#pragma once

#include "services/trainer/forecasting/forecaster.h"

enum {
    HISTORY_LINE_BYTES_MAX = 4096,
    HISTORY_ROWS_MAX = 100000000,
    HISTORY_HOURS_MAX = 24 * 366 * 20, /* between the first and the last hour */
};

/* What was repaired, for a warning. */
typedef struct HistoryRepairs {
    size_t rows;           /* rows read */
    size_t repeated_rows;  /* said the same as an earlier row; ignored */
    size_t missing_hours;  /* hours without a row between a geo's first and the last hour of the file */
    size_t zoneless_hours; /* times without an offset; read as UTC */
    size_t explicit_zeros;
} HistoryRepairs;

typedef struct HistoryCsv {
    DemandHistory history; /* sorted by geo; hours without a row are NAN */
    Hour first_hour, last_hour;
    HistoryRepairs repairs;
    Arena *arena;
} HistoryCsv;

/* All series get the zone and the country. Errors name file, line and column: a field that is missing or malformed, an
 * hour that is not whole, a count that is negative or not finite, two counts for the same hour, no row at all. */
bool history_csv_read(const char *path, const TimeZone *zone, const char *country, HistoryCsv *ret_csv,
                      Error *err) MUST_CHECK;
void history_csv_fini(HistoryCsv *csv); /* accepts a zeroed one */

/* What the file would have told at the cutoff: series that have begun, up to the cutoff. Hours without a row are zero
 * when no row up to then says zero (the file lists only hours with demand), else unknown. Lives in the arena. */
void history_csv_cut(const HistoryCsv *csv, Hour cutoff, Arena *arena, DemandHistory *ret_history);
