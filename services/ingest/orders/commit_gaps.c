#include "gen/ingest_sql.h"
#include "services/ingest/orders/order_commit.h"

static Instant earliest_event(const OrderBatch *batch, int32_t partition)
{
    Instant earliest = INSTANT_NONE;
    for (size_t i = 0; i < batch->orders_count; i++) {
        const BatchOrder *row = &batch->orders[i];
        if (row->partition == partition && (earliest == INSTANT_NONE || row->order.occurred_at < earliest))
            earliest = row->order.occurred_at;
    }
    return earliest;
}

bool commit_gaps(const OrderCommit *commit, Error *err)
{
    const OrderBatch *batch = commit->batch;
    for (size_t i = 0; i < batch->ranges_count; i++) {
        const BatchRange *range = &batch->ranges[i];
        if (range->lost_from < range->lost_until &&
            !pg_run(commit->connection, &sql_insert_stream_gap,
                    PG_PARAMS(pg_text(commit->store->options.topic), pg_int(range->partition), pg_int(range->lost_from),
                              pg_int(range->lost_until), pg_instant(earliest_event(batch, range->partition)),
                              pg_int(commit->result.batch_id)),
                    NULL, err))
            return false;
    }
    return true;
}
