/* Reads Kafka, parses, places, and hands whole batches to the writer. */
#pragma once

#include "services/ingest/geo/geo_directory.h"
#include "services/ingest/orders/order_pipeline.h"
#include "services/ingest/privacy/privacy_filter.h"

typedef struct OrderReader OrderReader;

typedef struct OrderReaderOptions {
    const char *brokers, *topic, *group; /* kept by reference */
    int topic_partitions;                /* when the topic has to be made */
    int topic_replication;
    int64_t batch_messages; /* 1..BATCH_MESSAGES_MAX */
    int64_t batch_wait_ms;  /* from the first message until the batch is handed over */
    int64_t queue_limit_kbytes;
    PgPool *pool;
    GeoDirectory *directory;
    OrderPipeline *pipeline;
    PrivacyFilter *privacy;
} OrderReaderOptions;

OrderReader *order_reader_new(const OrderReaderOptions *options);
void order_reader_free(OrderReader *reader); /* accepts NULL */

/* Waits for messages and brings the batch further; after a failure the next call goes on where this one stopped. */
bool order_reader_step(OrderReader *reader, Error *err) MUST_CHECK;

/* The latest time that an event which comes now may carry. */
Instant order_latest_time(void);
