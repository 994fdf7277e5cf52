#include "services/ingest/orders/order_reader.h"

#include <stdlib.h>
#include "common/clock.h"
#include "common/kafka_consumer.h"
#include "common/log.h"
#include "common/worker.h"
#include "gen/ingest_sql.h"

enum {
    POLL_MESSAGES = 2000,
    IDLE_POLL_MS = 200,
    EMPTY_BATCH_WAIT_MS = 200,
    TOPIC_DEADLINE_MS = 10000,
    ACQUIRE_DEADLINE_MS = 5000,
};

typedef struct Position {
    int32_t partition;
    int64_t next_offset; /* to be read */
} Position;

struct OrderReader {
    OrderReaderOptions options;
    KafkaConsumer *consumer;
    OrderParser *parser;
    Position positions[BATCH_PARTITIONS_MAX];
    size_t positions_count;

    rd_kafka_message_t *messages[POLL_MESSAGES]; /* polled, those before `messages_taken` are in the batch */
    size_t messages_count, messages_taken;

    OrderBatch *batch;      /* being filled; NULL: none yet */
    int64_t batch_begun_ms; /* when its first message came */
    bool batch_closed;      /* no more messages: to be placed, packed and handed over */
    size_t orders_placed;
};

OrderReader *order_reader_new(const OrderReaderOptions *options)
{
    OrderReader *reader = calloc(1, sizeof *reader);
    if (!reader)
        abort();
    reader->options = *options;
    reader->parser = order_parser_new();
    return reader;
}

static void drop_messages(OrderReader *reader)
{
    while (reader->messages_taken < reader->messages_count)
        rd_kafka_message_destroy(reader->messages[reader->messages_taken++]);
    reader->messages_taken = reader->messages_count = 0;
}

void order_reader_free(OrderReader *reader)
{
    if (!reader)
        return;
    drop_messages(reader);
    kafka_consumer_free(reader->consumer);
    order_batch_free(reader->batch);
    order_parser_free(reader->parser);
    free(reader);
}

static Position *find_position(OrderReader *reader, int32_t partition)
{
    for (size_t i = 0; i < reader->positions_count; i++) {
        if (reader->positions[i].partition == partition)
            return &reader->positions[i];
    }
    return NULL;
}

static bool recorded_offset(const OrderReader *reader, int32_t partition, int64_t *ret_offset, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    PG_RESULT_SCOPED PGresult *row = NULL;
    if (!pg_acquire(reader->options.pool, ACQUIRE_DEADLINE_MS, &connection, err) ||
        !pg_run(connection, &sql_ensure_kafka_offset, PG_PARAMS(pg_text(reader->options.topic), pg_int(partition)),
                &row, err))
        return false;
    *ret_offset = pg_get_int(row, 0, 0);
    return true;
}

static bool start_offset(void *context, int32_t partition, int64_t *ret_offset, Error *err)
{
    OrderReader *reader = context;
    Position *position = find_position(reader, partition);
    if (!position && reader->positions_count == BATCH_PARTITIONS_MAX)
        return error_set(err, ERROR_OVERLOADED, "more than %d partitions: start more ingest processes",
                         BATCH_PARTITIONS_MAX);
    int64_t offset;
    if (!recorded_offset(reader, partition, &offset, err))
        return false;
    if (!position)
        position = &reader->positions[reader->positions_count++];
    *position = (Position){.partition = partition, .next_offset = offset};
    *ret_offset = offset > 0 ? offset : RD_KAFKA_OFFSET_BEGINNING;
    return true;
}

/* What was read of it goes on to the writer: if the new owner was faster, the fence there takes it out. */
static void revoked(void *context, int32_t partition)
{
    OrderReader *reader = context;
    Position *position = find_position(reader, partition);
    if (position)
        *position = reader->positions[--reader->positions_count];
}

static bool open_consumer(OrderReader *reader, Error *err)
{
    const OrderReaderOptions *options = &reader->options;
    if (reader->consumer)
        return true;
    KafkaConsumerOptions consumer = {.brokers = options->brokers,
                                     .topic = options->topic,
                                     .group = options->group,
                                     .queue_limit_kbytes = (size_t)options->queue_limit_kbytes,
                                     .start_offset = start_offset,
                                     .revoked = revoked,
                                     .context = reader};
    return kafka_topic_ensure(options->brokers, options->topic, options->topic_partitions, options->topic_replication,
                              TOPIC_DEADLINE_MS, err) &&
           kafka_consumer_new(&consumer, &reader->consumer, err);
}

static void gather_ends(OrderReader *reader, PartitionEnds *ends)
{
    ends->count = 0;
    for (size_t i = 0; i < reader->positions_count; i++) {
        int32_t partition = reader->positions[i].partition;
        int64_t end_offset = kafka_consumer_end_offset(reader->consumer, partition);
        if (end_offset >= 0)
            ends->items[ends->count++] = (PartitionEnd){.partition = partition, .end_offset = end_offset};
    }
}

static void begin_batch(OrderReader *reader)
{
    reader->batch_closed = false;
    reader->orders_placed = 0;
}

/* Starts over from the offsets in the database. */
static bool restart(OrderReader *reader, Error *err)
{
    drop_messages(reader);
    if (reader->batch)
        order_batch_clear(reader->batch);
    begin_batch(reader);
    PG_SCOPED PgConnection *connection = NULL;
    if (!pg_acquire(reader->options.pool, ACQUIRE_DEADLINE_MS, &connection, err) ||
        !geo_directory_register_area(reader->options.directory, connection, err) ||
        !geo_directory_reload(reader->options.directory, connection, err))
        return false;
    for (size_t i = 0; i < reader->positions_count; i++) {
        Position *position = &reader->positions[i];
        if (!recorded_offset(reader, position->partition, &position->next_offset, err) ||
            !kafka_consumer_seek(reader->consumer, position->partition, position->next_offset, err))
            return false;
    }
    return true;
}

/* The latest time an event may carry. */
static Instant latest_event_time(void)
{
    Instant now = clock_follows_data() ? clock_wall() : clock_now();
    return now + ORDER_FUTURE_MAX_S * INSTANT_PER_SECOND;
}

/* Kafka gives an offset that is recorded already only when the topic was made anew. Its messages are other ones: if
 * they are not, the key tells. */
static bool follow_new_topic(OrderReader *reader, Position *position, int64_t offset, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    if (!pg_acquire(reader->options.pool, ACQUIRE_DEADLINE_MS, &connection, err) ||
        !pg_run(connection, &sql_reset_kafka_offset,
                PG_PARAMS(pg_text(reader->options.topic), pg_int(position->partition), pg_int(offset)), NULL, err))
        return false;
    log_warn("orders.topic_made_anew", log_int("partition", position->partition),
             log_int("recorded_offset", position->next_offset), log_int("offset", offset));
    position->next_offset = offset;
    return true;
}

static bool take_message(OrderReader *reader, const rd_kafka_message_t *message, Instant latest, Error *err)
{
    Position *position = find_position(reader, message->partition);
    if (!position || order_batch_holds(reader->batch, message->partition, message->offset))
        return true;
    if (message->offset < position->next_offset && !follow_new_topic(reader, position, message->offset, err))
        return false;
    RawMessage raw = {.partition = message->partition,
                      .offset = message->offset,
                      .data = message->payload,
                      .length_bytes = message->len};
    order_batch_add(reader->batch, reader->parser, latest, &raw, position->next_offset);
    position->next_offset = message->offset + 1;
    return true;
}

/* Moves polled messages into the batch until it is full. */
static bool take_messages(OrderReader *reader, Error *err)
{
    Instant latest = latest_event_time();
    while (reader->messages_taken < reader->messages_count) {
        rd_kafka_message_t *message = reader->messages[reader->messages_taken];
        bool room = order_batch_has_room(reader->batch, message->len) &&
                    (int64_t)reader->batch->messages_count < reader->options.batch_messages;
        if (!room) {
            reader->batch_closed = true;
            return true;
        }
        if (!take_message(reader, message, latest, err))
            return false;
        rd_kafka_message_destroy(message);
        reader->messages_taken++;
    }
    return true;
}

/* Polls and takes until the batch is closed or there is nothing to read. */
static bool fill_batch(OrderReader *reader, Error *err)
{
    while (!reader->batch_closed && !workers_stopping()) {
        bool begun = reader->batch->messages_count > 0;
        int64_t left_ms = IDLE_POLL_MS;
        if (begun)
            left_ms = reader->batch_begun_ms + reader->options.batch_wait_ms - clock_monotonic_ms();
        if (left_ms <= 0) {
            reader->batch_closed = true;
            break;
        }
        if (reader->messages_taken == reader->messages_count) {
            reader->messages_taken = reader->messages_count = 0;
            bool polled = kafka_consumer_poll(reader->consumer, (int)left_ms, reader->messages, POLL_MESSAGES,
                                              &reader->messages_count, err);
            if (!polled && !begun)
                return false;
            reader->batch_closed = !polled; /* what is there is stored before the failure is looked at */
        }
        if (!begun && reader->messages_count == 0)
            return true;
        if (!begun)
            reader->batch_begun_ms = clock_monotonic_ms();
        if (!take_messages(reader, err))
            return false;
    }
    return true;
}

static bool hand_over(OrderReader *reader, Error *err)
{
    OrderBatch *batch = reader->batch;
    if (!geo_directory_learn(reader->options.directory, err))
        return false;
    for (; reader->orders_placed < batch->orders_count; reader->orders_placed++) {
        if (!geo_directory_place(reader->options.directory, batch, &batch->orders[reader->orders_placed], err))
            return false;
    }
    if (!order_batch_pack(batch, err))
        return false;
    PartitionEnds ends;
    gather_ends(reader, &ends);
    order_pipeline_put_full(reader->options.pipeline, batch, &ends);
    reader->batch = NULL;
    return true;
}

bool order_reader_step(OrderReader *reader, Error *err)
{
    if (!open_consumer(reader, err))
        return false;
    if (order_pipeline_restarted(reader->options.pipeline) && !restart(reader, err)) {
        order_pipeline_restart(reader->options.pipeline); /* not done yet */
        return false;
    }
    if (!reader->batch) {
        reader->batch = order_pipeline_take_empty(reader->options.pipeline, EMPTY_BATCH_WAIT_MS);
        begin_batch(reader);
    }
    if (!reader->batch)
        return true;
    if (!fill_batch(reader, err))
        return false;
    if (reader->batch_closed && reader->batch->messages_count > 0)
        return hand_over(reader, err);
    PartitionEnds ends;
    gather_ends(reader, &ends);
    order_pipeline_put_ends(reader->options.pipeline, &ends);
    return true;
}
