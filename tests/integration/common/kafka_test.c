#include "common/kafka_consumer.h"
#include "common/kafka_producer.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "common/clock.h"
#include "tests/integration/support/test_servers.h"

enum { PARTITIONS = 4, BATCH = 5000, WAIT_MS = 30000 };

static char topic[64], group[80];
static const char *brokers;
static Error err;

#define OK(call) cr_assert((call), "%s", err.message)

static void set_up(void)
{
    brokers = test_server("RUSHCAST_TEST_KAFKA");
    snprintf(topic, sizeof topic, "test.%d.%lld", (int)getpid(), (long long)clock_wall());
    snprintf(group, sizeof group, "group.%s", topic);
    OK(kafka_topic_ensure(brokers, topic, PARTITIONS, 1, 10000, &err));
}

TestSuite(kafka, .init = set_up, .timeout = 120);

/* Where a test keeps its offsets, as a service does in its database. */
typedef struct Reader {
    KafkaConsumer *consumer;
    int64_t offsets[PARTITIONS];
    int64_t seen[PARTITIONS];
    int refusals; /* start_offset fails this often */
    int assigned, revoked;
} Reader;

static bool start_offset(void *context, int32_t partition, int64_t *ret_offset, Error *start_err)
{
    Reader *reader = context;
    if (reader->refusals > 0) {
        reader->refusals--;
        return error_set(start_err, ERROR_UNAVAILABLE, "the database is away");
    }
    reader->assigned++;
    *ret_offset = reader->offsets[partition];
    return true;
}

static void revoked(void *context, int32_t partition)
{
    Reader *reader = context;
    (void)partition;
    reader->revoked++;
}

static void reader_open(Reader *reader)
{
    for (int i = 0; i < PARTITIONS; i++)
        reader->offsets[i] = RD_KAFKA_OFFSET_BEGINNING;
    OK(kafka_consumer_new(&(KafkaConsumerOptions){.brokers = brokers,
                                                  .topic = topic,
                                                  .group = group,
                                                  .queue_limit_kbytes = 65536,
                                                  .start_offset = start_offset,
                                                  .revoked = revoked,
                                                  .context = reader},
                          &reader->consumer, &err));
}

/* Reads a batch and checks that no offset is left out. */
static size_t reader_read(Reader *reader, int timeout_ms)
{
    static rd_kafka_message_t *messages[BATCH];
    size_t count;
    OK(kafka_consumer_poll(reader->consumer, timeout_ms, messages, BATCH, &count, &err));
    for (size_t i = 0; i < count; i++) {
        int64_t *next = &reader->offsets[messages[i]->partition];
        cr_assert(*next < 0 || messages[i]->offset == *next, "partition %d: offset %ld instead of %ld",
                  messages[i]->partition, messages[i]->offset, *next);
        *next = messages[i]->offset + 1;
        reader->seen[messages[i]->partition]++;
        rd_kafka_message_destroy(messages[i]);
    }
    return count;
}

static int64_t sum(const int64_t values[PARTITIONS])
{
    int64_t total = 0;
    for (int i = 0; i < PARTITIONS; i++)
        total += values[i];
    return total;
}

static void produce_numbers(int from, int to)
{
    KafkaProducer *producer;
    OK(kafka_producer_new(brokers, topic, &producer, &err));
    for (int i = from; i < to; i++) {
        char key[32], value[200];
        int key_length = snprintf(key, sizeof key, "order-%d", i);
        int value_length = snprintf(value, sizeof value, "{\"order_id\": %d, \"padding\": \"%0100d\"}", i, i);
        OK(kafka_produce(producer, key, (size_t)key_length, value, (size_t)value_length, 10000, &err));
    }
    OK(kafka_producer_flush(producer, WAIT_MS, &err));
    cr_assert_eq(kafka_producer_acknowledged(producer), to - from);
    kafka_producer_free(producer);
}

static void read_until(Reader *reader, int64_t total)
{
    int64_t until_ms = clock_monotonic_ms() + WAIT_MS;
    while (sum(reader->seen) < total && clock_monotonic_ms() < until_ms)
        reader_read(reader, 100);
    cr_assert_eq(sum(reader->seen), total);
}

Test(kafka, a_topic_is_made_once)
{
    OK(kafka_topic_ensure(brokers, topic, PARTITIONS, 1, 10000, &err));
    cr_assert_not(kafka_topic_ensure(brokers, "not a name", PARTITIONS, 1, 10000, &err));
    cr_assert_eq(err.code, ERROR_INVALID_ARGUMENT, "%s", err.message);
    cr_assert_not(kafka_topic_ensure(brokers, "too-many-copies", 1, 9, 10000, &err));
    cr_assert_eq(err.code, ERROR_INVALID_ARGUMENT, "%s", err.message);
}

Test(kafka, everything_in_order_and_again_from_any_offset)
{
    enum { TOTAL = 60000 };
    Reader reader = {0};
    produce_numbers(0, TOTAL);
    reader_open(&reader);
    read_until(&reader, TOTAL);
    for (int i = 0; i < PARTITIONS; i++) {
        cr_assert_eq(reader.seen[i], reader.offsets[i]);
        cr_assert_eq(kafka_consumer_end_offset(reader.consumer, i), reader.offsets[i]);
    }
    cr_assert_eq(kafka_consumer_end_offset(reader.consumer, PARTITIONS), -1);
    /* Going back again and again in the midst of reading never leaves anything out. */
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < PARTITIONS; i++) {
            int64_t back_to = round * 100 + i;
            reader.seen[i] = reader.offsets[i] = back_to;
            OK(kafka_consumer_seek(reader.consumer, i, back_to, &err));
        }
        for (int reads = 0; reads < round % 4; reads++)
            reader_read(&reader, 20);
    }
    read_until(&reader, TOTAL);
    kafka_consumer_free(reader.consumer);
}

Test(kafka, a_second_reader_takes_over_from_the_offsets_kept)
{
    Reader first = {0}, second = {0};
    produce_numbers(0, 5000);
    reader_open(&first);
    read_until(&first, 5000);
    cr_assert_eq(first.assigned, PARTITIONS);
    reader_open(&second);
    memcpy(second.offsets, first.offsets, sizeof first.offsets);
    int64_t until_ms = clock_monotonic_ms() + WAIT_MS;
    while ((second.assigned == 0 || first.assigned < PARTITIONS + 2) && clock_monotonic_ms() < until_ms) {
        reader_read(&first, 50);
        reader_read(&second, 50);
    }
    cr_assert_eq(second.assigned, PARTITIONS / 2);
    cr_assert_eq(first.revoked, PARTITIONS);
    cr_assert_eq(first.assigned, PARTITIONS + PARTITIONS / 2);
    produce_numbers(5000, 9000);
    while (sum(first.seen) + sum(second.seen) < 9000 && clock_monotonic_ms() < until_ms) {
        reader_read(&first, 50);
        reader_read(&second, 50);
    }
    cr_assert_eq(sum(first.seen) + sum(second.seen), 9000);
    cr_assert_gt(sum(second.seen), 0);
    for (int i = 0; i < PARTITIONS; i++) /* what the other had read in its partitions */
        if (first.offsets[i] < second.offsets[i])
            first.offsets[i] = second.offsets[i];
    kafka_consumer_free(second.consumer);
    produce_numbers(9000, 10000);
    int64_t before = sum(first.seen);
    while (sum(first.seen) < before + 1000 && clock_monotonic_ms() < until_ms)
        reader_read(&first, 50);
    cr_assert_eq(sum(first.seen), before + 1000);
    kafka_consumer_free(first.consumer);
}

Test(kafka, nothing_is_read_before_the_start_is_known)
{
    Reader reader = {.refusals = 3};
    produce_numbers(0, 100);
    reader_open(&reader);
    int failures = 0;
    int64_t until_ms = clock_monotonic_ms() + WAIT_MS;
    while (sum(reader.seen) < 100 && clock_monotonic_ms() < until_ms) {
        rd_kafka_message_t *messages[1];
        size_t count = 0;
        if (reader.refusals == 0) {
            reader_read(&reader, 100);
        } else if (!kafka_consumer_poll(reader.consumer, 100, messages, 1, &count, &err)) {
            cr_assert_str_eq(err.message, "the database is away");
            failures++;
        }
        cr_assert_eq(count, 0);
    }
    cr_assert_eq(failures, 3);
    cr_assert_eq(sum(reader.seen), 100);
    kafka_consumer_free(reader.consumer);
}

/* Aborted transactions are not read, and their offsets do not look like something still to come. */
Test(kafka, transactions)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    cr_assert_eq(rd_kafka_conf_set(conf, "bootstrap.servers", brokers, NULL, 0), RD_KAFKA_CONF_OK);
    cr_assert_eq(rd_kafka_conf_set(conf, "transactional.id", topic, NULL, 0), RD_KAFKA_CONF_OK);
    rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
    cr_assert_null(rd_kafka_init_transactions(producer, WAIT_MS));
    for (int round = 0; round < 3; round++) {
        cr_assert_null(rd_kafka_begin_transaction(producer));
        for (int i = 0; i < 10; i++)
            cr_assert_eq(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(1),
                                           RD_KAFKA_V_VALUE((void *)(uintptr_t)(round == 1 ? "no" : "ok"), 2),
                                           RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
                         RD_KAFKA_RESP_ERR_NO_ERROR);
        if (round == 1) {
            cr_assert_eq(rd_kafka_flush(producer, WAIT_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
            cr_assert_null(rd_kafka_abort_transaction(producer, WAIT_MS));
        } else {
            cr_assert_null(rd_kafka_commit_transaction(producer, WAIT_MS));
        }
    }
    rd_kafka_destroy(producer);
    Reader reader = {0};
    reader_open(&reader);
    int64_t until_ms = clock_monotonic_ms() + WAIT_MS, total = 0, next = 0;
    while ((total < 20 || !kafka_consumer_caught_up(reader.consumer, 1)) && clock_monotonic_ms() < until_ms) {
        rd_kafka_message_t *messages[100];
        size_t count;
        OK(kafka_consumer_poll(reader.consumer, 100, messages, 100, &count, &err));
        for (size_t i = 0; i < count; i++) {
            cr_assert_eq(memcmp(messages[i]->payload, "ok", 2), 0);
            next = messages[i]->offset + 1;
            rd_kafka_message_destroy(messages[i]);
        }
        total += (int64_t)count;
    }
    cr_assert_eq(total, 20);
    cr_assert(kafka_consumer_caught_up(reader.consumer, 1));
    cr_assert_eq(kafka_consumer_end_offset(reader.consumer, 1), next);
    cr_assert_eq(kafka_consumer_end_offset(reader.consumer, 0), 0);
    kafka_consumer_free(reader.consumer);
}

Test(kafka, lost_offsets_are_told_and_reading_goes_on)
{
    Reader reader = {0};
    produce_numbers(0, 400);
    reader_open(&reader);
    for (int i = 0; i < PARTITIONS; i++)
        reader.offsets[i] = 1000000;
    rd_kafka_message_t *messages[BATCH];
    int64_t until_ms = clock_monotonic_ms() + WAIT_MS;
    int64_t total = 0;
    int told = 0;
    while (total < 400 && clock_monotonic_ms() < until_ms) {
        size_t count = 0;
        if (!kafka_consumer_poll(reader.consumer, 100, messages, BATCH, &count, &err)) {
            cr_assert_eq(err.code, ERROR_UPSTREAM, "%s", err.message);
            told++;
        }
        for (size_t i = 0; i < count; i++)
            rd_kafka_message_destroy(messages[i]);
        total += (int64_t)count;
    }
    cr_assert_eq(total, 400);
    cr_assert(told > 0 && told <= PARTITIONS);
    kafka_consumer_free(reader.consumer);
}

Test(kafka, no_broker)
{
    Reader reader = {0};
    const char *there = brokers;
    brokers = "127.0.0.1:1";
    reader_open(&reader);
    int failures = 0;
    for (int64_t until_ms = clock_monotonic_ms() + 15000; failures < 2 && clock_monotonic_ms() < until_ms;) {
        rd_kafka_message_t *messages[1];
        size_t count;
        if (kafka_consumer_poll(reader.consumer, 100, messages, 1, &count, &err))
            continue;
        failures++;
        cr_assert_eq(err.code, ERROR_UNAVAILABLE, "%s", err.message);
    }
    cr_assert_eq(failures, 2);
    kafka_consumer_free(reader.consumer);
    cr_assert_not(kafka_topic_ensure(brokers, topic, 1, 1, 1000, &err));
    cr_assert_eq(err.code, ERROR_UNAVAILABLE, "%s", err.message);
    KafkaProducer *producer;
    OK(kafka_producer_new(brokers, topic, &producer, &err));
    OK(kafka_produce(producer, "k", 1, "v", 1, 1000, &err));
    cr_assert_not(kafka_producer_flush(producer, 500, &err));
    cr_assert_eq(err.code, ERROR_DEADLINE, "%s", err.message);
    kafka_producer_free(producer);
    brokers = there;
}

Test(kafka, a_topic_that_is_not_there)
{
    Reader reader = {0};
    snprintf(topic, sizeof topic, "missing.%d", (int)getpid());
    reader_open(&reader);
    bool failed = false;
    for (int64_t until_ms = clock_monotonic_ms() + WAIT_MS; !failed && clock_monotonic_ms() < until_ms;) {
        rd_kafka_message_t *messages[1];
        size_t count;
        failed = !kafka_consumer_poll(reader.consumer, 100, messages, 1, &count, &err);
    }
    cr_assert(failed && error_is_transient(&err) && strstr(err.message, topic) != NULL, "%s", err.message);
    kafka_consumer_free(reader.consumer);
}

Test(kafka, a_message_that_is_too_large)
{
    KafkaProducer *producer;
    size_t length_bytes = 8 << 20;
    char *large = calloc(1, length_bytes);
    OK(kafka_producer_new(brokers, topic, &producer, &err));
    cr_assert_not(kafka_produce(producer, "k", 1, large, length_bytes, 1000, &err));
    cr_assert_eq(err.code, ERROR_TOO_LARGE, "%s", err.message);
    OK(kafka_produce(producer, NULL, 0, "v", 1, 1000, &err));
    OK(kafka_producer_flush(producer, 10000, &err));
    kafka_producer_free(producer);
    free(large);
}
