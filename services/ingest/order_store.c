#include "services/ingest/order_store.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "common/clock.h"
#include "gen/ingest_sql.h"
#include "services/ingest/dedupe_window.h"
#include "services/ingest/demand_sums.h"
#include "services/ingest/numeric.h"
#include "services/ingest/progress.h"
#include "services/ingest/sql_array.h"

enum {
    ACQUIRE_DEADLINE_MS = 5000,
    ORDER_EVENT_COLUMNS = 14,
    INT8_OID = 20,
};

#define ORDER_EVENT_COLUMN_NAMES                                                                                       \
    "(order_id, event_type, occurred_at, batch_id, message_no, geo_id, lat, lon, vertical, event_id, branch_id, "      \
    "customer_id, total_amount, currency)"

struct OrderStore {
    OrderStoreOptions options;
    DedupeWindow *window;
    DemandSums *sums;    /* of the batch */
    DemandSums *located; /* of waiting events that found their place */
    Buffer customers;
    bool window_fails; /* the last batch held duplicates that the window did not know: let the key decide on all rows */
};

/* One commit in the making. */
typedef struct Commit {
    OrderStore *store;
    OrderBatch *batch;
    PgConnection *connection;
    StoreResult result;
    Instant watermark_before;
} Commit;

OrderStore *order_store_new(const OrderStoreOptions *options)
{
    OrderStore *store = calloc(1, sizeof *store);
    if (!store)
        abort();
    store->options = *options;
    store->window = dedupe_window_new(options->window_capacity);
    store->sums = demand_sums_new();
    store->located = demand_sums_new();
    buffer_init(&store->customers, (size_t)BATCH_MESSAGES_MAX * 12 + 20);
    return store;
}

void order_store_free(OrderStore *store)
{
    if (!store)
        return;
    dedupe_window_free(store->window);
    demand_sums_free(store->sums);
    demand_sums_free(store->located);
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
static bool fence(Commit *commit, Error *err)
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

static void copy_text(PgCopy *copy, OrderText text)
{
    if (text.data)
        pg_copy_text_n(copy, text.data, text.length_bytes);
    else
        pg_copy_null(copy);
}

static void copy_order(PgCopy *copy, const BatchOrder *row, int64_t batch_id)
{
    const Order *order = &row->order;
    pg_copy_row(copy, ORDER_EVENT_COLUMNS);
    copy_text(copy, order->order_id);
    pg_copy_text(copy, order_event_type_name(order->event_type));
    pg_copy_instant(copy, order->occurred_at);
    pg_copy_int8(copy, batch_id);
    pg_copy_int4(copy, row->message_no);
    if (row->geo_id == GEO_UNPLACED)
        pg_copy_null(copy);
    else
        pg_copy_int4(copy, row->geo_id);
    if (order->has_location) {
        pg_copy_float8(copy, order->lat);
        pg_copy_float8(copy, order->lon);
    } else {
        pg_copy_null(copy);
        pg_copy_null(copy);
    }
    pg_copy_text(copy, order_vertical_name(order->vertical));
    copy_text(copy, order->event_id);
    copy_text(copy, order->branch_id);
    copy_text(copy, order->customer_id);
    if (order->amount.data) {
        uint8_t numeric[NUMERIC_BINARY_MAX_BYTES];
        pg_copy_bytes(copy, numeric, numeric_encode(order->amount.data, order->amount.length_bytes, numeric));
    } else {
        pg_copy_null(copy);
    }
    copy_text(copy, order->currency);
}

/* Rows with this outcome go to `target`. */
static bool copy_orders(const Commit *commit, const char *target, OrderOutcome outcome, Error *err)
{
    PgCopy *copy;
    if (!pg_copy_begin(commit->connection, target, &copy, err))
        return false;
    for (size_t i = 0; i < commit->batch->orders_count; i++) {
        if (commit->batch->orders[i].outcome == outcome)
            copy_order(copy, &commit->batch->orders[i], commit->result.batch_id);
    }
    return pg_copy_end(copy, false, NULL, err);
}

static size_t suspect(Commit *commit, bool everything)
{
    size_t suspects = 0;
    for (size_t i = 0; i < commit->batch->orders_count; i++) {
        BatchOrder *row = &commit->batch->orders[i];
        if (row->outcome == OUTCOME_RECORDED && (everything || dedupe_window_add(commit->store->window, row->key_hash)))
            row->outcome = OUTCOME_SUSPECT;
        suspects += row->outcome == OUTCOME_SUSPECT;
    }
    return suspects;
}

/* Straight into the table. *ret_conflict: some key is there already, nothing was written. */
static bool write_directly(const Commit *commit, bool *ret_conflict, Error *err)
{
    if (!pg_command(commit->connection, "SAVEPOINT direct", err))
        return false;
    if (copy_orders(commit, "core.order_event " ORDER_EVENT_COLUMN_NAMES, OUTCOME_RECORDED, err))
        return pg_command(commit->connection, "RELEASE SAVEPOINT direct", err);
    if (err->code != ERROR_CONFLICT)
        return false;
    *ret_conflict = true;
    return pg_command(commit->connection, "ROLLBACK TO SAVEPOINT direct; RELEASE SAVEPOINT direct", err);
}

/* Suspects go through a staging table, and the key decides. */
static bool write_suspects(Commit *commit, Error *err)
{
    OrderBatch *batch = commit->batch;
    commit->result.staged = true;
    if (!pg_command(commit->connection, "SET LOCAL client_min_messages = warning", err) ||
        !pg_run(commit->connection, &sql_create_order_event_staging, PG_PARAMS(), NULL, err) ||
        !copy_orders(commit, "order_event_staging " ORDER_EVENT_COLUMN_NAMES, OUTCOME_SUSPECT, err))
        return false;
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!pg_run(commit->connection, &sql_insert_staged_order_events, PG_PARAMS(), &rows, err))
        return false;
    bool *recorded = arena_array(batch->arena, batch->messages_count, sizeof *recorded);
    for (int i = 0; i < PQntuples(rows); i++)
        recorded[pg_get_int(rows, i, 0)] = true;
    for (size_t i = 0; i < batch->orders_count; i++) {
        BatchOrder *row = &batch->orders[i];
        if (row->outcome == OUTCOME_SUSPECT)
            row->outcome = recorded[row->message_no] ? OUTCOME_RECORDED : OUTCOME_DUPLICATE;
    }
    return true;
}

/* The window decides which way the rows go. When it misses duplicates, all rows go the slow way, until a batch in which
 * it would have found them all. */
static bool write_orders(Commit *commit, Error *err)
{
    OrderStore *store = commit->store;
    size_t found_by_window = suspect(commit, false);
    bool conflict = false;
    if (!store->window_fails && found_by_window < commit->batch->orders_count &&
        !write_directly(commit, &conflict, err))
        return false;
    size_t suspects = store->window_fails || conflict ? suspect(commit, true) : found_by_window;
    if (suspects > 0 && !write_suspects(commit, err))
        return false;
    size_t duplicates = 0;
    for (size_t i = 0; i < commit->batch->orders_count; i++)
        duplicates += commit->batch->orders[i].outcome == OUTCOME_DUPLICATE;
    store->window_fails = duplicates > found_by_window;
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
static void count_outcomes(Commit *commit)
{
    OrderBatch *batch = commit->batch;
    StoreResult *result = &commit->result;
    demand_sums_clear(commit->store->sums);
    demand_sums_clear(commit->store->located);
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

static bool write_duplicates(const Commit *commit, Error *err)
{
    PgCopy *copy;
    if (commit->result.duplicates == 0)
        return true;
    if (!pg_copy_begin(commit->connection,
                       "raw.duplicate_event (batch_id, message_no, order_id, event_type, event_id, partition, "
                       "\"offset\")",
                       &copy, err))
        return false;
    for (size_t i = 0; i < commit->batch->orders_count; i++) {
        const BatchOrder *row = &commit->batch->orders[i];
        if (row->outcome != OUTCOME_DUPLICATE)
            continue;
        pg_copy_row(copy, 7);
        pg_copy_int8(copy, commit->result.batch_id);
        pg_copy_int4(copy, row->message_no);
        copy_text(copy, row->order.order_id);
        pg_copy_text(copy, order_event_type_name(row->order.event_type));
        copy_text(copy, row->order.event_id);
        pg_copy_int4(copy, row->partition);
        pg_copy_int8(copy, row->offset);
    }
    return pg_copy_end(copy, false, NULL, err);
}

static bool write_dead_letters(const Commit *commit, Error *err)
{
    PgCopy *copy;
    if (commit->batch->dead_letters_count == 0)
        return true;
    if (!pg_copy_begin(commit->connection,
                       "raw.dead_letter (batch_id, topic, partition, \"offset\", reason, detail, pointer, payload)",
                       &copy, err))
        return false;
    for (size_t i = 0; i < commit->batch->dead_letters_count; i++) {
        const BatchDeadLetter *dead = &commit->batch->dead_letters[i];
        RawMessage message = order_batch_message(commit->batch, dead);
        pg_copy_row(copy, 8);
        pg_copy_int8(copy, commit->result.batch_id);
        pg_copy_text(copy, commit->store->options.topic);
        pg_copy_int4(copy, dead->partition);
        pg_copy_int8(copy, dead->offset);
        pg_copy_text(copy, order_fault_name(dead->fault));
        pg_copy_text(copy, dead->detail);
        pg_copy_text(copy, dead->pointer);
        pg_copy_bytes(copy, message.data, message.length_bytes);
    }
    return pg_copy_end(copy, false, NULL, err);
}

static bool write_waiting(const Commit *commit, Error *err)
{
    PgCopy *copy;
    if (commit->result.waiting == 0)
        return true;
    if (!pg_copy_begin(commit->connection, "raw.waiting_event (order_id, event_type, branch_id, batch_id)", &copy, err))
        return false;
    for (size_t i = 0; i < commit->batch->orders_count; i++) {
        const BatchOrder *row = &commit->batch->orders[i];
        if (row->outcome != OUTCOME_RECORDED || row->geo_id != GEO_UNPLACED)
            continue;
        pg_copy_row(copy, 4);
        copy_text(copy, row->order.order_id);
        pg_copy_text(copy, order_event_type_name(row->order.event_type));
        copy_text(copy, row->order.branch_id);
        pg_copy_int8(copy, commit->result.batch_id);
    }
    return pg_copy_end(copy, false, NULL, err);
}

static void append_be32(Buffer *buffer, uint32_t value)
{
    uint32_t big_endian = htonl(value);
    buffer_append(buffer, &big_endian, sizeof big_endian);
}

/* bigint[] in binary: dimensions, has nulls, type, length, lower bound, then length and value of each item. */
static void encode_customers(const OrderBatch *batch, Buffer *out)
{
    buffer_clear(out);
    append_be32(out, batch->customers_count > 0);
    append_be32(out, 0);
    append_be32(out, INT8_OID);
    if (batch->customers_count == 0)
        return;
    append_be32(out, (uint32_t)batch->customers_count);
    append_be32(out, 1);
    for (size_t i = 0; i < batch->customers_count; i++) {
        append_be32(out, sizeof(uint64_t));
        append_be32(out, (uint32_t)(batch->customers[i] >> 32));
        append_be32(out, (uint32_t)batch->customers[i]);
    }
}

/* Days since 2000-01-01, as a date in binary. */
static int32_t postgres_day(Instant instant)
{
    static const int32_t epoch_day = 10957;
    return hour_of(instant) / HOURS_PER_DAY - epoch_day;
}

static bool write_payload(const Commit *commit, Error *err)
{
    const OrderBatch *batch = commit->batch;
    Buffer *customers = &commit->store->customers;
    encode_customers(batch, customers);
    PgCopy *copy;
    if (!buffer_ok(customers, err) ||
        !pg_copy_begin(commit->connection,
                       "raw.batch_payload (batch_id, received_on, payload, payload_bytes, customers)", &copy, err))
        return false;
    pg_copy_row(copy, 5);
    pg_copy_int8(copy, commit->result.batch_id);
    pg_copy_int4(copy, postgres_day(clock_wall()));
    pg_copy_bytes(copy, batch->compressed.data, batch->compressed.length_bytes);
    pg_copy_int8(copy, (int64_t)batch->payload.length_bytes);
    pg_copy_bytes(copy, customers->data, customers->length_bytes);
    return pg_copy_end(copy, false, NULL, err);
}

static bool write_branches(const Commit *commit, Error *err)
{
    for (size_t i = 0; i < commit->batch->branches_count; i++) {
        const BatchBranch *branch = &commit->batch->branches[i];
        if (!pg_run(commit->connection, &sql_upsert_branch,
                    PG_PARAMS(pg_text(branch->branch_id), pg_int(branch->geo_id), pg_real(branch->lat),
                              pg_real(branch->lon), pg_instant(branch->located_at), pg_int(commit->result.batch_id)),
                    NULL, err))
            return false;
    }
    return true;
}

static bool resolve_waiting(Commit *commit, Error *err)
{
    if (commit->result.waiting == 0 && commit->batch->branches_count == 0)
        return true;
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!pg_run(commit->connection, &sql_resolve_waiting_events, PG_PARAMS(), &rows, err))
        return false;
    for (int i = 0; i < PQntuples(rows); i++) {
        OrderVertical vertical = VERTICAL_UNKNOWN;
        (void)order_vertical_find(pg_get_text(rows, i, 2), &vertical);
        demand_sums_add(commit->store->located, (int32_t)pg_get_int(rows, i, 0), pg_get_hour(rows, i, 1), vertical,
                        pg_get_int(rows, i, 3));
    }
    return true;
}

typedef struct DemandArrays {
    const char *geo_ids, *hours, *verticals, *orders;
} DemandArrays;

static DemandArrays demand_arrays(Arena *arena, const DemandSum *sum, size_t count)
{
    return (DemandArrays){
        .geo_ids = SQL_ARRAY(arena, count, "%d", sum[i].geo_id),
        .hours = SQL_ARRAY(arena, count, "%d", sum[i].hour),
        .verticals = SQL_ARRAY(arena, count, "%s", order_vertical_name(sum[i].vertical)),
        .orders = SQL_ARRAY(arena, count, "%lld", (long long)sum[i].orders),
    };
}

/* The ledger of hours that were closed before this batch. */
static bool write_restatements(const Commit *commit, const DemandSum *sum, size_t count, const char *why, Error *err)
{
    if (commit->watermark_before == INSTANT_NONE)
        return true;
    Arena *arena = commit->batch->arena;
    DemandSum *closed = arena_array(arena, count, sizeof *closed);
    size_t closed_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (sum[i].hour < hour_of(commit->watermark_before))
            closed[closed_count++] = sum[i];
    }
    if (closed_count == 0)
        return true;
    DemandArrays arrays = demand_arrays(arena, closed, closed_count);
    return pg_run(commit->connection, &sql_insert_demand_restatements,
                  PG_PARAMS(pg_text(arrays.geo_ids), pg_text(arrays.hours), pg_text(arrays.verticals),
                            pg_text(arrays.orders), pg_int(commit->result.commit_seq), pg_text(why)),
                  NULL, err);
}

static bool add_demand(Commit *commit, DemandSums *sums, const char *why, Hour *first_hour, Error *err)
{
    size_t count;
    const DemandSum *sum = demand_sums_sorted(sums, &count);
    if (count == 0)
        return true;
    for (size_t i = 0; i < count; i++) {
        commit->result.orders += sum[i].orders;
        if (*first_hour == HOUR_NONE || sum[i].hour < *first_hour)
            *first_hour = sum[i].hour;
    }
    DemandArrays arrays = demand_arrays(commit->batch->arena, sum, count);
    return write_restatements(commit, sum, count, why, err) &&
           pg_run(commit->connection, &sql_add_demand,
                  PG_PARAMS(pg_text(arrays.geo_ids), pg_text(arrays.hours), pg_text(arrays.verticals),
                            pg_text(arrays.orders), pg_int(commit->result.commit_seq)),
                  NULL, err);
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

static bool advance_offsets(const Commit *commit, const PartitionEnds *ends, Error *err)
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

static bool write_batch_row(const Commit *commit, Error *err)
{
    const OrderBatch *batch = commit->batch;
    const StoreResult *result = &commit->result;
    const BatchRange *range = batch->ranges;
    Arena *arena = batch->arena;
    size_t count = batch->ranges_count;
    return pg_run(commit->connection, &sql_insert_raw_batch,
                  PG_PARAMS(pg_int(result->batch_id), pg_int(result->commit_seq), pg_text("kafka"),
                            pg_text(commit->store->options.topic),
                            pg_text(SQL_ARRAY(arena, count, "%d", range[i].partition)),
                            pg_text(SQL_ARRAY(arena, count, "%lld", (long long)range[i].first_offset)),
                            pg_text(SQL_ARRAY(arena, count, "%lld", (long long)range[i].next_offset - 1)),
                            pg_int(result->messages), pg_int(result->events), pg_int(result->duplicates),
                            pg_int(result->dead_letters)),
                  NULL, err);
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
static bool write_demand(Commit *commit, const PartitionEnds *ends, Error *err)
{
    Progress before;
    if (!pg_run(commit->connection, &sql_take_commit_lock, PG_PARAMS(), NULL, err) ||
        !run_for_int(commit->connection, &sql_next_commit_seq, &commit->result.commit_seq, err) ||
        !progress_read(commit->connection, &before, err))
        return false;
    commit->watermark_before = before.watermark;
    Hour first_hour = HOUR_NONE;
    return resolve_waiting(commit, err) && add_demand(commit, commit->store->sums, "late_event", &first_hour, err) &&
           add_demand(commit, commit->store->located, "branch_located", &first_hour, err) &&
           advance_offsets(commit, ends, err) && write_batch_row(commit, err) &&
           advance_watermark(commit->store, commit->connection, first_hour, commit->result.orders,
                             commit->result.orders > 0 ? commit->result.commit_seq : 0, commit->batch->arena,
                             &commit->result.stream, err);
}

static bool write_all(Commit *commit, const PartitionEnds *ends, Error *err)
{
    if (!run_for_int(commit->connection, &sql_next_batch_id, &commit->result.batch_id, err) ||
        !write_orders(commit, err))
        return false;
    count_outcomes(commit);
    return write_duplicates(commit, err) && write_dead_letters(commit, err) && write_waiting(commit, err) &&
           write_payload(commit, err) && write_branches(commit, err) && write_demand(commit, ends, err);
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
    Commit commit = {.store = store, .batch = batch};
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
