/* One transaction of the order store in the making, shared by the files that write its parts: commit_orders.c (steps of
 * orders), commit_raw.c (what came in, as it came in) and commit_demand.c (hourly counts). */
#pragma once

#include "services/ingest/orders/dedupe_window.h"
#include "services/ingest/demand/demand_sums.h"
#include "services/ingest/orders/order_store.h"

struct OrderStore {
    OrderStoreOptions options;
    DedupeWindow *window;
    DemandSums *sums; /* of the batch */
    Buffer customers;
    bool window_fails; /* the last batch held duplicates that the window did not know: let the key decide on all rows */
};

typedef struct OrderCommit {
    OrderStore *store;
    OrderBatch *batch;
    PgConnection *connection;
    StoreResult result;
    Instant watermark_before;
} OrderCommit;

/* NULL data: null. */
void commit_copy_text(PgCopy *copy, OrderText text);

/* core.order_event; sets the outcomes of the batch's orders. */
bool commit_orders(OrderCommit *commit, Error *err) MUST_CHECK;
/* Duplicates, dead letters, waiting events and the payload, once the outcomes are known. */
bool commit_raw_messages(const OrderCommit *commit, Error *err) MUST_CHECK;
/* raw.batch, once the commit_seq is known. */
bool commit_raw_batch(const OrderCommit *commit, Error *err) MUST_CHECK;
/* Adds the batch's orders, and those of waiting events that found their place, to the counts; hours that were closed
 * before go into the ledger of restatements. *ret_first_hour: HOUR_NONE when there are none. Under the commit lock. */
bool commit_demand(OrderCommit *commit, Hour *ret_first_hour, Error *err) MUST_CHECK;
