#include "gen/ingest_sql.h"
#include "services/ingest/orders/numeric.h"
#include "services/ingest/orders/order_commit.h"

enum { ORDER_EVENT_COLUMNS = 14 };

#define ORDER_EVENT_COLUMN_NAMES                                                                                       \
    "(order_id, event_type, occurred_at, batch_id, message_no, geo_id, lat, lon, vertical, event_id, branch_id, "      \
    "customer_id, total_amount, currency)"

void commit_copy_text(PgCopy *copy, OrderText text)
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
    commit_copy_text(copy, order->order_id);
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
    commit_copy_text(copy, order->event_id);
    commit_copy_text(copy, order->branch_id);
    commit_copy_text(copy, order->customer_id);
    if (order->amount.data) {
        uint8_t numeric[NUMERIC_BINARY_MAX_BYTES];
        pg_copy_bytes(copy, numeric, numeric_encode(order->amount.data, order->amount.length_bytes, numeric));
    } else {
        pg_copy_null(copy);
    }
    commit_copy_text(copy, order->currency);
}

/* Rows with this outcome go to `target`. */
static bool copy_orders(const OrderCommit *commit, const char *target, OrderOutcome outcome, Error *err)
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

static size_t suspect(OrderCommit *commit, bool everything)
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
static bool write_directly(const OrderCommit *commit, bool *ret_conflict, Error *err)
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
static bool write_suspects(OrderCommit *commit, Error *err)
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
bool commit_orders(OrderCommit *commit, Error *err)
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
