/* Arithmetic of the feature view geo_calendar: what day and hour it is in a geo at a moment. Pure. */
#pragma once

#include "common/hour.h"
#include "common/timezone.h"

enum { GEO_CALENDAR_DAYS_MAX = 366 };

/* As views/geo_calendar.json describes them. */
typedef struct GeoCalendar {
    int local_hour;      /* 0..23 */
    int weekday;         /* 0 = Monday */
    bool is_weekend;     /* Saturday or Sunday */
    const char *holiday; /* its name, static; NULL: none */
    int days_to_holiday; /* 0: today is one; -1: none within GEO_CALENDAR_DAYS_MAX days, or the country's are unknown */
    int utc_offset_s;
} GeoCalendar;

/* `country` is ISO 3166 alpha-2; NULL: unknown. */
GeoCalendar geo_calendar_at(const TimeZone *zone, const char *country, Instant at);
