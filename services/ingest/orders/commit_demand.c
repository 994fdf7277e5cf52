#include "services/ingest/demand/demand_commit.h"
#include "services/ingest/orders/order_commit.h"

bool commit_demand(OrderCommit *commit, Hour *ret_first_hour, Error *err)
{
    DemandCommit demand = {.connection = commit->connection,
                           .arena = commit->batch->arena,
                           .commit_seq = commit->result.commit_seq,
                           .watermark_before = commit->watermark_before,
                           .first_hour = HOUR_NONE};
    bool may_resolve = commit->result.waiting > 0 || commit->batch->branches_count > 0;
    if (!demand_commit_add(&demand, commit->store->sums, "late_event", err) ||
        (may_resolve && !demand_commit_resolve(&demand, err)))
        return false;
    commit->result.orders += demand.orders;
    *ret_first_hour = demand.first_hour;
    return true;
}
