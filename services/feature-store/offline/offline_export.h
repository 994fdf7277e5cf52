/* Streams the newest recorded values of a feature view from Postgres into a file, in bounded memory. */
#pragma once

#include <stdio.h>
#include "services/feature-store/geo_demand/feature_progress.h"
#include "services/feature-store/registry/feature_view.h"

typedef enum ExportFormat { EXPORT_CSV, EXPORT_ARROW } ExportFormat;

typedef struct ExportRequest {
    const FeatureView *view;
    const int *features; /* indices into the view's features */
    size_t features_count;
    Hour from, to;          /* [from, to) */
    int64_t recorded_since; /* only (geo, hour) recorded after this number; 0: all */
    const char *geo;        /* NULL: all */
} ExportRequest;

/* Columns geo, hour_utc and the features; ordered by month, geo (in the order in which geos became known) and hour. All
 * rows and *ret_progress are of one moment: passing its recorded_seq as recorded_since the next time misses and repeats
 * nothing. NOT_FOUND for an unknown geo. */
bool offline_export_write(PgConnection *connection, const ExportRequest *request, ExportFormat format, FILE *out,
                          FeatureProgress *ret_progress, Error *err) MUST_CHECK;
