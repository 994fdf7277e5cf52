#include "common/timezone.h"

#include <assert.h>
#include <glib.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/calendar.h"

enum {
    FIRST_HOUR = 10957 * HOURS_PER_DAY, /* 2000-01-01 */
    LAST_HOUR = 47482 * HOURS_PER_DAY,  /* 2100-01-01 */
    BLOCK_HOURS = 512,                  /* shorter than any time between two changes but a few of Ramadan */
    BLOCKS = (LAST_HOUR - FIRST_HOUR) / BLOCK_HOURS + 1,
    CHANGES_MAX = 1024,
    NAME_MAX_BYTES = 64,
    PLACES_MAX = 1024,
};

/* From `first` on the offset is `offset_s`. */
typedef struct OffsetChange {
    Hour first;
    int offset_s;
} OffsetChange;

struct TimeZone {
    struct TimeZone *next;
    char name[NAME_MAX_BYTES];
    size_t count;
    OffsetChange changes[CHANGES_MAX + 1]; /* ends with one after every hour */
    uint16_t block_change[BLOCKS];         /* the change in force at the start of each block */
};

static TimeZone *_Atomic zones; /* grows at its head only */
static pthread_mutex_t zones_lock = PTHREAD_MUTEX_INITIALIZER;

static TimeZone *zone_find(const char *name)
{
    TimeZone *zone = atomic_load_explicit(&zones, memory_order_acquire);
    while (zone != NULL && strcmp(zone->name, name) != 0)
        zone = zone->next;
    return zone;
}

/* GLib takes POSIX rules and paths too: only names as in tzdata are let through. */
static bool is_zone_name(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length < NAME_MAX_BYTES && g_ascii_isalpha(name[0]) && strstr(name, "..") == NULL &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") == length;
}

static int glib_offset_s(GTimeZone *zone, Hour hour)
{
    int interval = g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, hour * INT64_C(3600));
    return g_time_zone_get_offset(zone, interval);
}

/* Looks once a day (no zone ever changed twice within one) and halves the day in which the offset changed. */
static void read_changes(TimeZone *zone, GTimeZone *glib_zone)
{
    zone->changes[zone->count++] = (OffsetChange){FIRST_HOUR, glib_offset_s(glib_zone, FIRST_HOUR)};
    for (Hour day = FIRST_HOUR; day < LAST_HOUR; day += HOURS_PER_DAY) {
        Hour before = day, after = day + HOURS_PER_DAY;
        int offset_s = glib_offset_s(glib_zone, after);
        int offset_before_s = zone->changes[zone->count - 1].offset_s;
        if (offset_s == offset_before_s)
            continue;
        assert(zone->count < CHANGES_MAX);
        while (after - before > 1) {
            Hour middle = before + (after - before) / 2;
            if (glib_offset_s(glib_zone, middle) == offset_before_s)
                before = middle;
            else
                after = middle;
        }
        zone->changes[zone->count++] = (OffsetChange){after, offset_s};
    }
    zone->changes[zone->count] = (OffsetChange){INT32_MAX, 0};
    uint16_t change = 0;
    for (size_t block = 0; block < BLOCKS; block++) {
        while (zone->changes[change + 1].first <= (Hour)(FIRST_HOUR + block * BLOCK_HOURS))
            change++;
        zone->block_change[block] = change;
    }
}

bool timezone_get(const char *name, const TimeZone **ret_zone, Error *err)
{
    TimeZone *zone = zone_find(name);
    if (zone == NULL && is_zone_name(name)) {
        pthread_mutex_lock(&zones_lock);
        zone = zone_find(name);
        GTimeZone *glib_zone = zone == NULL ? g_time_zone_new_identifier(name) : NULL;
        if (glib_zone != NULL) {
            zone = g_new0(TimeZone, 1);
            snprintf(zone->name, sizeof zone->name, "%s", name);
            read_changes(zone, glib_zone);
            g_time_zone_unref(glib_zone);
            zone->next = zones;
            atomic_store_explicit(&zones, zone, memory_order_release);
        }
        pthread_mutex_unlock(&zones_lock);
    }
    if (zone == NULL)
        return error_set(err, ERROR_NOT_FOUND,
                         "there is no time zone '%.60s'; names are those of the IANA database "
                         "(https://www.iana.org/time-zones), such as America/Argentina/Buenos_Aires",
                         name);
    *ret_zone = zone;
    return true;
}

const char *timezone_name(const TimeZone *zone)
{
    return zone->name;
}

int timezone_offset_s(const TimeZone *zone, Hour hour)
{
    if (hour < FIRST_HOUR)
        hour = FIRST_HOUR;
    if (hour > LAST_HOUR)
        hour = LAST_HOUR;
    const OffsetChange *change = &zone->changes[zone->block_change[(hour - FIRST_HOUR) / BLOCK_HOURS]];
    while (change[1].first <= hour)
        change++;
    return change->offset_s;
}

static int64_t local_s(const TimeZone *zone, Hour hour)
{
    return hour * INT64_C(3600) + timezone_offset_s(zone, hour);
}

static int32_t day_of(int64_t seconds)
{
    return (int32_t)(seconds / 86400 - (seconds % 86400 < 0));
}

LocalTime timezone_local(const TimeZone *zone, Hour hour)
{
    int64_t seconds = local_s(zone, hour);
    LocalTime local = {.day_number = day_of(seconds)};
    calendar_date(local.day_number, &local.year, &local.month, &local.day);
    local.hour = (int)((seconds - local.day_number * INT64_C(86400)) / 3600);
    local.weekday = calendar_weekday(local.day_number);
    return local;
}

Hour timezone_day_start(const TimeZone *zone, int32_t day_number)
{
    Hour hour = day_number * HOURS_PER_DAY - 15; /* no zone is further ahead of UTC */
    while (day_of(local_s(zone, hour)) < day_number)
        hour++;
    return hour;
}

/* A row of zone.tab: the place as a point of the unit sphere. */
typedef struct Place {
    double x, y, z;
    char country[3];
    char zone[NAME_MAX_BYTES];
} Place;

static Place places[PLACES_MAX];
static size_t places_count;
static char places_path[4096];
static pthread_once_t places_once = PTHREAD_ONCE_INIT;

static void unit_vector(double lat, double lon, double *ret_x, double *ret_y, double *ret_z)
{
    double phi = lat * G_PI / 180, lambda = lon * G_PI / 180;
    *ret_x = cos(phi) * cos(lambda);
    *ret_y = cos(phi) * sin(lambda);
    *ret_z = sin(phi);
}

/* ISO 6709 as in zone.tab: +DDMM, +DDDMM, +DDMMSS or +DDDMMSS; `degrees_digits` is 2 or 3. Returns what follows, or
 * NULL. */
static const char *parse_coordinate(const char *text, int degrees_digits, double *ret_degrees)
{
    if (*text != '+' && *text != '-')
        return NULL;
    size_t count = strspn(text + 1, "0123456789");
    bool with_seconds = count == (size_t)degrees_digits + 4;
    if (!with_seconds && count != (size_t)degrees_digits + 2)
        return NULL;
    long number = strtol(text + 1, NULL, 10);
    long seconds = with_seconds ? number % 100 : 0;
    long minutes = (with_seconds ? number / 100 : number) % 100, degrees = number / (with_seconds ? 10000 : 100);
    *ret_degrees = ((double)degrees + (double)minutes / 60 + (double)seconds / 3600) * (*text == '-' ? -1 : 1);
    return text + 1 + count;
}

static void places_load(void)
{
    const char *folder = getenv("TZDIR");
    snprintf(places_path, sizeof places_path, "%s/zone.tab", folder != NULL ? folder : "/usr/share/zoneinfo");
    FILE *file = fopen(places_path, "re");
    if (file == NULL)
        return;
    char line[512], coordinates[32];
    while (places_count < PLACES_MAX && fgets(line, sizeof line, file) != NULL) {
        Place *place = &places[places_count];
        double lat, lon;
        if (line[0] == '#' || sscanf(line, "%2[A-Z]\t%31s\t%63s", place->country, coordinates, place->zone) != 3)
            continue;
        const char *rest = parse_coordinate(coordinates, 2, &lat);
        if (rest == NULL || parse_coordinate(rest, 3, &lon) == NULL)
            continue;
        unit_vector(lat, lon, &place->x, &place->y, &place->z);
        places_count++;
    }
    fclose(file);
}

bool timezone_nearest(double lat, double lon, const char **ret_zone, const char **ret_country, Error *err)
{
    pthread_once(&places_once, places_load);
    if (places_count == 0)
        return error_set(err, ERROR_INTERNAL, "no places in %s: install the package tzdata or set TZDIR", places_path);
    if (!isfinite(lat) || !isfinite(lon))
        return error_set(err, ERROR_INVALID_ARGUMENT, "coordinates must be finite numbers");
    double x, y, z, nearest = -2;
    const Place *found = NULL;
    unit_vector(lat, lon, &x, &y, &z);
    for (size_t i = 0; i < places_count; i++) {
        double closeness = x * places[i].x + y * places[i].y + z * places[i].z;
        if (closeness > nearest) {
            nearest = closeness;
            found = &places[i];
        }
    }
    *ret_zone = found->zone;
    *ret_country = found->country;
    return true;
}

const char *timezone_country(const TimeZone *zone)
{
    pthread_once(&places_once, places_load);
    for (size_t i = 0; i < places_count; i++)
        if (strcmp(places[i].zone, timezone_name(zone)) == 0)
            return places[i].country;
    return "";
}
