#include "services/ingest/entities/entity_store.h"

#include <stdlib.h>
#include <string.h>
#include "gen/ingest_sql.h"
#include "services/ingest/demand/demand_commit.h"
#include "services/ingest/demand/progress.h"
#include "services/ingest/entities/entity_write.h"

bool entity_store_position(PgConnection *connection, const char *source, const char *stream, Arena *arena,
                           const char **ret_position, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    if (!pg_run(connection, &sql_select_source_position, PG_PARAMS(pg_text(source), pg_text(stream)), &row, err))
        return false;
    *ret_position = PQntuples(row) == 0 ? NULL : arena_strdup(arena, pg_get_text(row, 0, 0));
    return true;
}

static bool run_for_int(const EntityTransaction *transaction, const PgStatement *statement, int64_t *ret_value,
                        Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    if (!pg_run(transaction->connection, statement, PG_PARAMS(), &row, err))
        return false;
    *ret_value = pg_get_int(row, 0, 0);
    return true;
}

/* From here on nobody else writes things of the source. */
static bool fence(const EntityTransaction *transaction, const EntityBatch *batch, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    PgConnection *connection = transaction->connection;
    if (!pg_run(connection, &sql_take_entity_lock, PG_PARAMS(pg_text(batch->source)), NULL, err) ||
        !pg_run(connection, &sql_lock_source_position, PG_PARAMS(pg_text(batch->source), pg_text(batch->stream)), &row,
                err))
        return false;
    const char *recorded = PQntuples(row) == 0 ? NULL : pg_get_text(row, 0, 0);
    if (recorded == NULL ? batch->expected_position == NULL
                         : batch->expected_position != NULL && strcmp(recorded, batch->expected_position) == 0)
        return true;
    return error_set(err, ERROR_CONFLICT, "%s, %s was read on by another process: reading again from its position",
                     batch->source, batch->stream);
}

/* From here on no erasure begins before the transaction ends. */
static bool hold_tombstones(EntityTransaction *transaction, Error *err)
{
    int64_t newest;
    if (!run_for_int(transaction, &sql_hold_tombstones, &newest, err))
        return false;
    transaction->any_erased = newest > 0;
    return true;
}

/* The batch's row comes first, since others refer to it; its place in the order of the commits is given at the end. */
static bool begin_batch(EntityTransaction *transaction, Error *err)
{
    Progress now;
    if (!progress_read(transaction->connection, &now, err) ||
        !run_for_int(transaction, &sql_next_batch_id, &transaction->result.batch_id, err))
        return false;
    transaction->geo_version = now.geo_version;
    return pg_run(transaction->connection, &sql_insert_raw_batch,
                  PG_PARAMS(pg_int(transaction->result.batch_id), pg_int(-transaction->result.batch_id),
                            pg_text(transaction->source), pg_text(transaction->stream), pg_text("{}"), pg_text("{}"),
                            pg_text("{}"), pg_int(0), pg_int(0), pg_int(0), pg_int(0)),
                  NULL, err);
}

static size_t entity_order(const Entity *entity)
{
    return (size_t)(entity - entity->mapping->entities);
}

/* Writes the changes entity by entity, in the order of the mapping; among each in their own. Returns in `touched` which
 * entities there were. */
static bool write_groups(EntityTransaction *transaction, EntityStaged *items, size_t count, bool touched[ENTITIES_MAX],
                         Error *err)
{
    const EntityMapping *mapping = transaction->mapping;
    size_t starts[ENTITIES_MAX + 1] = {0}, next[ENTITIES_MAX];
    if (!entity_strip(transaction, items, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        starts[entity_order(items[i].change->entity) + 1]++;
    for (size_t e = 0; e < mapping->entities_count; e++) {
        starts[e + 1] += starts[e];
        next[e] = starts[e];
    }
    EntityStaged *sorted = arena_array(transaction->arena, count, sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        sorted[next[entity_order(items[i].change->entity)]++] = items[i];
    for (size_t e = 0; e < mapping->entities_count; e++) {
        EntityGroup group = {
            .entity = &mapping->entities[e], .items = sorted + starts[e], .count = starts[e + 1] - starts[e]};
        touched[e] = group.count > 0;
        if (group.count > 0 && !entity_write(transaction, &group, err))
            return false;
    }
    return true;
}

/* What waited for things that have come now, and what waited for those, and so on. */
static bool retry_arrived(EntityTransaction *transaction, bool touched[ENTITIES_MAX], int32_t change_no, Error *err)
{
    for (int round = 0; round < ENTITIES_MAX; round++) {
        size_t count = 0;
        EntityStaged *items = NULL;
        for (size_t e = 0; e < transaction->mapping->entities_count && count == 0; e++) {
            if (touched[e] &&
                !entity_quarantine_read(transaction, &transaction->mapping->entities[e], &items, &count, err))
                return false;
            touched[e] = touched[e] && count > 0;
        }
        if (count == 0)
            return true;
        for (size_t i = 0; i < count; i++)
            items[i].change_no = change_no++;
        bool again[ENTITIES_MAX] = {false};
        if (!write_groups(transaction, items, count, again, err))
            return false;
        for (size_t e = 0; e < transaction->mapping->entities_count; e++)
            touched[e] = touched[e] || again[e];
    }
    return true;
}

/* Branches were located in the division that was the present one before the first of them was. */
static bool resolve_waiting(const EntityTransaction *transaction, Error *err)
{
    Progress before;
    if (!progress_read(transaction->connection, &before, err))
        return false;
    if (before.geo_version != transaction->geo_version)
        return error_set(err, ERROR_UNAVAILABLE, "the geos were divided anew meanwhile: branches are located again");
    DemandCommit demand = {.connection = transaction->connection,
                           .batch_id = transaction->result.batch_id,
                           .arena = transaction->arena,
                           .commit_seq = transaction->result.commit_seq,
                           .watermark_before = before.watermark,
                           .first_hour = HOUR_NONE};
    return demand_commit_resolve(&demand, err) &&
           (demand.orders == 0 || pg_run(transaction->connection, &sql_advance_watermark,
                                         PG_PARAMS(pg_instant(before.watermark), pg_hour(demand.first_hour),
                                                   pg_int(demand.orders), pg_int(demand.commit_seq)),
                                         NULL, err));
}

static bool is_nothing_new(const EntityTransaction *transaction)
{
    const EntityResult *result = &transaction->result;
    return result->recorded + result->quarantined + result->located + transaction->retried + transaction->resolved == 0;
}

/* What must happen in the order of the commits: from here on, nobody else commits before this transaction ends. */
static bool end_batch(EntityTransaction *transaction, const char *position, Error *err)
{
    EntityResult *result = &transaction->result;
    PgConnection *connection = transaction->connection;
    if (is_nothing_new(transaction)) {
        int64_t batch_id = result->batch_id;
        result->batch_id = 0;
        return pg_run(connection, &sql_delete_raw_batch, PG_PARAMS(pg_int(batch_id)), NULL, err);
    }
    return pg_run(connection, &sql_take_commit_lock, PG_PARAMS(), NULL, err) &&
           run_for_int(transaction, &sql_next_commit_seq, &result->commit_seq, err) &&
           pg_run(connection, &sql_number_raw_batch,
                  PG_PARAMS(pg_int(result->batch_id), pg_int(result->commit_seq),
                            pg_int(result->changes + transaction->retried),
                            pg_int(result->recorded + transaction->retried), pg_int(result->unchanged),
                            pg_int(result->quarantined), pg_text(position)),
                  NULL, err) &&
           (result->located == 0 || resolve_waiting(transaction, err));
}

static bool write_batch(EntityTransaction *transaction, const EntityBatch *batch, Error *err)
{
    bool touched[ENTITIES_MAX] = {false};
    if (batch->count == 0)
        return true;
    transaction->mapping = batch->changes[0].entity->mapping;
    EntityStaged *items = arena_array(transaction->arena, batch->count, sizeof *items);
    for (size_t i = 0; i < batch->count; i++)
        items[i] = (EntityStaged){.change = &batch->changes[i], .change_no = (int32_t)i};
    transaction->result.changes = (int64_t)batch->count;
    if (!begin_batch(transaction, err) || !write_groups(transaction, items, batch->count, touched, err) ||
        !retry_arrived(transaction, touched, (int32_t)batch->count, err))
        return false;
    EntityResult *result = &transaction->result;
    result->unchanged = result->changes - result->recorded - result->quarantined;
    return end_batch(transaction, batch->position, err);
}

static bool apply(EntityTransaction *transaction, const EntityBatch *batch, SchemaDrift *drift, Error *err)
{
    PgConnection *connection = transaction->connection;
    if (!pg_begin(connection, err) || !fence(transaction, batch, err) || !hold_tombstones(transaction, err) ||
        !write_batch(transaction, batch, err))
        return false;
    int64_t batch_id = transaction->result.batch_id;
    return pg_run(connection, &sql_upsert_source_position,
                  PG_PARAMS(pg_text(batch->source), pg_text(batch->stream), pg_text(batch->position),
                            batch_id == 0 ? pg_null() : pg_int(batch_id)),
                  NULL, err) &&
           (!drift || schema_drift_flush(drift, connection, err)) && pg_commit(connection, err);
}

bool entity_store_apply(PgConnection *connection, const EntityBatch *batch, EntityLocator *locate, void *context,
                        SchemaDrift *drift, EntityResult *ret_result, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    EntityTransaction transaction = {.connection = connection,
                                     .arena = arena,
                                     .source = batch->source,
                                     .stream = batch->stream,
                                     .locate = locate,
                                     .context = context};
    if (!apply(&transaction, batch, drift, err)) {
        pg_rollback(connection);
        return false;
    }
    *ret_result = transaction.result;
    return true;
}

static bool retry(EntityTransaction *transaction, Error *err)
{
    bool touched[ENTITIES_MAX] = {false};
    EntityStaged *items;
    size_t count;
    if (!pg_begin(transaction->connection, err) ||
        !pg_run(transaction->connection, &sql_take_entity_lock, PG_PARAMS(pg_text(transaction->source)), NULL, err) ||
        !hold_tombstones(transaction, err) || !entity_quarantine_read(transaction, NULL, &items, &count, err))
        return false;
    if (count == 0)
        return pg_commit(transaction->connection, err);
    for (size_t i = 0; i < count; i++)
        items[i].change_no = (int32_t)i;
    return begin_batch(transaction, err) && write_groups(transaction, items, count, touched, err) &&
           retry_arrived(transaction, touched, (int32_t)count, err) && end_batch(transaction, NULL, err) &&
           pg_commit(transaction->connection, err);
}

bool entity_store_retry_quarantine(PgConnection *connection, const EntityMapping *mapping, EntityLocator *locate,
                                   void *context, EntityResult *ret_result, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    EntityTransaction transaction = {.connection = connection,
                                     .arena = arena,
                                     .mapping = mapping,
                                     .source = mapping->source,
                                     .stream = "quarantine",
                                     .locate = locate,
                                     .context = context};
    if (!retry(&transaction, err)) {
        pg_rollback(connection);
        return false;
    }
    *ret_result = transaction.result;
    ret_result->changes = ret_result->recorded = transaction.retried;
    return true;
}
