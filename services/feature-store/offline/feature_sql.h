/* SQL over the offline table of a feature view, made from its declaration: the names in it are checked there, values
 * are always parameters. Offline tables have geo_id, hour, recorded_seq, recorded_at and a column per feature. Pure. */
#pragma once

#include "services/feature-store/registry/feature_view.h"

/* Newest recorded value per (geo, hour): geo_id, hour, then the features with these indices. Ordered by geo_id, hour.
 * $1, $2: hours [from, to); $3: only what was recorded after that number; $4: geo_id, when `one_geo`. */
const char *feature_sql_export(const FeatureView *view, const int *features, size_t count, bool one_geo, Arena *arena);
/* The newest hour of each geo recorded after $1: geo, hour, recorded_at, then all features. */
const char *feature_sql_online(const FeatureView *view, Arena *arena);
/* Over the newest values of the hours [$1, $2), one row: rows, geos, then for each feature the mean, the minimum and
 * the maximum (float8, null without values) and the number of nulls. */
const char *feature_sql_statistics(const FeatureView *view, Arena *arena);
