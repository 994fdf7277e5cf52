/* Writes an Arrow stream for PUT /forecast-sets/{id} to standard output. Usage: forecast_set GEOS CUTOFF
 * Geos are named as run.sh names them in Postgres; demand has a day's shape and differs between geos. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/arrow_table.h"

enum { HOURS = 192, LISTS = 4, GEO_TEXT_MAX = 24 };

static const ArrowColumn columns[] = {
    {.name = "geo", .type = ARROW_COLUMN_TEXT},       {.name = "vertical", .type = ARROW_COLUMN_TEXT, .nullable = true},
    {.name = "model", .type = ARROW_COLUMN_TEXT},     {.name = "reason", .type = ARROW_COLUMN_TEXT, .nullable = true},
    {.name = "mean", .type = ARROW_COLUMN_REAL_LIST}, {.name = "p10", .type = ARROW_COLUMN_REAL_LIST},
    {.name = "p50", .type = ARROW_COLUMN_REAL_LIST},  {.name = "p90", .type = ARROW_COLUMN_REAL_LIST},
};

static double rounded(double value)
{
    return round(value * 1e4) / 1e4;
}

static void write_series(ArrowWriter *writer, int number)
{
    static const double shares[LISTS] = {1, 0.55, 0.97, 1.6};
    char geo[GEO_TEXT_MAX];
    double level = 0.2 + fmod(number * 0.618034, 1) * 30;
    snprintf(geo, sizeof geo, "87%07dffffff", number);
    arrow_text(writer, geo);
    arrow_null(writer);
    arrow_text(writer, "boosted");
    arrow_null(writer);
    for (int list = 0; list < LISTS; list++) {
        double values[HOURS];
        for (int hour = 0; hour < HOURS; hour++)
            values[hour] = rounded(level * (1.1 + sin(hour * M_PI / 12 + number)) * shares[list]);
        arrow_reals(writer, values, HOURS);
    }
    arrow_end_row(writer);
}

int main(int argc, char **argv)
{
    Error err;
    ArrowWriter *writer;
    if (argc != 3) {
        fprintf(stderr, "usage: forecast_set GEOS CUTOFF\n");
        return 2;
    }
    const ArrowMetadata metadata[] = {{"rushcast.cutoff", argv[2]},
                                      {"rushcast.issued_at", argv[2]},
                                      {"rushcast.hours", "192"},
                                      {"rushcast.kind", "hourly"},
                                      {NULL, NULL}};
    if (!arrow_writer_new(stdout, columns, sizeof columns / sizeof *columns, metadata, &writer, &err)) {
        fprintf(stderr, "forecast_set: %s\n", err.message);
        return 1;
    }
    for (int number = 0; number < atoi(argv[1]); number++)
        write_series(writer, number);
    if (!arrow_writer_end(writer, &err) || fflush(stdout) != 0) {
        fprintf(stderr, "forecast_set: %s\n", err.message);
        return 1;
    }
    return 0;
}
