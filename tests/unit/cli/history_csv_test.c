#include "cli/history_csv.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static const TimeZone *utc(void)
{
    const TimeZone *zone = NULL;
    Error err;
    cr_assert(timezone_get("UTC", &zone, &err), "%s", err.message);
    return zone;
}

/* Writes the text to a file of its own, as it is or as gzip, and reads it. */
static bool read_text(const char *text, bool packed, HistoryCsv *ret_csv, Error *err)
{
    char path[] = "/tmp/history_csv_test.XXXXXX";
    int file = mkstemp(path);
    cr_assert_geq(file, 0);
    if (packed) {
        gzFile out = gzdopen(file, "wb");
        cr_assert_eq(gzwrite(out, text, (unsigned)strlen(text)), (int)strlen(text));
        gzclose(out);
    } else {
        cr_assert_eq(write(file, text, strlen(text)), (ssize_t)strlen(text));
        close(file);
    }
    bool ok = history_csv_read(path, utc(), "", ret_csv, err);
    unlink(path);
    return ok;
}

Test(history_csv, rows_and_columns_in_any_order)
{
    const char *text = "\xef\xbb\xbf"
                       "count,note,hour_utc,geo\r\n"
                       "2,x,2024-01-01T02:00:00Z,b\r\n"
                       "1.5,\"a, b\",2024-01-01T01:00:00+01:00,\"a,1\"\r\n"
                       "\r\n"
                       "0,,2024-01-01T01:00:00Z,b\r\n"
                       "4,,2024-01-01T01:00:00Z,\"a,1\"\n";
    for (int packed = 0; packed <= 1; packed++) {
        HistoryCsv csv;
        Error err;
        cr_assert(read_text(text, packed, &csv, &err), "%s", err.message);
        cr_assert_eq(csv.history.count, 2);
        const DemandSeries *first = &csv.history.series[0], *second = &csv.history.series[1];
        cr_assert_str_eq(first->geo, "a,1");
        cr_assert_str_eq(second->geo, "b");
        cr_assert_eq(second->first_hour, first->first_hour + 1);
        cr_assert_eq(csv.last_hour, first->first_hour + 2);
        cr_assert_float_eq(first->demand[0], 1.5, 1e-6);
        cr_assert_float_eq(first->demand[1], 4, 1e-6);
        cr_assert(isnan(first->demand[2]));
        cr_assert_eq(csv.repairs.rows, 4);
        cr_assert_eq(csv.repairs.missing_hours, 1);
        cr_assert_eq(csv.repairs.explicit_zeros, 1);
        history_csv_fini(&csv);
    }
}

Test(history_csv, repairs_are_counted)
{
    HistoryCsv csv;
    Error err;
    cr_assert(read_text("geo,hour_utc,count\na,2024-01-01 00:00:00,3\na,2024-01-01T00:00:00Z,3\n", false, &csv, &err),
              "%s", err.message);
    cr_assert_eq(csv.repairs.repeated_rows, 1);
    cr_assert_eq(csv.repairs.zoneless_hours, 1);
    cr_assert_eq(csv.history.series[0].hours, 1);
    history_csv_fini(&csv);
}

/* What is wrong, and what the message must name. */
static const struct {
    char text[160], message[64];
} bad_files[] = {
    {"", "the file is empty"},
    {"geo,hour_utc\na,2024-01-01T00:00:00Z\n", "no column \"count\""},
    {"geo,hour_utc,count\n", "no row"},
    {"geo,hour_utc,count\na,2024-01-01T00:00:00Z,1\na,yesterday,1\n", "line 3, column 2 (hour_utc)"},
    {"geo,hour_utc,count\na,2024-01-01T00:30:00Z,1\n", "line 2, column 2 (hour_utc)"},
    {"geo,hour_utc,count\na,2024-01-01T00:00:00Z,-1\n", "line 2, column 3 (count): a count must not be negative"},
    {"geo,hour_utc,count\na,2024-01-01T00:00:00Z,nan\n", "line 2, column 3 (count): a count must be finite"},
    {"geo,hour_utc,count\na,2024-01-01T00:00:00Z,1e99\n", "line 2, column 3 (count)"},
    {"geo,hour_utc,count\na,2024-01-01T00:00:00Z,many\n", "line 2, column 3 (count): this is no number"},
    {"geo,hour_utc,count\na,2024-01-01T00:00:00Z\n", "line 2, column 3 (count): this field is missing"},
    {"geo,hour_utc,count\n ,2024-01-01T00:00:00Z,1\n", "line 2, column 1 (geo)"},
    {"geo,hour_utc,count\n\"a,2024-01-01T00:00:00Z,1\n", "line 2: a quote is not closed"},
    {"geo,hour_utc,count\na,2024-01-01T00:00:00Z,1\na,2024-01-01T00:00:00Z,2\n", "in line 2"},
    {"geo,hour_utc,count\na,1990-01-01T00:00:00Z,1\na,2024-01-01T00:00:00Z,2\n", "more than 20 years"},
};

Test(history_csv, bad_files_are_refused_with_line_and_column)
{
    for (size_t i = 0; i < sizeof bad_files / sizeof *bad_files; i++) {
        HistoryCsv csv;
        Error err;
        cr_assert_not(read_text(bad_files[i].text, false, &csv, &err), "%s", bad_files[i].text);
        cr_assert_not_null(strstr(err.message, bad_files[i].message), "%s", err.message);
    }
    HistoryCsv csv;
    Error err;
    cr_assert_not(history_csv_read("/nonexistent/history.csv", utc(), "", &csv, &err));
    cr_assert_eq(err.code, ERROR_NOT_FOUND);
}

Test(history_csv, cut_knows_nothing_after_the_cutoff)
{
    HistoryCsv csv;
    Error err;
    Arena *arena ARENA_SCOPED = arena_new();
    cr_assert(read_text("geo,hour_utc,count\na,2024-01-01T00:00:00Z,3\na,2024-01-01T02:00:00Z,5\n"
                        "a,2024-01-01T03:00:00Z,0\nb,2024-01-01T03:00:00Z,1\n",
                        false, &csv, &err),
              "%s", err.message);
    DemandHistory cut;
    history_csv_cut(&csv, csv.first_hour + 2, arena, &cut);
    cr_assert_eq(cut.count, 1);
    cr_assert_eq(cut.series[0].hours, 3);
    cr_assert_eq(cut.series[0].demand[1], 0, "no zero is said up to then: only hours with demand are listed");
    history_csv_cut(&csv, csv.last_hour, arena, &cut);
    cr_assert_eq(cut.count, 2);
    cr_assert(isnan(cut.series[0].demand[1]));
    history_csv_fini(&csv);
}
