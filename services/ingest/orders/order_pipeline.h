/* Between the thread that reads and parses and the one that stores: a few batches that go round, so that memory stays
 * bounded and both work at the same time. */
#pragma once

#include "services/ingest/orders/order_store.h"

enum { PIPELINE_BATCHES = 2 }; /* one being filled, one being stored */

typedef struct OrderPipeline OrderPipeline;

OrderPipeline *order_pipeline_new(void);
void order_pipeline_free(OrderPipeline *pipeline); /* accepts NULL */

/* An empty batch to fill, or NULL when none came back within the time. */
OrderBatch *order_pipeline_take_empty(OrderPipeline *pipeline, int timeout_ms);
/* Gives a batch to be stored, with the ends of the partitions as known now. */
void order_pipeline_put_full(OrderPipeline *pipeline, OrderBatch *batch, const PartitionEnds *ends);
/* Tells the ends while there is nothing to store. */
void order_pipeline_put_ends(OrderPipeline *pipeline, const PartitionEnds *ends);

/* The oldest full batch, or NULL when none came within the time. It stays the caller's until put back as empty; taking
 * again before that gives the same one. */
OrderBatch *order_pipeline_take_full(OrderPipeline *pipeline, int timeout_ms);
void order_pipeline_put_empty(OrderPipeline *pipeline, OrderBatch *batch);
/* The newest ends told. */
void order_pipeline_get_ends(OrderPipeline *pipeline, PartitionEnds *ret_ends);

/* Throws all full batches away; the reader must start over from the offsets in the database. */
void order_pipeline_restart(OrderPipeline *pipeline);
/* True once after order_pipeline_restart(); the reader's own batch is still the reader's. Batches put before this was
 * called are thrown away. */
bool order_pipeline_restarted(OrderPipeline *pipeline);
