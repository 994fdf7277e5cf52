#include "services/ingest/orders/order_store.h"

#include <stdlib.h>
#include <string.h>
#include "gen/ingest_sql.h"
#include "services/ingest/orders/order_commit.h"
#include "services/ingest/demand/progress.h"
#include "services/ingest/sql_array.h"

enum { ACQUIRE_DEADLINE_MS = 5000 };

OrderStore *order_store_new(const OrderStoreOptions *options)
{
    OrderStore *store = calloc(1, sizeof *store);
    if (!store)
        abort();
    store->options = *options;
    store->window = dedupe_window_new(options->window_capacity);
    store->sums = demand_sums_new();
    buffer_init(&store->customers, (size_t)BATCH_MESSAGES_MAX * 12 + 20);
    return store;
}

void order_store_free(OrderStore *store)
{
    if (!store)
        return;
    dedupe_window_free(store->window);
    demand_sums_free(store->sums);
    buffer_fini(&store->customers);
    free(store);
}

static OrderEventType find_event_type(const char *name)
{
    int type = 0;
    while (strcmp(order_event_type_name((OrderEventType)type), name) != 0)
        type++;
    return (OrderEventType)type;
}

static bool remember_keys(void *context, const PGresult *rows, Error *err)
{
    (void)err;
    DedupeWindow *window = context;
    for (int i = 0; i < PQntuples(rows); i++) {
        const char *order_id = pg_get_text(rows, i, 0);
        OrderText text = {.data = order_id, .length_bytes = (uint32_t)strlen(order_id)};
        dedupe_window_add(window, order_key_hash(text, find_event_type(pg_get_text(rows, i, 1))));
    }
    return true;
}

bool order_store_load_window(OrderStore *store, PgConnection *connection, Error *err)
{
    dedupe_window_clear(store->window);
    if (!pg_begin(connection, err))
        return false;
    bool ok = pg_each(connection, &sql_select_recent_order_keys,
                      PG_PARAMS(pg_int((int64_t)store->options.window_capacity)), remember_keys, store->window, err);
    pg_rollback(connection);
    return ok;
}

/* Takes the row locks of the partitions and compares offsets: what is recorded already is taken out of the batch. */
static bool fence(OrderCommit *commit, Error *err)
{
    OrderBatch *batch = commit->batch;
    const char *partitions = SQL_ARRAY(batch->arena, batch->ranges_count, "%d", batch->ranges[i].partition);
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!pg_run(commit->connection, &sql_lock_kafka_offsets,
                PG_PARAMS(pg_text(commit->store->options.topic), pg_text(partitions)), &rows, err))
        return false;
    size_t messages = batch->messages_count;
    size_t known = 0;
    for (int row = 0; row < PQntuples(rows); row++) {
        int32_t partition = (int32_t)pg_get_int(rows, row, 0);
        int64_t next_offset = pg_get_int(rows, row, 1);
        for (size_t i = 0; i < batch->ranges_count; i++) {
            const BatchRange *range = &batch->ranges[i];
            if (range->partition == partition && range->expected_offset <= next_offset)
                known++;
        }
    }
    commit->result.gap = known != batch->ranges_count;
    if (commit->result.gap)
        return error_set(err, ERROR_CONFLICT, "the database is behind what was read: reading again from its offsets");
    for (int row = 0; row < PQntuples(rows); row++)
        order_batch_drop_before(batch, (int32_t)pg_get_int(rows, row, 0), pg_get_int(rows, row, 1));
    return batch->messages_count == messages || batch->messages_count == 0 || order_batch_pack(batch, err);
}

static bool run_for_int(PgConnection *connection, const PgStatement *statement, int64_t *ret_value, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    if (!pg_run(connection, statement, PG_PARAMS(), &row, err))
        return false;
    *ret_value = pg_get_int(row, 0, 0);
    return true;
}

static BatchRange *range_of(OrderBatch *batch, int32_t partition)
{
    size_t i = 0;
    while (batch->ranges[i].partition != partition)
        i++;
    return &batch->ranges[i];
}

/* Counts what became of the messages and sums the demand. */
static void count_outcomes(OrderCommit *commit)
{
    OrderBatch *batch = commit->batch;
    StoreResult *result = &commit->result;
    demand_sums_clear(commit->store->sums);
    for (size_t i = 0; i < batch->ranges_count; i++)
        batch->ranges[i].duplicates = 0;
    for (size_t i = 0; i < batch->orders_count; i++) {
        const BatchOrder *row = &batch->orders[i];
        if (row->outcome == OUTCOME_DUPLICATE) {
            result->duplicates++;
            range_of(batch, row->partition)->duplicates++;
        } else if (row->geo_id == GEO_UNPLACED) {
            result->waiting++;
        } else if (row->order.event_type == ORDER_EVENT_CREATED) {
            demand_sums_add(commit->store->sums, row->geo_id, hour_of(row->order.occurred_at), row->order.vertical, 1);
        }
    }
    result->messages = (int64_t)batch->messages_count;
    result->dead_letters = (int64_t)batch->dead_letters_count;
    result->events = result->messages - result->dead_letters - result->duplicates;
}

static bool write_branches(const OrderCommit *commit, Error *err)
{
    for (size_t i = 0; i < commit->batch->branches_count; i++) {
        const BatchBranch *branch = &commit->batch->branches[i];
        if (!pg_run(commit->connection, &sql_upsert_branch,
                    PG_PARAMS(pg_text(branch->branch_id), pg_int(branch->geo_id), pg_real(branch->lat),
                              pg_real(branch->lon), pg_instant(branch->located_at), pg_int(commit->result.batch_id),
                              pg_text("events")),
                    NULL, err))
            return false;
    }
    return true;
}

static bool note_ends(const OrderStore *store, PgConnection *connection, const PartitionEnds *ends, Arena *arena,
                      Error *err)
{
    return ends->count == 0 ||
           pg_run(connection, &sql_note_kafka_end_offsets,
                  PG_PARAMS(pg_text(store->options.topic),
                            pg_text(SQL_ARRAY(arena, ends->count, "%d", ends->items[i].partition)),
                            pg_text(SQL_ARRAY(arena, ends->count, "%lld", (long long)ends->items[i].end_offset))),
                  NULL, err);
}

static bool advance_offsets(const OrderCommit *commit, const PartitionEnds *ends, Error *err)
{
    const OrderBatch *batch = commit->batch;
    const BatchRange *range = batch->ranges;
    Arena *arena = batch->arena;
    size_t count = batch->ranges_count;
    char(*latest)[32] = arena_array(arena, count, sizeof *latest);
    for (size_t i = 0; i < count; i++) {
        if (range[i].latest_event_at == INSTANT_NONE)
            snprintf(latest[i], sizeof latest[i], "null");
        else
            snprintf(latest[i], sizeof latest[i], "%.6f", (double)range[i].latest_event_at / INSTANT_PER_SECOND);
    }
    return pg_run(commit->connection, &sql_advance_kafka_offsets,
                  PG_PARAMS(pg_text(commit->store->options.topic),
                            pg_text(SQL_ARRAY(arena, count, "%d", range[i].partition)),
                            pg_text(SQL_ARRAY(arena, count, "%lld", (long long)range[i].next_offset)),
                            pg_text(SQL_ARRAY(arena, count, "%s", latest[i])),
                            pg_text(SQL_ARRAY(arena, count, "%d",
                                              range[i].messages - range[i].duplicates - range[i].dead_letters)),
                            pg_text(SQL_ARRAY(arena, count, "%d", range[i].duplicates)),
                            pg_text(SQL_ARRAY(arena, count, "%d", range[i].dead_letters))),
                  NULL, err) &&
           note_ends(commit->store, commit->connection, ends, arena, err);
}

/* Moves the watermark to where the partitions' offsets allow. */
static bool advance_watermark(const OrderStore *store, PgConnection *connection, Hour first_hour, int64_t orders,
                              int64_t changed_seq, Arena *arena, StreamState *ret_stream, Error *err)
{
    PartitionPosition *positions;
    size_t count;
    Progress progress;
    if (!progress_read_positions(connection, store->options.topic, arena, &positions, &count, err) ||
        !pg_run(connection, &sql_advance_watermark,
                PG_PARAMS(pg_instant(watermark_of(positions, count)), pg_hour(first_hour), pg_int(orders),
                          pg_int(changed_seq)),
                NULL, err) ||
        !progress_read(connection, &progress, err))
        return false;
    *ret_stream = (StreamState){.watermark = progress.watermark, .lag = watermark_lag(positions, count)};
    return true;
}

/* What must happen in the order of the commits: from here on, nobody else commits before this transaction ends. */
static bool write_in_order(OrderCommit *commit, const PartitionEnds *ends, Error *err)
{
    Progress before;
    if (!pg_run(commit->connection, &sql_take_commit_lock, PG_PARAMS(), NULL, err) ||
        !run_for_int(commit->connection, &sql_next_commit_seq, &commit->result.commit_seq, err) ||
        !progress_read(commit->connection, &before, err))
        return false;
    commit->watermark_before = before.watermark;
    Hour first_hour;
    return commit_demand(commit, &first_hour, err) && advance_offsets(commit, ends, err) &&
           commit_raw_batch(commit, err) &&
           advance_watermark(commit->store, commit->connection, first_hour, commit->result.orders,
                             commit->result.orders > 0 ? commit->result.commit_seq : 0, commit->batch->arena,
                             &commit->result.stream, err);
}

static bool write_all(OrderCommit *commit, const PartitionEnds *ends, Error *err)
{
    if (!run_for_int(commit->connection, &sql_next_batch_id, &commit->result.batch_id, err) ||
        !commit_orders(commit, err))
        return false;
    count_outcomes(commit);
    return commit_raw_messages(commit, err) && write_branches(commit, err) && write_in_order(commit, ends, err);
}

/* After a failure: the next attempt starts from here. */
static void forget_outcomes(OrderBatch *batch)
{
    for (size_t i = 0; i < batch->orders_count; i++)
        batch->orders[i].outcome = OUTCOME_RECORDED;
}

bool order_store_commit(OrderStore *store, OrderBatch *batch, const PartitionEnds *ends, StoreResult *ret_result,
                        Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    OrderCommit commit = {.store = store, .batch = batch};
    *ret_result = (StoreResult){0};
    if (!pg_acquire(store->options.pool, ACQUIRE_DEADLINE_MS, &connection, err))
        return false;
    commit.connection = connection;
    forget_outcomes(batch);
    bool ok = pg_begin(connection, err) && fence(&commit, err);
    if (ok && batch->messages_count > 0) {
        ok = write_all(&commit, ends, err) && pg_commit(connection, err);
        commit.result.stored = ok;
    }
    *ret_result = commit.result;
    return ok;
}

bool order_store_note_ends(OrderStore *store, const PartitionEnds *ends, StreamState *ret_stream, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    ARENA_SCOPED Arena *arena = arena_new();
    return pg_acquire(store->options.pool, ACQUIRE_DEADLINE_MS, &connection, err) && pg_begin(connection, err) &&
           pg_run(connection, &sql_take_commit_lock, PG_PARAMS(), NULL, err) &&
           note_ends(store, connection, ends, arena, err) &&
           advance_watermark(store, connection, HOUR_NONE, 0, 0, arena, ret_stream, err) && pg_commit(connection, err);
}
