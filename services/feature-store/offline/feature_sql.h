/* SQL over the offline table of a feature view, made from its declaration: the names in it are checked there and
 * quoted, values are always parameters. Offline tables have entity_id, event_timestamp, recorded_seq, recorded_at and a
 * column per feature that is kept offline. Pure. */
#pragma once

#include "services/feature-store/registry/feature_view.h"

/* "bigint", "double precision", "boolean", "text", "timestamp with time zone": the column of a feature of that type. */
const char *feature_sql_type(FeatureType type);

/* Newest recorded value per (entity, event timestamp): entity_id, event_timestamp, then the features with these
 * indices. Ordered by entity_id, event_timestamp. $1, $2: event timestamps [from, to); $3: only what was recorded after
 * that number; $4: entity_id, when `one_entity`. */
const char *feature_sql_export(const FeatureView *view, const int *features, size_t count, bool one_entity,
                               Arena *arena);
/* The newest recorded values of pairs of an entity and an event timestamp, those that have any: number of the pair,
 * counted from 1, then the features that are kept offline. $1: entity_ids, $2: event timestamps, as array literals. */
const char *feature_sql_newest_of(const FeatureView *view, Arena *arena);
/* The target of a COPY of rows: entity_id, event_timestamp, recorded_seq, recorded_at and the features kept offline. */
const char *feature_sql_copy_target(const FeatureView *view, Arena *arena);
/* Of geo_demand, the newest hour of each geo recorded after $1: geo, event_timestamp, recorded_at, then all features.
 */
const char *feature_sql_online(const FeatureView *view, Arena *arena);
/* Over the newest values of the event timestamps [$1, $2), one row: rows, entities, then for each feature that is kept
 * offline the mean, the minimum and the maximum (float8; null without values and for strings; a timestamp in seconds
 * since 1970, a bool as 0 or 1) and the number of nulls. */
const char *feature_sql_statistics(const FeatureView *view, Arena *arena);
