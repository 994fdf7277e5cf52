#include <criterion/criterion.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "common/clock.h"
#include "common/kafka_producer.h"
#include "services/ingest/orders/order_reader.h"
#include "services/ingest/orders/order_writer.h"
#include "tests/integration/services/ingest/ingest_database.h"
#include "tests/integration/support/test_servers.h"

enum { PARTITIONS = 4, DEADLINE_MS = 60000, STEPS_MAX = 5 };

static char topic[64];
static OrderPipeline *pipeline;
static OrderStore *store;
static OrderReader *reader;
static OrderWriter *writer;
static int demand_changes;

static void count_change(void *context)
{
    (*(int *)context)++;
}

static void open_stream(void)
{
    pipeline = order_pipeline_new();
    store = order_store_new(&(OrderStoreOptions){.pool = ingest_database.pool,
                                                 .topic = topic,
                                                 .window_capacity = TEST_WINDOW_EVENTS,
                                                 .privacy = ingest_database.privacy});
    reader = order_reader_new(&(OrderReaderOptions){.brokers = test_server("RUSHCAST_TEST_KAFKA"),
                                                    .topic = topic,
                                                    .group = topic,
                                                    .topic_partitions = PARTITIONS,
                                                    .topic_replication = 1,
                                                    .batch_messages = 500,
                                                    .batch_wait_ms = 50,
                                                    .queue_limit_kbytes = 8192,
                                                    .pool = ingest_database.pool,
                                                    .directory = ingest_database.directory,
                                                    .pipeline = pipeline,
                                                    .privacy = ingest_database.privacy});
    writer = order_writer_new(&(OrderWriterOptions){
        .pipeline = pipeline, .store = store, .demand_changed = count_change, .context = &demand_changes});
}

static void close_stream(void)
{
    order_writer_free(writer);
    order_reader_free(reader);
    order_store_free(store);
    order_pipeline_free(pipeline);
}

static void begin(void)
{
    ingest_database_begin();
    snprintf(topic, sizeof topic, "orders.test.%d.%lld", (int)getpid(), (long long)clock_wall());
    open_stream();
}

static void end(void)
{
    close_stream();
    ingest_database_end();
}

TestSuite(order_stream, .init = begin, .fini = end, .timeout = 120);

/* Orders `first` to `first + count`, each sent `times` times. */
static void produce(int first, int count, int times)
{
    Error err;
    KafkaProducer *producer;
    cr_assert(kafka_producer_new(test_server("RUSHCAST_TEST_KAFKA"), topic, &producer, &err), "%s", err.message);
    for (int i = 0; i < count * times; i++) {
        char id[32], at[32];
        snprintf(id, sizeof id, "o%d", first + i % count);
        snprintf(at, sizeof at, "2026-06-%02dT10:15:00Z", 1 + i % count % 28);
        const char *json = ingest_order_json(id, id, at);
        cr_assert(kafka_produce(producer, id, strlen(id), json, strlen(json), 5000, &err), "%s", err.message);
    }
    cr_assert(kafka_producer_flush(producer, 30000, &err), "%s", err.message);
    kafka_producer_free(producer);
}

static int64_t messages_recorded(void)
{
    return ingest_database_number("SELECT coalesce(sum(next_offset), 0) FROM raw.kafka_offset WHERE topic = '%s'",
                                  topic);
}

/* Reads and stores until so many messages are recorded. */
static void run_until(int64_t messages)
{
    int64_t deadline_ms = clock_monotonic_ms() + DEADLINE_MS;
    Error err = {0};
    while (messages_recorded() < messages) {
        cr_assert_lt(clock_monotonic_ms(), deadline_ms, "%s", err.message);
        (void)!order_reader_step(reader, &err);
        (void)!order_writer_step(writer, &err);
    }
}

static void check(int orders)
{
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM core.order_event"), orders);
    cr_assert_eq(ingest_database_number("SELECT sum(orders) FROM core.demand_hourly"), orders);
    cr_assert_eq(ingest_database_number("SELECT orders FROM core.watermark"), orders);
}

Test(order_stream, counts_what_was_produced_once)
{
    Error err;
    cr_assert(order_reader_step(reader, &err), "%s", err.message);
    produce(0, 1500, 2);
    run_until(3000);
    check(1500);
    cr_assert_gt(demand_changes, 0);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.duplicate_event"), 1500);
}

Test(order_stream, goes_on_after_a_restart_where_the_database_is)
{
    Error err;
    cr_assert(order_reader_step(reader, &err), "%s", err.message);
    produce(0, 1000, 1);
    run_until(200);
    close_stream();
    open_stream();
    produce(1000, 500, 1);
    run_until(1500);
    check(1500);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.duplicate_event"), 0);
    cr_assert_eq(ingest_database_number("SELECT sum(messages) FROM raw.batch"), 1500);
}

Test(order_stream, reads_again_when_the_database_went_back)
{
    Error err;
    cr_assert(order_reader_step(reader, &err), "%s", err.message);
    produce(0, 300, 1);
    run_until(300);
    cr_assert_eq(ingest_database_number("WITH back AS (UPDATE raw.kafka_offset SET next_offset = 0 WHERE topic = '%s'"
                                        " RETURNING 1) SELECT count(*) FROM back",
                                        topic),
                 PARTITIONS);
    produce(300, 100, 1);
    run_until(400);
    check(400);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.duplicate_event"), 300);
}

Test(order_stream, the_watermark_follows)
{
    Error err;
    cr_assert(order_reader_step(reader, &err), "%s", err.message);
    produce(0, 28, 1);
    run_until(28);
    for (int i = 0; i < STEPS_MAX; i++) {
        (void)!order_reader_step(reader, &err);
        (void)!order_writer_step(writer, &err);
    }
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM core.watermark WHERE"
                                        " watermark_at = '2026-06-28T10:15:00Z'"),
                 1);
}

Test(order_stream, reads_a_topic_that_was_made_anew)
{
    Error err;
    cr_assert(order_reader_step(reader, &err), "%s", err.message);
    cr_assert_eq(ingest_database_number("WITH old AS (UPDATE raw.kafka_offset SET next_offset = 1000000"
                                        " WHERE topic = '%s' RETURNING 1) SELECT count(*) FROM old",
                                        topic),
                 PARTITIONS);
    close_stream();
    open_stream();
    produce(0, 200, 1);
    int64_t deadline_ms = clock_monotonic_ms() + DEADLINE_MS;
    while (messages_recorded() != 200) {
        cr_assert_lt(clock_monotonic_ms(), deadline_ms, "%s", err.message);
        (void)!order_reader_step(reader, &err);
        (void)!order_writer_step(writer, &err);
    }
    check(200);
}

/* As retention does. */
static void delete_from_kafka(int32_t partition, int64_t before)
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", test_server("RUSHCAST_TEST_KAFKA"), reason, sizeof reason);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    cr_assert(client, "%s", reason);
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(offsets, topic, partition)->offset = before;
    rd_kafka_DeleteRecords_t *delete = rd_kafka_DeleteRecords_new(offsets);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_DeleteRecords(client, &delete, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 30000);
    cr_assert(event && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR, "%s",
              rd_kafka_event_error_string(event));
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_DeleteRecords_destroy(delete);
    rd_kafka_topic_partition_list_destroy(offsets);
    rd_kafka_destroy(client);
}

static int64_t recorded_of(int32_t partition)
{
    return ingest_database_number("SELECT next_offset FROM raw.kafka_offset WHERE topic = '%s' AND partition = %d",
                                  topic, (int)partition);
}

Test(order_stream, what_kafka_no_longer_has_is_a_gap)
{
    Error err = {0};
    cr_assert(order_reader_step(reader, &err), "%s", err.message);
    produce(0, 400, 1);
    run_until(400);
    close_stream();
    int64_t read[2] = {recorded_of(0), recorded_of(1)};
    produce(400, 400, 1);
    delete_from_kafka(0, read[0] + 20);
    delete_from_kafka(1, read[1]); /* all that is lost was read */
    open_stream();
    run_until(800);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.stream_gap"), 1);
    cr_assert_eq(
        ingest_database_number("SELECT count(*) FROM raw.stream_gap g JOIN raw.batch b USING (batch_id)"
                               " WHERE g.topic = '%s' AND g.partition = 0 AND from_offset = %lld"
                               " AND to_offset = %lld AND from_event_at IS NOT NULL AND to_event_at IS NOT NULL"
                               " AND b.first_offsets[array_position(b.partitions, 0)] = to_offset",
                               topic, (long long)read[0], (long long)read[0] + 20),
        1);
    check(780);
}

/* Each transaction leaves an offset without a message at its end. */
static void produce_in_transactions(int first, int count)
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", test_server("RUSHCAST_TEST_KAFKA"), reason, sizeof reason);
    rd_kafka_conf_set(conf, "transactional.id", topic, reason, sizeof reason);
    rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    cr_assert(producer, "%s", reason);
    cr_assert_null(rd_kafka_init_transactions(producer, 30000));
    for (int i = 0; i < count; i++) {
        char id[32];
        snprintf(id, sizeof id, "o%d", first + i);
        const char *json = ingest_order_json(id, id, "2026-06-28T10:15:00Z");
        cr_assert_null(rd_kafka_begin_transaction(producer));
        cr_assert_eq(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
                                       RD_KAFKA_V_VALUE((void *)(uintptr_t)json, strlen(json)),
                                       RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
        cr_assert_null(i % 3 == 0 ? rd_kafka_abort_transaction(producer, 30000)
                                  : rd_kafka_commit_transaction(producer, 30000));
    }
    rd_kafka_destroy(producer);
}

Test(order_stream, offsets_without_a_message_are_no_gap)
{
    Error err = {0};
    cr_assert(order_reader_step(reader, &err), "%s", err.message);
    produce_in_transactions(0, 9); /* the first is an aborted one: the partition's first message is not at its begin */
    int64_t deadline_ms = clock_monotonic_ms() + DEADLINE_MS;
    while (ingest_database_number("SELECT count(*) FROM core.order_event") < 6) {
        cr_assert_lt(clock_monotonic_ms(), deadline_ms, "%s", err.message);
        (void)!order_reader_step(reader, &err);
        (void)!order_writer_step(writer, &err);
    }
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.stream_gap"), 0);
    check(6);
}

static void check_unknown_fields(int64_t times)
{
    cr_assert_eq(ingest_database_number("SELECT coalesce(sum(times), 0) FROM raw.schema_drift WHERE source = 'orders'"
                                        " AND stream = '%s' AND path = 'tip' AND kind = 'unknown_field'",
                                        topic),
                 times);
}

Test(order_stream, reports_fields_that_nobody_expects)
{
    Error err = {0};
    KafkaProducer *producer;
    cr_assert(order_reader_step(reader, &err), "%s", err.message);
    cr_assert(kafka_producer_new(test_server("RUSHCAST_TEST_KAFKA"), topic, &producer, &err), "%s", err.message);
    for (int i = 0; i < 10; i++) {
        char json[512];
        snprintf(json, sizeof json,
                 "{\"event_id\":\"e%d\",\"event_type\":\"order_created\",\"order_id\":\"o%d\",\"tip\":%d,"
                 "\"occurred_at\":\"2026-06-01T10:15:00Z\",\"location\":{\"lat\":-32.9,\"lon\":-60.6}}",
                 i, i, i);
        cr_assert(kafka_produce(producer, "k", 1, json, strlen(json), 5000, &err), "%s", err.message);
    }
    cr_assert(kafka_producer_flush(producer, 30000, &err), "%s", err.message);
    kafka_producer_free(producer);
    run_until(10);
    int64_t deadline_ms = clock_monotonic_ms() + DEADLINE_MS;
    while (ingest_database_number("SELECT count(*) FROM raw.schema_drift") == 0) {
        cr_assert_lt(clock_monotonic_ms(), deadline_ms, "%s", err.message);
        (void)!order_reader_step(reader, &err);
    }
    check_unknown_fields(10);
}
