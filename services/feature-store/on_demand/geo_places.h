/* Time zone and country of each geo, kept in memory and read again from ingest now and then. */
#pragma once

#include "common/error.h"
#include "common/timezone.h"
#include "common/worker.h"

typedef struct GeoPlaces GeoPlaces;

typedef struct GeoPlace {
    const TimeZone *zone;
    const char *country; /* ISO 3166 alpha-2, static storage or as long as the GeoPlaces; NULL: unknown */
} GeoPlace;

GeoPlaces *geo_places_new(void);
void geo_places_free(GeoPlaces *places); /* accepts NULL */
/* Adds the geo, or changes where it is. NOT_FOUND for an unknown time zone. Thread-safe. */
bool geo_places_put(GeoPlaces *places, const char *geo, const char *timezone, const char *country,
                    Error *err) MUST_CHECK;
/* False when the geo is unknown. Thread-safe. */
bool geo_places_find(GeoPlaces *places, const char *geo, GeoPlace *ret_place) MUST_CHECK;

/* Worker: reads all geos from ingest each minute. */
WorkerFunction geo_places_step;
