#include "services/ingest/orders/order_pipeline.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include "common/clock.h"
#include "common/deadline.h"

struct OrderPipeline {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    OrderBatch *empty[PIPELINE_BATCHES], *full[PIPELINE_BATCHES];
    size_t empty_count, full_count;
    PartitionEnds ends;
    bool restarting;
};

OrderPipeline *order_pipeline_new(void)
{
    OrderPipeline *pipeline = calloc(1, sizeof *pipeline);
    if (!pipeline)
        abort();
    pthread_mutex_init(&pipeline->mutex, NULL);
    deadline_cond_init(&pipeline->changed);
    while (pipeline->empty_count < PIPELINE_BATCHES)
        pipeline->empty[pipeline->empty_count++] = order_batch_new();
    return pipeline;
}

void order_pipeline_free(OrderPipeline *pipeline)
{
    if (!pipeline)
        return;
    for (size_t i = 0; i < pipeline->empty_count; i++)
        order_batch_free(pipeline->empty[i]);
    for (size_t i = 0; i < pipeline->full_count; i++)
        order_batch_free(pipeline->full[i]);
    pthread_mutex_destroy(&pipeline->mutex);
    pthread_cond_destroy(&pipeline->changed);
    free(pipeline);
}

/* Under the mutex: waits until *count is not 0 or the time is over. */
static bool wait_for_any(OrderPipeline *pipeline, const size_t *count, int timeout_ms)
{
    int64_t until_ms = clock_monotonic_ms() + timeout_ms;
    while (*count == 0 && deadline_cond_wait(&pipeline->changed, &pipeline->mutex, until_ms))
        ;
    return *count > 0;
}

OrderBatch *order_pipeline_take_empty(OrderPipeline *pipeline, int timeout_ms)
{
    OrderBatch *batch = NULL;
    pthread_mutex_lock(&pipeline->mutex);
    if (wait_for_any(pipeline, &pipeline->empty_count, timeout_ms))
        batch = pipeline->empty[--pipeline->empty_count];
    pthread_mutex_unlock(&pipeline->mutex);
    return batch;
}

/* Under the mutex. */
static void put_empty(OrderPipeline *pipeline, OrderBatch *batch)
{
    assert(pipeline->empty_count < PIPELINE_BATCHES);
    order_batch_clear(batch);
    pipeline->empty[pipeline->empty_count++] = batch;
    pthread_cond_broadcast(&pipeline->changed);
}

void order_pipeline_put_full(OrderPipeline *pipeline, OrderBatch *batch, const PartitionEnds *ends)
{
    pthread_mutex_lock(&pipeline->mutex);
    pipeline->ends = *ends;
    if (pipeline->restarting) {
        put_empty(pipeline, batch);
    } else {
        assert(pipeline->full_count < PIPELINE_BATCHES);
        pipeline->full[pipeline->full_count++] = batch;
        pthread_cond_broadcast(&pipeline->changed);
    }
    pthread_mutex_unlock(&pipeline->mutex);
}

void order_pipeline_put_ends(OrderPipeline *pipeline, const PartitionEnds *ends)
{
    pthread_mutex_lock(&pipeline->mutex);
    pipeline->ends = *ends;
    pthread_mutex_unlock(&pipeline->mutex);
}

OrderBatch *order_pipeline_take_full(OrderPipeline *pipeline, int timeout_ms)
{
    OrderBatch *batch = NULL;
    pthread_mutex_lock(&pipeline->mutex);
    if (wait_for_any(pipeline, &pipeline->full_count, timeout_ms))
        batch = pipeline->full[0];
    pthread_mutex_unlock(&pipeline->mutex);
    return batch;
}

void order_pipeline_put_empty(OrderPipeline *pipeline, OrderBatch *batch)
{
    pthread_mutex_lock(&pipeline->mutex);
    assert(pipeline->full_count > 0 && pipeline->full[0] == batch);
    pipeline->full_count--;
    for (size_t i = 0; i < pipeline->full_count; i++)
        pipeline->full[i] = pipeline->full[i + 1];
    put_empty(pipeline, batch);
    pthread_mutex_unlock(&pipeline->mutex);
}

void order_pipeline_get_ends(OrderPipeline *pipeline, PartitionEnds *ret_ends)
{
    pthread_mutex_lock(&pipeline->mutex);
    *ret_ends = pipeline->ends;
    pthread_mutex_unlock(&pipeline->mutex);
}

void order_pipeline_restart(OrderPipeline *pipeline)
{
    pthread_mutex_lock(&pipeline->mutex);
    pipeline->restarting = true;
    while (pipeline->full_count > 0)
        put_empty(pipeline, pipeline->full[--pipeline->full_count]);
    pthread_mutex_unlock(&pipeline->mutex);
}

bool order_pipeline_restarted(OrderPipeline *pipeline)
{
    pthread_mutex_lock(&pipeline->mutex);
    bool restarting = pipeline->restarting;
    pipeline->restarting = false;
    pthread_mutex_unlock(&pipeline->mutex);
    return restarting;
}
