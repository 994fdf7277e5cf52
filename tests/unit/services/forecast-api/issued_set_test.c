#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "tests/unit/services/forecast-api/set_fixture.h"

TestSuite(issued_set);

static const FixtureSeries series[] = {
    {"b", "goods", "seasonal", NULL, 2}, {"b", NULL, "boosted", NULL, 5}, {"a", NULL, "boosted", "short_history", 1}};

static bool read_fixture(const FixtureSet *fixture, IssuedSet **ret_set, Error *err)
{
    size_t length_bytes;
    char *bytes = fixture_bytes(fixture, &length_bytes);
    bool ok = issued_set_read("s", bytes, length_bytes, ret_set, err);
    free(bytes);
    return ok;
}

Test(issued_set, is_sorted_and_complete)
{
    IssuedSet *set =
        fixture_set("2026103122-1", &(FixtureSet){.cutoff = "2026-10-31T22:00:00Z", .series = series, .count = 3});
    cr_assert_str_eq(set->id, "2026103122-1");
    cr_assert_str_eq(set->kind, "hourly");
    cr_assert_eq(set->hours, FIXTURE_HOURS);
    cr_assert_eq(set->count, 3);
    cr_assert_str_eq(set->series[0].geo, "a");
    cr_assert_str_eq(set->series[0].reason, "short_history");
    cr_assert_eq(set->series[1].vertical, VERTICAL_ALL);
    cr_assert_eq(set->series[2].vertical, VERTICAL_GOODS);
    cr_assert_null(set->series[2].reason);
    cr_assert_str_eq(set->series[2].model, "seasonal");
    cr_assert_float_eq(set->series[1].hours[25].p90, 10.2, 1e-12);
    shared_unref(set);
}

static const struct {
    const char *expected;
    FixtureSet set;
} bad_sets[] = {
    {"/rows/1/p10", {.bad = true, .bad_row = 1, .bad_hour = 7, .bad_column = 1, .bad_value = -1}},
    {"/rows/2/p50", {.bad = true, .bad_row = 2, .bad_hour = 0, .bad_column = 2, .bad_value = 0.1}},
    {"/rows/0/p90", {.bad = true, .bad_row = 0, .bad_hour = 191, .bad_column = 3, .bad_value = 0}},
    {"/rows/0/mean", {.bad = true, .bad_row = 0, .bad_hour = 1, .bad_column = 0, .bad_value = INFINITY}},
    {"/rows/2/mean", {.bad = true, .bad_row = 2, .bad_hour = 1, .bad_column = 0, .bad_value = NAN}},
    {"/rows/0/mean", {.hours_text = "191"}},
    {"rushcast.hours", {.hours_text = "100"}},
    {"rushcast.hours", {.hours_text = "192h"}},
};

Test(issued_set, names_row_and_column_of_what_is_wrong)
{
    for (size_t i = 0; i < sizeof bad_sets / sizeof *bad_sets; i++) {
        FixtureSet fixture = bad_sets[i].set;
        fixture.cutoff = "2026-10-31T22:00:00Z";
        fixture.series = series;
        fixture.count = 3;
        IssuedSet *set;
        Error err;
        cr_assert_not(read_fixture(&fixture, &set, &err), "%zu", i);
        cr_assert_eq(err.code, ERROR_UNPROCESSABLE);
        cr_assert_str_eq(err.pointer, bad_sets[i].expected, "%s is %s: %s", bad_sets[i].expected, err.pointer,
                         err.message);
    }
}

Test(issued_set, refuses_doubles_unknown_verticals_and_no_rows)
{
    static const FixtureSeries twice[] = {
        {"a", NULL, "m", NULL, 1}, {"b", NULL, "m", NULL, 1}, {"a", NULL, "m", NULL, 2}};
    static const FixtureSeries vertical[] = {{"a", "flowers", "m", NULL, 1}};
    static const FixtureSeries nameless[] = {{"", NULL, "m", NULL, 1}};
    IssuedSet *set;
    Error err;
    cr_assert_not(
        read_fixture(&(FixtureSet){.cutoff = "2026-10-31T22:00:00Z", .series = twice, .count = 3}, &set, &err));
    cr_assert(strstr(err.message, "twice") != NULL, "%s", err.message);
    cr_assert_not(
        read_fixture(&(FixtureSet){.cutoff = "2026-10-31T22:00:00Z", .series = vertical, .count = 1}, &set, &err));
    cr_assert_str_eq(err.pointer, "/rows/0/vertical");
    cr_assert_not(
        read_fixture(&(FixtureSet){.cutoff = "2026-10-31T22:00:00Z", .series = nameless, .count = 1}, &set, &err));
    cr_assert_str_eq(err.pointer, "/rows/0/geo");
    cr_assert_not(
        read_fixture(&(FixtureSet){.cutoff = "2026-10-31T22:00:00Z", .series = nameless, .count = 0}, &set, &err));
    cr_assert_eq(err.code, ERROR_UNPROCESSABLE);
    cr_assert_not(
        read_fixture(&(FixtureSet){.cutoff = "2026-10-31T22:30:00Z", .series = nameless, .count = 0}, &set, &err));
    cr_assert_eq(err.code, ERROR_UNPROCESSABLE);
    cr_assert_not(issued_set_read("s", "not arrow", 9, &set, &err));
}

Test(issued_set, truncated_streams_are_refused)
{
    size_t length_bytes;
    char *bytes =
        fixture_bytes(&(FixtureSet){.cutoff = "2026-10-31T22:00:00Z", .series = series, .count = 3}, &length_bytes);
    for (size_t cut = 0; cut < length_bytes - 16; cut += 97) {
        char *copy = malloc(cut + 1);
        memcpy(copy, bytes, cut);
        IssuedSet *set;
        Error err;
        cr_assert_not(issued_set_read("s", copy, cut, &set, &err), "cut at %zu of %zu", cut, length_bytes);
        free(copy);
    }
    free(bytes);
}

Test(issued_set, ids)
{
    cr_assert(issued_set_id_ok("20261031T22-17"));
    cr_assert_not(issued_set_id_ok(""));
    cr_assert_not(issued_set_id_ok("a/b"));
    cr_assert_not(issued_set_id_ok("a b"));
    char longest[ISSUED_SET_ID_MAX + 2];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    cr_assert_not(issued_set_id_ok(longest));
    cr_assert(issued_set_id_ok(longest + 1));
}
