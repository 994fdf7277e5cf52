/* What a transaction does to the hourly counts, whichever source it writes: adds sums, places waiting events, keeps the
 * ledger of restatements. All of it only under the lock of take_commit_lock. */
#pragma once

#include "common/arena.h"
#include "common/pg.h"
#include "services/ingest/demand/demand_sums.h"

typedef struct DemandCommit {
    PgConnection *connection;
    Arena *arena;
    int64_t commit_seq;
    Instant watermark_before; /* hours before it are closed; INSTANT_NONE: none is */
    int64_t orders;           /* added so far */
    Hour first_hour;          /* the earliest of them; HOUR_NONE: none so far */
} DemandCommit;

/* Adds the sums to the counts. Changes to closed hours go into the ledger under `why`. */
bool demand_commit_add(DemandCommit *commit, DemandSums *sums, const char *why, Error *err) MUST_CHECK;
/* Places the waiting events whose branch is known by now and adds their orders, why: branch_located. */
bool demand_commit_resolve(DemandCommit *commit, Error *err) MUST_CHECK;
