/* Point-in-time join: for rows of an entity and a moment, what the feature views had then. */
#pragma once

#include "common/pg.h"
#include "services/feature-store/feast/feast_response.h"
#include "services/feature-store/on_demand/geo_places.h"

typedef struct PointInTime {
    const FeastRequest *wanted; /* views, features, and the entity of each row */
    const Instant *moments;     /* one per row */
    bool any_recorded;          /* values recorded after the row's moment count too */
    GeoPlaces *places;          /* for views computed on demand */
} PointInTime;

/* Rows [first, first + count) of the request: rows[view * count + i] is row first + i; only wanted features are set. */
typedef bool PointInTimeVisit(void *context, size_t first, size_t count, const FeastEntityRow *rows, Error *err);

/* Visits all rows in the order of the request, some thousands at a time, in bounded memory and one snapshot of the
 * database. A row's value is that of the newest event timestamp not after its moment and not older than the view's time
 * to live; of several recordings of that event timestamp the one recorded last. What was recorded after the moment does
 * not exist for it, unless `any_recorded`. */
bool point_in_time_each(PgConnection *connection, const PointInTime *join, PointInTimeVisit *visit, void *context,
                        Error *err) MUST_CHECK;
