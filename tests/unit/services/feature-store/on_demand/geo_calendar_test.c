#include "services/feature-store/on_demand/geo_calendar.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static GeoCalendar calendar_of(const char *zone_name, const char *country, const char *at)
{
    const TimeZone *zone = NULL;
    Instant instant = 0;
    Error err;
    cr_assert(timezone_get(zone_name, &zone, &err), "%s", err.message);
    cr_assert(instant_parse(at, &instant, &err), "%s", err.message);
    return geo_calendar_at(zone, country, instant);
}

Test(geo_calendar, speaks_of_local_time)
{
    /* 01:30 UTC on Monday is Sunday evening in Buenos Aires */
    GeoCalendar calendar = calendar_of("America/Argentina/Buenos_Aires", "AR", "2026-11-23T01:30:00Z");
    cr_assert(eq(int, calendar.local_hour, 22));
    cr_assert(eq(int, calendar.weekday, 6));
    cr_assert(calendar.is_weekend);
    cr_assert(eq(int, calendar.utc_offset_s, -3 * 3600));
}

Test(geo_calendar, a_holiday_is_named_and_is_zero_days_away)
{
    GeoCalendar calendar = calendar_of("America/Argentina/Buenos_Aires", "AR", "2026-12-25T15:00:00Z");
    cr_assert(calendar.holiday != NULL);
    cr_assert(eq(int, calendar.days_to_holiday, 0));
    calendar = calendar_of("America/Argentina/Buenos_Aires", "AR", "2026-12-23T15:00:00Z");
    cr_assert(calendar.holiday == NULL);
    cr_assert(eq(int, calendar.days_to_holiday, 2));
}

Test(geo_calendar, a_new_year_holiday_is_seen_across_the_date_line_of_the_zone)
{
    /* 02:30 UTC on 1 January is still the old year in Buenos Aires */
    cr_assert(calendar_of("America/Argentina/Buenos_Aires", "AR", "2027-01-01T02:30:00Z").holiday == NULL);
    cr_assert(calendar_of("America/Argentina/Buenos_Aires", "AR", "2027-01-01T03:00:00Z").holiday != NULL);
}

Test(geo_calendar, an_unknown_country_has_no_holidays)
{
    static const char *const countries[] = {NULL, "XX"};
    for (size_t i = 0; i < 2; i++) {
        GeoCalendar calendar = calendar_of("Europe/Berlin", countries[i], "2026-12-25T12:00:00Z");
        cr_assert(calendar.holiday == NULL);
        cr_assert(eq(int, calendar.days_to_holiday, -1));
        cr_assert(eq(int, calendar.local_hour, 13));
    }
}

Test(geo_calendar, the_offset_follows_daylight_saving)
{
    cr_assert(eq(int, calendar_of("Europe/Berlin", "DE", "2026-03-29T00:59:00Z").local_hour, 1));
    cr_assert(eq(int, calendar_of("Europe/Berlin", "DE", "2026-03-29T01:00:00Z").local_hour, 3));
}
