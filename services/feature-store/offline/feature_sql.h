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
/* Values of some entities, ordered by entity: entity_id, then the features that are kept offline as float8 (a bool 0 or
 * 1, a timestamp in seconds since 1970, a string 0). $1: kind, $2, $3: event timestamps ($2, $3], $4: bits that an
 * entity's hash must not have, $5: most rows of an entity, the latest ones, $6: most rows. */
const char *feature_sql_sample(const FeatureView *view, Arena *arena);
/* The newest event timestamp of [$1, $2]; null: none. */
const char *feature_sql_newest_event(const FeatureView *view, Arena *arena);
/* The newest row of each of the entities $1 (numbers as an array literal) that has one: entity_id, canonical text,
 * event_timestamp, then the features that are kept offline. */
const char *feature_sql_newest_rows(const FeatureView *view, Arena *arena);
