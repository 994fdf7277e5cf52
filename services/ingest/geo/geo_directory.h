/* From places and branches to the keys of core.geo, in memory. One thread uses it. Unknown cells are registered in the
 * database at once, in their own transaction: a geo exists whether or not the order that showed it gets stored. */
#pragma once

#include "common/geo.h"
#include "common/pg.h"
#include "services/ingest/orders/order_batch.h"

typedef struct GeoDirectory GeoDirectory;

typedef struct GeoDirectoryOptions {
    int resolution;               /* of H3 cells */
    const char *default_timezone; /* empty: the nearest place of tzdata */
    const ServiceArea *area;      /* kept by reference */
    PgPool *pool;                 /* kept by reference */
} GeoDirectoryOptions;

GeoDirectory *geo_directory_new(const GeoDirectoryOptions *options);
void geo_directory_free(GeoDirectory *directory); /* accepts NULL */

/* Registers `all`, the service area's cities and their cells. */
bool geo_directory_register_area(GeoDirectory *directory, PgConnection *connection, Error *err) MUST_CHECK;
/* Divides space by the version: zones that are not known are registered, and places are found in it from now on. Its
 * text is in `zones`, which is copied. */
bool geo_directory_divide(GeoDirectory *directory, PgConnection *connection, int32_t geo_version, const char *zones,
                          Error *err) MUST_CHECK;
/* Registers what the division says of its zones, also of those that earlier ones had. */
bool geo_directory_describe_zones(GeoDirectory *directory, PgConnection *connection, Error *err) MUST_CHECK;
/* Version of the division that places are found in; 0: none was read yet. */
int32_t geo_directory_version(const GeoDirectory *directory);
/* Forgets what is in memory and reads it from the database, the present division included. */
bool geo_directory_reload(GeoDirectory *directory, PgConnection *connection, Error *err) MUST_CHECK;

/* Learns branches that others located since (document source, other processes), and a new division. */
bool geo_directory_learn(GeoDirectory *directory, PgConnection *connection, Error *err) MUST_CHECK;

/* The leaf geo of a place, registered if it is new. `directory` is a GeoDirectory; of another thread one of its own,
 * which needs no branches read. INVALID_ARGUMENT when out of range. */
bool geo_directory_locate(void *directory, double lat, double lon, int32_t *ret_geo_id, Error *err) MUST_CHECK;
/* Finds the geo of an event: of its coordinates, else of its branch as known from events before it; leaves it unplaced
 * if there is neither. A branch that shows its location for the first time, or a later one, goes into the batch, which
 * notes the version of the division. */
bool geo_directory_place(GeoDirectory *directory, OrderBatch *batch, BatchOrder *order, Error *err) MUST_CHECK;
