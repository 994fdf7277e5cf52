#include "gen/ingest_sql.h"
#include "services/ingest/orders/order_commit.h"
#include "services/ingest/sql_array.h"

static bool resolve_waiting(OrderCommit *commit, Error *err)
{
    if (commit->result.waiting == 0 && commit->batch->branches_count == 0)
        return true;
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!pg_run(commit->connection, &sql_resolve_waiting_events, PG_PARAMS(pg_int(commit->result.batch_id)), &rows,
                err))
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
static bool write_restatements(const OrderCommit *commit, const DemandSum *sum, size_t count, const char *why,
                               Error *err)
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

static bool add_demand(OrderCommit *commit, DemandSums *sums, const char *why, Hour *first_hour, Error *err)
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

bool commit_demand(OrderCommit *commit, Hour *ret_first_hour, Error *err)
{
    const OrderOrigin *origin = commit->store->options.origin;
    const char *why = origin ? origin->why : "late_event";
    Hour first_hour = HOUR_NONE;
    if (!resolve_waiting(commit, err) || !add_demand(commit, commit->store->sums, why, &first_hour, err) ||
        !add_demand(commit, commit->store->located, "branch_located", &first_hour, err))
        return false;
    *ret_first_hour = first_hour;
    return true;
}
