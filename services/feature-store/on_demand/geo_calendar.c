#include "services/feature-store/on_demand/geo_calendar.h"

#include "common/calendar.h"

GeoCalendar geo_calendar_at(const TimeZone *zone, const char *country, Instant at)
{
    Hour hour = hour_of(at);
    LocalTime local = timezone_local(zone, hour);
    GeoCalendar calendar = {
        .local_hour = local.hour,
        .weekday = local.weekday,
        .is_weekend = local.weekday >= 5,
        .days_to_holiday = -1,
        .utc_offset_s = timezone_offset_s(zone, hour),
    };
    if (country == NULL || !calendar_has_country(country))
        return calendar;
    calendar.holiday = calendar_holiday(country, local.day_number);
    int days = calendar_days_to_holiday(country, local.day_number, GEO_CALENDAR_DAYS_MAX);
    if (days < GEO_CALENDAR_DAYS_MAX)
        calendar.days_to_holiday = days;
    return calendar;
}
