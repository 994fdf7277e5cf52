/* Writes a batch and the offsets it came from in one transaction: exactly once, whatever is delivered again, whoever
 * else reads the same partitions, and wherever this process is killed. One thread uses a store. */
#pragma once

#include "common/pg.h"
#include "services/ingest/orders/order_batch.h"
#include "services/ingest/privacy/privacy_filter.h"

typedef struct OrderStore OrderStore;

enum { ORDER_REFUSED_MAX = 100 };

/* What is known of the end of a partition. */
typedef struct PartitionEnd {
    int32_t partition;
    int64_t end_offset;
} PartitionEnd;

typedef struct PartitionEnds {
    PartitionEnd items[BATCH_PARTITIONS_MAX];
    size_t count;
} PartitionEnds;

/* Where the whole stream stands after a transaction. */
typedef struct StreamState {
    Instant watermark; /* INSTANT_NONE: none yet */
    int64_t lag;       /* messages known to exist and not recorded */
} StreamState;

typedef struct StoreResult {
    bool stored; /* false: the batch had been recorded before */
    bool gap; /* (on failure) messages between the database's offset and the batch are missing, or it was placed in geos
               * of an earlier division: read again */
    bool staged; /* the key had to decide on some rows */
    int64_t batch_id, commit_seq;
    int64_t messages, events, duplicates, dead_letters, waiting, orders;
    StreamState stream;
} StoreResult;

/* A source of batches beside the stream: what it says of itself in the transaction takes the place of Kafka's offsets,
 * as that which makes a batch recorded once. */
typedef struct OrderOrigin {
    const char *source;        /* raw.batch.source */
    const char *why;           /* core.demand_restatement.why */
    bool records_dead_letters; /* record() does what is to be done about the batch's dead letters */
    /* The last thing before the commit: must fail when the batch is recorded already. Called again after a failure, and
     * in trial transactions that are rolled back. */
    bool (*record)(void *context, PgConnection *connection, const OrderBatch *batch, const StoreResult *result,
                   Error *err);
    void *context;
} OrderOrigin;

typedef struct OrderStoreOptions {
    PgPool *pool;              /* kept by reference */
    const char *topic;         /* kept by reference */
    size_t window_capacity;    /* recent keys remembered: 16 to 32 bytes each */
    PrivacyFilter *privacy;    /* kept by reference */
    const OrderOrigin *origin; /* kept by reference; NULL: the stream */
} OrderStoreOptions;

OrderStore *order_store_new(const OrderStoreOptions *options);
void order_store_free(OrderStore *store); /* accepts NULL */

/* Fills the window of recent keys from the database. */
bool order_store_load_window(OrderStore *store, PgConnection *connection, Error *err) MUST_CHECK;
/* Commits the packed batch. After a failure the same batch is given again, also when it is not known whether it was
 * committed; parts that turn out to be recorded are taken out of it. */
bool order_store_commit(OrderStore *store, OrderBatch *batch, const PartitionEnds *ends, StoreResult *ret_result,
                        Error *err) MUST_CHECK;
/* After a commit that Postgres refused (UNPROCESSABLE): finds the events that it refuses also when they come alone, by
 * halves, and makes dead letters of them; the rest can be committed then. *ret_refused is how many there were, at most
 * ORDER_REFUSED_MAX at once; 0: the refusal was not about a single event. */
bool order_store_refuse(OrderStore *store, OrderBatch *batch, size_t *ret_refused, Error *err) MUST_CHECK;
/* Notes where partitions end while there is nothing to commit, which may move the watermark. */
bool order_store_note_ends(OrderStore *store, const PartitionEnds *ends, StreamState *ret_stream,
                           Error *err) MUST_CHECK;
