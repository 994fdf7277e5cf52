/* Streams the newest recorded values of a feature view from Postgres into a file, in bounded memory but for the names
 * of the entities. */
#pragma once

#include <stdio.h>
#include "services/feature-store/geo_demand/feature_progress.h"
#include "services/feature-store/offline/table_writer.h"

typedef struct ExportRequest {
    const FeatureView *view; /* a stored one */
    const int *features;     /* indices into the view's features; none of them online_only */
    size_t features_count;
    Instant from, to;       /* event timestamps [from, to) */
    int64_t recorded_since; /* only (entity, event timestamp) recorded after this number; 0: all */
    const char *entity;     /* canonical text; NULL: all */
} ExportRequest;

/* Whether a row of the view is an hour, named by its start: columns geo, hour_utc. */
bool offline_export_is_hourly(const FeatureView *view);

/* Columns: the join keys, hour_utc (of hourly views, else event_timestamp), and the features; ordered by the month of
 * the event timestamp, entity (in the order in which they became known) and event timestamp. All rows and *ret_progress
 * are of one moment: passing its recorded_seq as recorded_since the next time misses and repeats nothing. NOT_FOUND for
 * an unknown entity. */
bool offline_export_write(PgConnection *connection, const ExportRequest *request, TableFormat format, FILE *out,
                          FeatureProgress *ret_progress, Error *err) MUST_CHECK;
