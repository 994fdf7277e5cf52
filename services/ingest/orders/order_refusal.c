#include <glib.h>
#include "services/ingest/orders/order_commit.h"

enum { ACQUIRE_DEADLINE_MS = 5000 };

typedef struct Search {
    OrderStore *store;
    OrderBatch *batch;
    PgConnection *connection;
    size_t refused;
} Search;

/* Whether Postgres takes these orders of the batch, alone. *ret_refusal says why not. */
static bool try_orders(const Search *search, size_t from, size_t to, bool *ret_taken, Error *ret_refusal, Error *err)
{
    OrderBatch part = *search->batch;
    part.orders += from;
    part.orders_count = to - from;
    part.dead_letters_count = part.branches_count = 0;
    for (size_t i = from; i < to; i++)
        search->batch->orders[i].outcome = OUTCOME_RECORDED;
    OrderCommit commit = {.store = search->store, .batch = &part, .connection = search->connection};
    const PartitionEnds no_ends = {.count = 0};
    if (!pg_begin(search->connection, err))
        return false;
    Error failure;
    *ret_taken = commit_everything(&commit, &no_ends, &failure);
    pg_rollback(search->connection);
    if (*ret_taken)
        return true;
    *ret_refusal = failure;
    if (failure.code == ERROR_UNPROCESSABLE)
        return true;
    *err = failure;
    return false;
}

/* `refusal` is what Postgres says of a single order. */
static void refuse(Search *search, size_t index, const Error *refusal)
{
    char *detail = g_utf8_make_valid(refusal->message, -1);
    order_batch_refuse(search->batch, index, detail);
    g_free(detail);
    search->refused++;
}

/* From the last one to the first, so that those before stay where they are. */
static bool search_orders(Search *search, size_t from, size_t to, Error *err)
{
    bool taken;
    Error refusal;
    if (from == to || search->refused == ORDER_REFUSED_MAX)
        return true;
    if (!try_orders(search, from, to, &taken, &refusal, err))
        return false;
    if (taken)
        return true;
    if (to - from == 1) {
        refuse(search, from, &refusal);
        return true;
    }
    size_t middle = from + (to - from) / 2;
    return search_orders(search, middle, to, err) && search_orders(search, from, middle, err);
}

bool order_store_refuse(OrderStore *store, OrderBatch *batch, size_t *ret_refused, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    if (!pg_acquire(store->options.pool, ACQUIRE_DEADLINE_MS, &connection, err))
        return false;
    Search search = {.store = store, .batch = batch, .connection = connection};
    bool taken;
    Error refusal;
    if (!try_orders(&search, 0, 0, &taken, &refusal, err))
        return false;
    if (taken && !search_orders(&search, 0, batch->orders_count, err))
        return false;
    *ret_refused = search.refused;
    return true;
}
