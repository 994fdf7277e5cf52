/* IANA time zones (GLib's GTimeZone reads the system's tzdata). A TimeZone is immutable, shared and never freed. */
#pragma once

#include "common/hour.h"

typedef struct TimeZone TimeZone;

/* Finds or loads the zone; the same name gives the same pointer. NOT_FOUND names a list of zones. */
bool timezone_get(const char *name, const TimeZone **ret_zone, Error *err) MUST_CHECK;
const char *timezone_name(const TimeZone *zone);
/* Country of the zone's principal place (ISO 3166 alpha-2, from tzdata's zone.tab), or "". Static storage. */
const char *timezone_country(const TimeZone *zone);
/* Seconds east of UTC in force at the start of the hour. Fast: a table over 2000..2100; outside, its first and last
 * values. */
int timezone_offset_s(const TimeZone *zone, Hour hour);

typedef struct LocalTime {
    int year, month, day; /* 1..12, 1..31 */
    int hour;             /* 0..23; zones off by a fraction of an hour: the hour the UTC hour starts in */
    int weekday;          /* 0 = Monday */
    int32_t day_number;   /* days since 1970-01-01, local */
} LocalTime;

LocalTime timezone_local(const TimeZone *zone, Hour hour);
/* First UTC hour that starts at or after local midnight of that local day: days have 23, 24 or 25 hours (none when a
 * zone skipped the day: then it starts where the next one does). */
Hour timezone_day_start(const TimeZone *zone, int32_t day_number);

/* Zone and country (ISO 3166 alpha-2) of the principal place nearest to the point, from tzdata's zone.tab, which unlike
 * zone1970.tab has each country's own places: right away from borders, a default where the service area names none.
 * TZDIR names another folder of tzdata. Static storage. */
bool timezone_nearest(double lat, double lon, const char **ret_zone, const char **ret_country, Error *err) MUST_CHECK;
