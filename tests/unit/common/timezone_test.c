#include "common/timezone.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "common/calendar.h"

TestSuite(timezone);

static const TimeZone *zone(const char *name)
{
    Error err;
    const TimeZone *found;
    cr_assert(timezone_get(name, &found, &err), "%s", err.message);
    return found;
}

static Hour at(const char *text)
{
    Error err;
    Hour hour;
    cr_assert(hour_parse(text, &hour, &err), "%s", err.message);
    return hour;
}

Test(timezone, known_offsets)
{
    static const struct {
        const char *zone, *hour;
        int offset_s;
    } expected[] = {
        {"America/Argentina/Buenos_Aires", "2026-11-23T16:00:00Z", -3 * 3600},
        {"America/Los_Angeles", "2014-03-09T09:00:00Z", -8 * 3600},
        {"America/Los_Angeles", "2014-03-09T10:00:00Z", -7 * 3600},
        {"America/Los_Angeles", "2014-11-02T08:00:00Z", -7 * 3600},
        {"America/Los_Angeles", "2014-11-02T09:00:00Z", -8 * 3600},
        {"America/Santiago", "2026-07-01T00:00:00Z", -4 * 3600},
        {"America/Santiago", "2026-12-01T00:00:00Z", -3 * 3600},
        {"Asia/Kathmandu", "2026-01-01T00:00:00Z", 5 * 3600 + 45 * 60},
        {"Australia/Lord_Howe", "2026-01-01T00:00:00Z", 11 * 3600},
        {"Australia/Lord_Howe", "2026-07-01T00:00:00Z", 10 * 3600 + 1800},
        {"Europe/London", "2090-07-01T00:00:00Z", 3600},
        {"Europe/London", "2090-01-01T00:00:00Z", 0},
        {"UTC", "2026-01-01T00:00:00Z", 0},
        {"UTC", "1985-01-01T00:00:00Z", 0},
        {"Pacific/Kiritimati", "2150-01-01T00:00:00Z", 14 * 3600},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        cr_assert_eq(timezone_offset_s(zone(expected[i].zone), at(expected[i].hour)), expected[i].offset_s, "%s %s",
                     expected[i].zone, expected[i].hour);
}

/* Every hour of 2000..2037 in zones with all sorts of changes, against the C library. */
Test(timezone, agrees_with_the_c_library)
{
    static const char *const names[] = {
        "America/Sao_Paulo", "America/New_York",    "Europe/Madrid",    "Africa/Casablanca", "Pacific/Apia",
        "America/Caracas",   "Australia/Lord_Howe", "America/St_Johns", "Asia/Pyongyang",    "Antarctica/Troll",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const TimeZone *found = zone(names[i]);
        setenv("TZ", names[i], 1);
        tzset();
        for (Hour hour = at("2000-01-01"); hour < at("2037-12-31"); hour++) {
            time_t seconds = hour * INT64_C(3600);
            struct tm expected;
            localtime_r(&seconds, &expected);
            cr_assert_eq(timezone_offset_s(found, hour), expected.tm_gmtoff, "%s %d", names[i], hour);
            if (hour % 7 != 0)
                continue;
            LocalTime local = timezone_local(found, hour);
            cr_assert(local.year == expected.tm_year + 1900 && local.month == expected.tm_mon + 1 &&
                      local.day == expected.tm_mday && local.hour == expected.tm_hour &&
                      local.weekday == (expected.tm_wday + 6) % 7);
        }
    }
}

Test(timezone, days_have_23_24_or_25_hours)
{
    const TimeZone *new_york = zone("America/New_York");
    int32_t spring = calendar_day_number(2026, 3, 8), autumn = calendar_day_number(2026, 11, 1);
    cr_assert_eq(timezone_day_start(new_york, spring), at("2026-03-08T05:00:00Z"));
    cr_assert_eq(timezone_day_start(new_york, spring + 1) - timezone_day_start(new_york, spring), 23);
    cr_assert_eq(timezone_day_start(new_york, autumn + 1) - timezone_day_start(new_york, autumn), 25);
    cr_assert_eq(timezone_day_start(new_york, autumn + 2) - timezone_day_start(new_york, autumn + 1), 24);
    /* A zone off by half an hour: midnight falls into a UTC hour, the day starts with the next one. */
    cr_assert_eq(timezone_day_start(zone("Asia/Kolkata"), calendar_day_number(2026, 1, 2)), at("2026-01-01T19:00:00Z"));
    /* Clocks went forward at midnight: the day begins at 01:00. */
    const TimeZone *sao_paulo = zone("America/Sao_Paulo");
    Hour start = timezone_day_start(sao_paulo, calendar_day_number(2018, 11, 4));
    cr_assert_eq(start, at("2018-11-04T03:00:00Z"));
    cr_assert_eq(timezone_local(sao_paulo, start).hour, 1);
    /* Samoa had no 30 December 2011. */
    const TimeZone *apia = zone("Pacific/Apia");
    int32_t skipped = calendar_day_number(2011, 12, 30);
    cr_assert_eq(timezone_day_start(apia, skipped), timezone_day_start(apia, skipped + 1));
    for (int32_t day = calendar_day_number(2010, 1, 1); day < calendar_day_number(2030, 1, 1); day++) {
        Hour first = timezone_day_start(new_york, day);
        cr_assert_eq(timezone_local(new_york, first).day_number, day);
        cr_assert_lt(timezone_local(new_york, first - 1).day_number, day);
    }
}

Test(timezone, unknown_names)
{
    static const char *const bad[] = {
        "",       "Nowhere/City", "../../etc/passwd", "/etc/localtime", "America", "EST5EDT4,M3.2.0,M11.1.0",
        "+03:00", "zone.tab",     "America/../UTC"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        Error err = {0};
        const TimeZone *found = NULL;
        cr_assert_not(timezone_get(bad[i], &found, &err), "%s", bad[i]);
        cr_assert_eq(err.code, ERROR_NOT_FOUND);
        cr_assert_null(found);
    }
}

static void *get_many(void *ret_zone)
{
    static const char *const names[] = {"Europe/Paris", "Asia/Tokyo", "America/Lima", "Africa/Cairo"};
    const TimeZone *first = NULL;
    for (int i = 0; i < 400; i++) {
        const TimeZone *found;
        if (!timezone_get(names[i % 4], &found, NULL) || strcmp(timezone_name(found), names[i % 4]) != 0)
            return NULL;
        if (i % 4 == 0 && first != NULL && found != first)
            return NULL;
        if (i % 4 == 0)
            first = found;
    }
    *(const TimeZone **)ret_zone = first;
    return ret_zone;
}

Test(timezone, one_object_a_name_from_any_thread)
{
    pthread_t threads[4];
    const TimeZone *found[4] = {NULL};
    for (int i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, get_many, &found[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 4; i++)
        cr_assert(found[i] != NULL && found[i] == found[0]);
}

Test(timezone, nearest_place)
{
    static const struct {
        double lat, lon;
        const char *zone, *country;
    } expected[] = {
        {-34.60, -58.38, "America/Argentina/Buenos_Aires", "AR"},
        {37.77, -122.42, "America/Los_Angeles", "US"},
        {-33.45, -70.67, "America/Santiago", "CL"},
        {52.37, 4.90, "Europe/Amsterdam", "NL"},
        {-17.8, 179.99, "Pacific/Fiji", "FJ"},
        {-17.8, -179.99, "Pacific/Fiji", "FJ"},
        {51.51, -0.13, "Europe/London", "GB"},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        Error err;
        const char *name, *country;
        cr_assert(timezone_nearest(expected[i].lat, expected[i].lon, &name, &country, &err), "%s", err.message);
        cr_assert_str_eq(name, expected[i].zone);
        cr_assert_str_eq(country, expected[i].country);
        zone(name);
    }
    const char *name, *country;
    cr_assert_not(timezone_nearest(0.0 / 0.0, 1, &name, &country, NULL));
}

Test(timezone, missing_tzdata_is_an_error)
{
    Error err = {0};
    const char *name, *country;
    setenv("TZDIR", "/nonexistent", 1);
    cr_assert_not(timezone_nearest(1, 1, &name, &country, &err));
    cr_assert_not_null(strstr(err.message, "/nonexistent"));
}
