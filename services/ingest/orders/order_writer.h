/* Stores the batches that the reader hands over, and tells of it: metrics, log, hints. */
#pragma once

#include "services/ingest/orders/order_pipeline.h"

typedef struct OrderWriter OrderWriter;

typedef struct OrderWriterOptions {
    OrderPipeline *pipeline;
    OrderStore *store;
    void (*demand_changed)(void *context); /* after a commit that changed demand */
    void *context;
} OrderWriterOptions;

OrderWriter *order_writer_new(const OrderWriterOptions *options);
void order_writer_free(OrderWriter *writer); /* accepts NULL */

/* Waits for a batch and stores it; after a failure the next call stores the same batch. */
bool order_writer_step(OrderWriter *writer, Error *err) MUST_CHECK;
