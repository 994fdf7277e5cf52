#include "common/hour.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(hour);

static Instant parsed(const char *text)
{
    Error err;
    Instant instant;
    cr_assert(instant_parse(text, &instant, &err), "%s", err.message);
    return instant;
}

Test(hour, instants_of_every_form)
{
    Instant expected = INT64_C(1795449600) * INSTANT_PER_SECOND; /* date -u -d 2026-11-23T16:00:00Z +%s */
    static const char *const same[] = {
        "2026-11-23T16:00:00Z",      "2026-11-23 16:00:00Z",      "2026-11-23t16:00:00z",
        "2026-11-23T13:00:00-03:00", "2026-11-23T16:00:00+00:00", "2026-11-23T16:00:00.000000Z",
        "2026-11-24T01:30:00+09:30", "2026-11-23T16:00:00.0Z",
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        cr_assert_eq(parsed(same[i]), expected, "%s", same[i]);
    cr_assert_eq(parsed("2026-11-23T16:00:00.5Z"), expected + 500000);
    cr_assert_eq(parsed("2026-11-23T16:00:00.123456789Z"), expected + 123456);
    cr_assert_eq(parsed("1970-01-01T00:00:00Z"), 0);
    cr_assert_eq(parsed("2016-12-31T23:59:60Z"), parsed("2016-12-31T23:59:59Z"));
    cr_assert_eq(parsed("2024-02-29T00:00:00Z") - parsed("2024-02-28T00:00:00Z"), 24 * INSTANT_PER_HOUR);
    cr_assert_eq(parsed("2200-12-31T23:59:59Z"), INT64_C(7289654399) * INSTANT_PER_SECOND);
}

Test(hour, what_is_no_instant)
{
    static const char *const bad[] = {
        "",
        "2026",
        "2026-11-23",
        "2026-11-23T16:00:00",
        "2026-11-23T16:00Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T16:60:00Z",
        "2026-11-23T16:00:61Z",
        "2026-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-11-31T00:00:00Z",
        "2026-11-00T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "2200-12-31T23:59:59-00:01",
        "2201-01-01T00:00:00Z",
        "2026-11-23T16:00:00.Z",
        "2026-11-23T16:00:00.1234567890Z",
        "2026-11-23T16:00:00+3:00",
        "2026-11-23T16:00:00+0300",
        "2026-11-23T16:00:00+24:00",
        "2026-11-23T16:00:00Zx",
        "2026-11-23X16:00:00Z",
        " 2026-11-23T16:00:00Z",
        "-026-11-23T16:00:00Z",
        "2026-11-23T+6:00:00Z",
        "1795449600",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        Error err = {0};
        Instant untouched = 42;
        cr_assert_not(instant_parse(bad[i], &untouched, &err), "%s", bad[i]);
        cr_assert_eq(err.code, ERROR_INVALID_ARGUMENT);
        cr_assert_eq(untouched, 42);
    }
    /* Every cut-off and every length without a NUL at its end: sanitizers watch the reads. */
    static const char whole[] = "2026-11-23T16:00:00.123-03:00";
    for (size_t length = 0; length + 1 < sizeof whole; length++) {
        char *copy = strndup(whole, length);
        Instant instant;
        cr_assert_not(instant_parse_n(copy, length, &instant, NULL), "%zu", length);
        free(copy);
    }
}

Test(hour, hours_are_floors)
{
    cr_assert_eq(hour_of(0), 0);
    cr_assert_eq(hour_of(INSTANT_PER_HOUR - 1), 0);
    cr_assert_eq(hour_of(INSTANT_PER_HOUR), 1);
    cr_assert_eq(hour_of(-1), -1);
    cr_assert_eq(hour_of(-INSTANT_PER_HOUR), -1);
    cr_assert_eq(hour_of(-INSTANT_PER_HOUR - 1), -2);
    cr_assert_eq(hour_start(-2), -2 * INSTANT_PER_HOUR);
}

Test(hour, parse_whole_hours)
{
    Error err;
    Hour hour = 0, date = 0;
    cr_assert(hour_parse("2026-11-23T16:00:00Z", &hour, &err));
    cr_assert(hour_parse("2026-11-23", &date, &err));
    cr_assert_eq(hour - date, 16);
    cr_assert(hour_parse("2026-11-23T16:00:00-03:00", &hour, &err));
    cr_assert_eq(hour - date, 19);
    cr_assert_not(hour_parse("2026-11-23T16:30:00Z", &hour, &err));
    cr_assert_not(hour_parse("2026-11-23T16:00:00+05:30", &hour, &err));
    cr_assert_not(hour_parse("2026-11-23T16:00:00.000001Z", &hour, &err));
    cr_assert_not(hour_parse("2026-02-30", &hour, &err));
}

Test(hour, format)
{
    char text[INSTANT_TEXT_MAX];
    Instant instant = parsed("2026-11-23T16:00:00Z");
    cr_assert_eq(instant_format(instant, text), strlen("2026-11-23T16:00:00Z"));
    cr_assert_str_eq(text, "2026-11-23T16:00:00Z");
    instant_format(instant + 120000, text);
    cr_assert_str_eq(text, "2026-11-23T16:00:00.12Z");
    instant_format(-1, text);
    cr_assert_str_eq(text, "1969-12-31T23:59:59.999999Z");
    cr_assert_eq(hour_format(hour_of(instant), text), strlen(text));
    cr_assert_str_eq(text, "2026-11-23T16:00:00Z");
    cr_assert_eq(hour_format_offset(hour_of(instant), -3 * 3600, text), strlen(text));
    cr_assert_str_eq(text, "2026-11-23T13:00:00-03:00");
    hour_format_offset(hour_of(instant), 9 * 3600 + 1800, text);
    cr_assert_str_eq(text, "2026-11-24T01:30:00+09:30");
    instant_format(INSTANT_NONE, text);
    cr_assert_lt(strlen(text), INSTANT_TEXT_MAX);
    instant_format(INT64_MAX, text);
    cr_assert_lt(strlen(text), INSTANT_TEXT_MAX);
}

Test(hour, what_is_written_is_read_back)
{
    char text[INSTANT_TEXT_MAX];
    for (Instant instant = 0; instant < INT64_C(7289654399) * INSTANT_PER_SECOND;
         instant += INT64_C(9876543210987654) / 1234) {
        instant_format(instant, text);
        cr_assert_eq(parsed(text), instant, "%s", text);
    }
}
