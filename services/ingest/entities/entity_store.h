/* Writes changes of things into the warehouse: for each entity its present state (core.<name>), its history
 * (core.<name>_history: valid and recorded time), and its personal data apart (personal.<name>). Rows that break a rule
 * of the mapping go to raw.quarantine and are tried again when they may have become good; they never stop the feed. */
#pragma once

#include "common/pg.h"
#include "services/ingest/drift/schema_drift.h"
#include "services/ingest/entities/entity.h"

/* What is written in one transaction, together with how far the source has been read by it. */
typedef struct EntityBatch {
    const char *source;
    const char *stream;            /* part of the source that is read on its own */
    const char *expected_position; /* as recorded before; NULL: nothing was recorded yet */
    const char *position;          /* afterwards */
    const EntityChange *changes;   /* in the order in which they happened */
    size_t count;
} EntityBatch;

typedef struct EntityResult {
    int64_t batch_id, commit_seq; /* 0: nothing had changed, only the position was moved */
    int64_t changes, recorded, unchanged, quarantined;
    int64_t located; /* branches whose location changed: the geo directory should be read again */
} EntityResult;

/* Creates the mapping's tables, history, indexes, comments and views in schema warehouse, or adds what is missing;
 * idempotent, under an advisory lock. CONFLICT when a table is there with another type or key. In one transaction. */
bool entity_tables_ensure(PgConnection *connection, const EntityMapping *mapping, Error *err) MUST_CHECK;

/* How far the stream was read, in the arena; NULL: nothing was recorded yet. */
bool entity_store_position(PgConnection *connection, const char *source, const char *stream, Arena *arena,
                           const char **ret_position, Error *err) MUST_CHECK;

/* Finds the leaf geo of a branch's location, registering it if it is new. */
typedef bool EntityLocator(void *context, double lat, double lon, int32_t *ret_geo_id, Error *err);

/* Writes the batch in one transaction of its own: exactly once, since CONFLICT is returned and nothing written when the
 * recorded position is not the expected one (another process reads the source). A change equal to the present state is
 * not recorded again. `drift`, which may be NULL, is flushed in the same transaction. */
bool entity_store_apply(PgConnection *connection, const EntityBatch *batch, EntityLocator *locate, void *context,
                        SchemaDrift *drift, EntityResult *ret_result, Error *err) MUST_CHECK;

/* Tries the quarantined rows of the mapping's source again that may have become good, a limited number in one
 * transaction, the longest untried first: after a new version of the mapping. Result: what was recorded. */
bool entity_store_retry_quarantine(PgConnection *connection, const EntityMapping *mapping, EntityLocator *locate,
                                   void *context, EntityResult *ret_result, Error *err) MUST_CHECK;
