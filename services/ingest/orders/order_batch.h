/* The messages of one transaction: read from a source, parsed and packed, not yet stored. Knows neither Kafka nor the
 * database. */
#pragma once

#include "common/buffer.h"
#include "services/ingest/orders/order.h"
#include "services/ingest/orders/raw_payload.h"

enum {
    BATCH_MESSAGES_MAX = 20000,
    BATCH_BYTES_MAX = 16 << 20, /* of messages; a batch is closed before it would exceed this */
    BATCH_PARTITIONS_MAX = 256, /* of the topic that one process reads */
    BATCH_BRANCHES_MAX = BATCH_MESSAGES_MAX,
};

typedef enum OrderOutcome {
    OUTCOME_RECORDED,  /* new; until the database has spoken: not suspicious */
    OUTCOME_SUSPECT,   /* its key was seen lately: the database decides */
    OUTCOME_DUPLICATE, /* its key is in core.order_event */
} OrderOutcome;

/* A good event. */
typedef struct BatchOrder {
    Order order;
    uint64_t key_hash;
    int64_t offset;
    int32_t partition;
    int32_t message_no; /* position among the messages of the batch */
    int32_t geo_id;     /* GEO_UNPLACED: its branch is not known yet */
    OrderOutcome outcome;
} BatchOrder;

enum { GEO_UNPLACED = 0 };

/* A message that can't be used; its bytes are found in the payload. */
typedef struct BatchDeadLetter {
    int64_t offset;
    int32_t partition;
    int32_t message_no;
    OrderFault fault;
    const char *detail, *pointer;
    size_t payload_at; /* position of the message in the payload */
    bool erased;       /* it was an erased customer's: what is left of it is in the payload */
} BatchDeadLetter;

/* A branch whose location these events told for the first time, or which moved. */
typedef struct BatchBranch {
    const char *branch_id;
    double lat, lon;
    Instant located_at;
    int32_t geo_id;
} BatchBranch;

typedef struct BatchRange {
    int32_t partition;
    int64_t expected_offset; /* where the source had to be read from */
    int64_t first_offset, next_offset;
    Instant latest_event_at;
    int32_t messages, duplicates, dead_letters;
    int64_t lost_from, lost_until; /* offsets before it that the source had no longer; equal: none */
} BatchRange;

typedef struct OrderBatch {
    Arena *arena;
    Buffer payload;    /* see raw_payload.h */
    Buffer compressed; /* of order_batch_pack() */
    BatchOrder *orders;
    BatchDeadLetter *dead_letters;
    BatchBranch *branches;
    BatchRange *ranges;
    uint64_t *customers; /* sorted, each once, of order_batch_pack() */
    size_t orders_count, dead_letters_count, branches_count, ranges_count, customers_count, messages_count;
    int32_t geo_version;      /* of the division that its orders were placed in; 0: none was placed */
    int64_t newest_tombstone; /* of those that it was stripped by: privacy_filter.h */
} OrderBatch;

OrderBatch *order_batch_new(void);
void order_batch_free(OrderBatch *batch); /* accepts NULL */
void order_batch_clear(OrderBatch *batch);
/* Whether the message is in the batch already (a partition that was given away and came back is read again). */
bool order_batch_holds(const OrderBatch *batch, int32_t partition, int64_t offset);
bool order_batch_has_room(const OrderBatch *batch, size_t message_bytes);

/* Takes one message in. Returns the event to be placed, or NULL when it became a dead letter. `expected_offset` is
 * where the partition had to be read from before this message. */
BatchOrder *order_batch_add(OrderBatch *batch, OrderParser *parser, Instant latest, const RawMessage *message,
                            int64_t expected_offset);
/* Says that the messages of these offsets are lost, which came before those of the partition in the batch. */
void order_batch_add_gap(OrderBatch *batch, int32_t partition, int64_t from, int64_t until);
/* Makes a dead letter of the event. */
void order_batch_refuse(OrderBatch *batch, size_t order_index, const char *detail);
void order_batch_add_branch(OrderBatch *batch, const BatchBranch *branch);
/* Compresses the payload and gathers the customers: after the last message. */
bool order_batch_pack(OrderBatch *batch, Error *err) MUST_CHECK;
/* Takes out what is recorded already: messages of the partition before that offset. Call order_batch_pack() again. */
void order_batch_drop_before(OrderBatch *batch, int32_t partition, int64_t offset);
/* The message of a dead letter. */
RawMessage order_batch_message(const OrderBatch *batch, const BatchDeadLetter *dead_letter);
