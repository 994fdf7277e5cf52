/* The offline store: every value a feature had, append-only, in Postgres. A view's table features.<name>_v<version> has
 * entity_id, event_timestamp, recorded_seq, recorded_at and a column per feature that is kept offline; entities are
 * numbered in features.entity; features.progress says how many recordings a view has. */
#pragma once

#include "common/pg.h"
#include "services/feature-store/online/feature_row.h"

enum { OFFLINE_ROWS_PER_APPEND_MAX = 1000000 };

typedef struct OfflineRow {
    const char *entity; /* canonical text, see registry/feature_entity.h */
    FeatureRow row;     /* created: when it was recorded; INSTANT_NONE: now */
} OfflineRow;

/* Appends the rows in one transaction of its own (none may be open): readers see all of them or none, under one number
 * *ret_recorded_seq of the view. A row whose values are those that the store has newest of its entity and event time is
 * skipped, so that a batch may be repeated; when all are, *ret_recorded_seq is the last number given. Of several rows
 * with the same entity and event time the last one counts. UNPROCESSABLE for a row that can't be stored. */
bool offline_store_append(PgConnection *connection, const FeatureView *view, const OfflineRow *rows, size_t count,
                          int64_t *ret_recorded_seq, Error *err) MUST_CHECK;
