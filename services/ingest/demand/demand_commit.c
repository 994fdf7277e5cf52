#include "services/ingest/demand/demand_commit.h"

#include "gen/ingest_sql.h"
#include "services/ingest/sql_array.h"

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

/* The ledger of hours that were closed before this transaction. */
static bool write_restatements(const DemandCommit *commit, const DemandSum *sum, size_t count, const char *why,
                               Error *err)
{
    if (commit->watermark_before == INSTANT_NONE)
        return true;
    DemandSum *closed = arena_array(commit->arena, count, sizeof *closed);
    size_t closed_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (sum[i].hour < hour_of(commit->watermark_before))
            closed[closed_count++] = sum[i];
    }
    if (closed_count == 0)
        return true;
    DemandArrays arrays = demand_arrays(commit->arena, closed, closed_count);
    return pg_run(commit->connection, &sql_insert_demand_restatements,
                  PG_PARAMS(pg_text(arrays.geo_ids), pg_text(arrays.hours), pg_text(arrays.verticals),
                            pg_text(arrays.orders), pg_int(commit->commit_seq), pg_text(why)),
                  NULL, err);
}

bool demand_commit_add(DemandCommit *commit, DemandSums *sums, const char *why, Error *err)
{
    size_t count;
    const DemandSum *sum = demand_sums_sorted(sums, &count);
    if (count == 0)
        return true;
    for (size_t i = 0; i < count; i++) {
        commit->orders += sum[i].orders;
        if (commit->first_hour == HOUR_NONE || sum[i].hour < commit->first_hour)
            commit->first_hour = sum[i].hour;
    }
    DemandArrays arrays = demand_arrays(commit->arena, sum, count);
    return write_restatements(commit, sum, count, why, err) &&
           pg_run(commit->connection, &sql_add_demand,
                  PG_PARAMS(pg_text(arrays.geo_ids), pg_text(arrays.hours), pg_text(arrays.verticals),
                            pg_text(arrays.orders), pg_int(commit->commit_seq)),
                  NULL, err);
}

bool demand_commit_resolve(DemandCommit *commit, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!pg_run(commit->connection, &sql_resolve_waiting_events, PG_PARAMS(), &rows, err))
        return false;
    DemandSums *located = demand_sums_new();
    for (int i = 0; i < PQntuples(rows); i++) {
        OrderVertical vertical = VERTICAL_UNKNOWN;
        (void)order_vertical_find(pg_get_text(rows, i, 2), &vertical);
        demand_sums_add(located, (int32_t)pg_get_int(rows, i, 0), pg_get_hour(rows, i, 1), vertical,
                        pg_get_int(rows, i, 3));
    }
    bool ok = demand_commit_add(commit, located, "branch_located", err);
    demand_sums_free(located);
    return ok;
}
