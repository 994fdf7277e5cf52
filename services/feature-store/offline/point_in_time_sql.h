/* SQL of the point-in-time join over the offline table of a view. Pure. */
#pragma once

#include "services/feature-store/registry/feature_view.h"

/* Index of the row (as in $1), event_timestamp, recorded_at, recorded_seq and the features with these indices, of those
 * rows that the view has something for: all recordings of the newest event timestamp, of which the caller takes the
 * last. $1: indices, $2: entity_ids, $3: moments in microseconds since 1970, as array literals of the same length;
 * ascending entity_ids and moments touch each page of the table's index once. `any_recorded`: what was recorded after
 * the moment counts too. In the arena. */
const char *point_in_time_sql(const FeatureView *view, const int *features, size_t count, bool any_recorded,
                              Arena *arena);
