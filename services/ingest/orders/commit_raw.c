#include <arpa/inet.h>
#include "common/clock.h"
#include "gen/ingest_sql.h"
#include "services/ingest/orders/order_commit.h"
#include "services/ingest/sql_array.h"

enum { INT8_OID = 20 };

static bool write_duplicates(const OrderCommit *commit, Error *err)
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
        commit_copy_text(copy, row->order.order_id);
        pg_copy_text(copy, order_event_type_name(row->order.event_type));
        commit_copy_text(copy, row->order.event_id);
        pg_copy_int4(copy, row->partition);
        pg_copy_int8(copy, row->offset);
    }
    return pg_copy_end(copy, false, NULL, err);
}

static bool write_dead_letters(const OrderCommit *commit, Error *err)
{
    PgCopy *copy;
    const OrderOrigin *origin = commit->store->options.origin;
    if (commit->batch->dead_letters_count == 0 || (origin && origin->records_dead_letters))
        return true;
    if (!pg_copy_begin(commit->connection,
                       "raw.dead_letter (batch_id, topic, partition, \"offset\", reason, detail, pointer, payload, "
                       "erased_at)",
                       &copy, err))
        return false;
    for (size_t i = 0; i < commit->batch->dead_letters_count; i++) {
        const BatchDeadLetter *dead = &commit->batch->dead_letters[i];
        RawMessage message = order_batch_message(commit->batch, dead);
        pg_copy_row(copy, 9);
        pg_copy_int8(copy, commit->result.batch_id);
        pg_copy_text(copy, commit->store->options.topic);
        pg_copy_int4(copy, dead->partition);
        pg_copy_int8(copy, dead->offset);
        pg_copy_text(copy, order_fault_name(dead->fault));
        pg_copy_text(copy, dead->detail);
        pg_copy_text(copy, dead->pointer);
        pg_copy_bytes(copy, message.data, message.length_bytes);
        pg_copy_instant(copy, dead->erased ? clock_wall() : INSTANT_NONE);
    }
    return pg_copy_end(copy, false, NULL, err);
}

static bool write_waiting(const OrderCommit *commit, Error *err)
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
        commit_copy_text(copy, row->order.order_id);
        pg_copy_text(copy, order_event_type_name(row->order.event_type));
        commit_copy_text(copy, row->order.branch_id);
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

static bool write_payload(const OrderCommit *commit, Error *err)
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

bool commit_raw_messages(const OrderCommit *commit, Error *err)
{
    return write_duplicates(commit, err) && write_dead_letters(commit, err) && write_waiting(commit, err) &&
           write_payload(commit, err);
}

bool commit_raw_batch(const OrderCommit *commit, Error *err)
{
    const OrderBatch *batch = commit->batch;
    const StoreResult *result = &commit->result;
    const BatchRange *range = batch->ranges;
    const OrderOrigin *origin = commit->store->options.origin;
    Arena *arena = batch->arena;
    size_t count = batch->ranges_count;
    return pg_run(commit->connection, &sql_insert_raw_batch,
                  PG_PARAMS(pg_int(result->batch_id), pg_int(result->commit_seq),
                            pg_text(origin ? origin->source : "kafka"), pg_text(commit->store->options.topic),
                            pg_text(SQL_ARRAY(arena, count, "%d", range[i].partition)),
                            pg_text(SQL_ARRAY(arena, count, "%lld", (long long)range[i].first_offset)),
                            pg_text(SQL_ARRAY(arena, count, "%lld", (long long)range[i].next_offset - 1)),
                            pg_int(result->messages), pg_int(result->events), pg_int(result->duplicates),
                            pg_int(result->dead_letters)),
                  NULL, err);
}
