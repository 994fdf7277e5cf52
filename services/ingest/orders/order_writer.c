#include "services/ingest/orders/order_writer.h"

#include <stdlib.h>
#include "common/clock.h"
#include "common/log.h"
#include "common/metrics.h"

enum { IDLE_WAIT_MS = 500, NOTE_ENDS_EVERY_MS = 1000, SUMMARY_EVERY_MS = 60000 };

static Metric events_total = {.kind = METRIC_COUNTER,
                              .name = "rushcast_ingest_events_total",
                              .help = "Messages of the order stream by what became of them",
                              .labels = {"outcome"}};
static Metric batch_seconds = {
    .kind = METRIC_HISTOGRAM, .name = "rushcast_ingest_batch_seconds", .help = "Seconds to store a batch"};
static Metric batches_total = {.kind = METRIC_COUNTER,
                               .name = "rushcast_ingest_batches_total",
                               .help = "Batches stored, by whether the key had to decide on some rows",
                               .labels = {"way"}};
static Metric watermark_seconds = {.kind = METRIC_GAUGE,
                                   .name = "rushcast_ingest_watermark_timestamp_seconds",
                                   .help = "Event time up to which everything sent is recorded"};
static Metric watermark_age_seconds = {.kind = METRIC_GAUGE,
                                       .name = "rushcast_ingest_watermark_age_seconds",
                                       .help = "Age of the watermark by the wall clock when it was last looked at"};

static Metric lag_messages = {.kind = METRIC_GAUGE,
                              .name = "rushcast_ingest_lag_messages",
                              .help = "Messages of the stream known to exist and not recorded yet"};

struct OrderWriter {
    OrderWriterOptions options;
    int64_t ends_noted_ms;
    StoreResult since_summary; /* sums */
    int64_t batches_since_summary, summary_at_ms;
};

OrderWriter *order_writer_new(const OrderWriterOptions *options)
{
    OrderWriter *writer = calloc(1, sizeof *writer);
    if (!writer)
        abort();
    writer->options = *options;
    return writer;
}

void order_writer_free(OrderWriter *writer)
{
    free(writer);
}

static void stream_moved(const StreamState *stream)
{
    metric_set(metric_with(&lag_messages), (double)stream->lag);
    if (stream->watermark == INSTANT_NONE)
        return;
    clock_set_watermark(stream->watermark);
    metric_set(metric_with(&watermark_seconds), (double)stream->watermark / INSTANT_PER_SECOND);
    metric_set(metric_with(&watermark_age_seconds), (double)(clock_wall() - stream->watermark) / INSTANT_PER_SECOND);
}

static void count(const StoreResult *result, double seconds)
{
    metric_add(metric_with(&events_total, "recorded"), (double)result->events);
    metric_add(metric_with(&events_total, "duplicate"), (double)result->duplicates);
    metric_add(metric_with(&events_total, "dead_letter"), (double)result->dead_letters);
    metric_add(metric_with(&events_total, "waiting"), (double)result->waiting);
    metric_add(metric_with(&batches_total, result->staged ? "staged" : "direct"), 1);
    metric_observe(metric_with(&batch_seconds), seconds);
}

static void sum_up(OrderWriter *writer, const StoreResult *result)
{
    StoreResult *sum = &writer->since_summary;
    sum->messages += result->messages;
    sum->events += result->events;
    sum->duplicates += result->duplicates;
    sum->dead_letters += result->dead_letters;
    sum->waiting += result->waiting;
    sum->orders += result->orders;
    writer->batches_since_summary++;
}

static void log_summary(OrderWriter *writer)
{
    const StoreResult *sum = &writer->since_summary;
    int64_t now_ms = clock_monotonic_ms();
    if (writer->batches_since_summary == 0 || now_ms < writer->summary_at_ms)
        return;
    log_info("orders.stored", log_int("batches", writer->batches_since_summary), log_int("messages", sum->messages),
             log_int("events", sum->events), log_int("orders", sum->orders), log_int("duplicates", sum->duplicates),
             log_int("dead_letters", sum->dead_letters), log_int("waiting", sum->waiting));
    writer->since_summary = (StoreResult){0};
    writer->batches_since_summary = 0;
    writer->summary_at_ms = now_ms + SUMMARY_EVERY_MS;
}

static bool note_ends(OrderWriter *writer, Error *err)
{
    if (clock_monotonic_ms() - writer->ends_noted_ms < NOTE_ENDS_EVERY_MS)
        return true;
    PartitionEnds ends;
    StreamState stream;
    order_pipeline_get_ends(writer->options.pipeline, &ends);
    if (!order_store_note_ends(writer->options.store, &ends, &stream, err))
        return false;
    writer->ends_noted_ms = clock_monotonic_ms();
    stream_moved(&stream);
    return true;
}

/* What Postgres refuses for good is put aside, so that the rest goes on with the next step. */
static bool put_refused_aside(OrderWriter *writer, OrderBatch *batch, Error *err)
{
    Error refusal = *err;
    size_t refused;
    if (!order_store_refuse(writer->options.store, batch, &refused, err))
        return false;
    if (refused == 0) {
        *err = refusal;
        return false;
    }
    log_warn("orders.refused", log_int("events", (int64_t)refused), log_failure(&refusal));
    return true;
}

static bool store_batch(OrderWriter *writer, OrderBatch *batch, Error *err)
{
    double begun_s = clock_monotonic_s();
    PartitionEnds ends;
    StoreResult result;
    order_pipeline_get_ends(writer->options.pipeline, &ends);
    if (!order_store_commit(writer->options.store, batch, &ends, &result, err)) {
        if (result.gap)
            order_pipeline_restart(writer->options.pipeline);
        return err->code == ERROR_UNPROCESSABLE && put_refused_aside(writer, batch, err);
    }
    order_pipeline_put_empty(writer->options.pipeline, batch);
    if (!result.stored)
        return true;
    double seconds = clock_monotonic_s() - begun_s;
    writer->ends_noted_ms = clock_monotonic_ms();
    stream_moved(&result.stream);
    count(&result, seconds);
    sum_up(writer, &result);
    log_debug("orders.batch_stored", log_int("batch", result.batch_id), log_int("messages", result.messages),
              log_int("duplicates", result.duplicates), log_int("dead_letters", result.dead_letters),
              log_bool("staged", result.staged), log_real("seconds", seconds));
    if (result.orders > 0)
        writer->options.demand_changed(writer->options.context);
    return true;
}

bool order_writer_step(OrderWriter *writer, Error *err)
{
    OrderBatch *batch = order_pipeline_take_full(writer->options.pipeline, IDLE_WAIT_MS);
    if (!(batch ? store_batch(writer, batch, err) : note_ends(writer, err)))
        return false;
    log_summary(writer);
    return true;
}
