/* What is known of the geos: names, places, time zones. Immutable once finished. Pure. */
#pragma once

#include "common/arena.h"
#include "common/geo.h"
#include "common/timezone.h"
#include "services/forecast-api/shared.h"

typedef struct GeoInfo {
    const char *geo;
    const char *name;
    const char *kind;     /* "cell", "zone", "city" or "all" */
    const char *timezone; /* IANA name, that of `zone` */
    const char *country;  /* ISO 3166 alpha-2 or NULL */
    const char *parent;   /* geo of the city, "all", or NULL */
    const TimeZone *zone;
    double lat, lon; /* degrees; NAN when not known */
    int64_t geo_version;
    Hour first_hour;  /* of its first order; HOUR_NONE before */
    int64_t revision; /* at which any of this last changed */
} GeoInfo;

typedef struct GeoCatalog {
    Shared shared; /* let go with shared_unref() */
    GeoInfo *geos; /* by geo */
    size_t count;
    int64_t revision; /* the highest of the geos' */
    Arena *arena;
} GeoCatalog;

/* Room for `count` geos, to be filled with geo_catalog_add() and sorted by geo_catalog_finish(). */
GeoCatalog *geo_catalog_new(size_t count);
/* Strings are copied. A time zone this machine's tzdata lacks is served as UTC, and called so. */
void geo_catalog_add(GeoCatalog *catalog, const GeoInfo *info);
void geo_catalog_finish(GeoCatalog *catalog);
bool geo_catalog_has(const GeoCatalog *catalog, const char *geo);

/* What can be said of a geo of which nothing but the id is known: its kind from the id's form, UTC, no parent. */
GeoInfo geo_info_unknown(const char *geo);
