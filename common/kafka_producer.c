#include "common/kafka_producer.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/clock.h"
#include "common/kafka_client.h"

enum {
    POLL_MS = 50,
    REASON_MAX_BYTES = 256,
};

struct KafkaProducer {
    rd_kafka_t *handle;
    char *brokers, *topic;
    atomic_bool unusable; /* librdkafka can't keep its promise of no duplicates and gave up: a new handle is needed */
    atomic_llong acknowledged;
    int64_t failed; /* since the last flush */
    char first_reason[REASON_MAX_BYTES];
};

static void on_delivery(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque)
{
    (void)handle;
    KafkaProducer *producer = opaque;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        atomic_fetch_add_explicit(&producer->acknowledged, 1, memory_order_relaxed);
        return;
    }
    if (producer->failed++ == 0)
        snprintf(producer->first_reason, REASON_MAX_BYTES, "%s", rd_kafka_err2str(message->err));
}

static void on_error(rd_kafka_t *handle, int code, const char *reason, void *opaque)
{
    (void)handle;
    (void)reason;
    KafkaProducer *producer = opaque;
    if (code == RD_KAFKA_RESP_ERR__FATAL)
        atomic_store(&producer->unusable, true);
}

static bool open_handle(KafkaProducer *producer, Error *err)
{
    const KafkaSetting settings[] = {
        {"bootstrap.servers", producer->brokers},
        {"client.id", "rushcast"},
        {"enable.idempotence", "true"}, /* acks=all, in order, no duplicates by retries */
        {"compression.codec", "lz4"},
        {"linger.ms", "5"},
        {"partitioner", "murmur2_random"}, /* as Java's producers do: an order has one partition whoever sends it */
        {"queue.buffering.max.messages", "500000"},
        {"queue.buffering.max.kbytes", "131072"},
        {"message.timeout.ms", "120000"},
        {NULL, NULL},
    };
    rd_kafka_conf_t *conf;
    if (!kafka_settings(settings, &conf, err))
        return false;
    rd_kafka_conf_set_opaque(conf, producer);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_error_cb(conf, on_error);
    char reason[REASON_MAX_BYTES];
    rd_kafka_t *handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    if (handle == NULL) {
        rd_kafka_conf_destroy(conf);
        return error_set(err, ERROR_INVALID_ARGUMENT, "Kafka: %s", reason);
    }
    producer->handle = handle;
    atomic_store(&producer->unusable, false);
    return true;
}

/* What is still queued is given up; its reports come as failures. */
static void close_handle(KafkaProducer *producer)
{
    if (producer->handle == NULL)
        return;
    rd_kafka_purge(producer->handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(producer->handle, POLL_MS);
    rd_kafka_destroy(producer->handle);
    producer->handle = NULL;
}

bool kafka_producer_new(const char *brokers, const char *topic, KafkaProducer **ret_producer, Error *err)
{
    KafkaProducer *producer = calloc(1, sizeof *producer);
    if (producer == NULL || (producer->brokers = strdup(brokers)) == NULL || (producer->topic = strdup(topic)) == NULL)
        abort();
    if (!open_handle(producer, err)) {
        kafka_producer_free(producer);
        return false;
    }
    *ret_producer = producer;
    return true;
}

void kafka_producer_free(KafkaProducer *producer)
{
    if (producer == NULL)
        return;
    close_handle(producer);
    free(producer->topic);
    free(producer->brokers);
    free(producer);
}

bool kafka_produce(KafkaProducer *producer, const void *key, size_t key_length_bytes, const void *value,
                   size_t value_length_bytes, int deadline_ms, Error *err)
{
    if (atomic_load(&producer->unusable))
        close_handle(producer);
    if (producer->handle == NULL && !open_handle(producer, err))
        return false;
    int64_t until_ms = 0;
    for (;;) {
        rd_kafka_resp_err_t code = rd_kafka_producev(producer->handle, RD_KAFKA_V_TOPIC(producer->topic),
                                                     RD_KAFKA_V_KEY(key, key_length_bytes),
                                                     RD_KAFKA_V_VALUE((void *)(uintptr_t)value, value_length_bytes),
                                                     RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            break;
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return kafka_fail(err, code, "can't send", NULL);
        int64_t now_ms = clock_monotonic_ms();
        if (until_ms == 0)
            until_ms = now_ms + deadline_ms;
        if (now_ms >= until_ms)
            return error_set(err, ERROR_UNAVAILABLE,
                             "Kafka: the queue of messages not yet acknowledged stayed full for %d ms", deadline_ms);
        rd_kafka_poll(producer->handle, POLL_MS);
    }
    rd_kafka_poll(producer->handle, 0);
    return true;
}

bool kafka_producer_flush(KafkaProducer *producer, int deadline_ms, Error *err)
{
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (producer->handle != NULL)
        code = rd_kafka_flush(producer->handle, deadline_ms);
    int64_t failed = producer->failed;
    producer->failed = 0;
    if (failed > 0)
        return error_set(err, ERROR_UNAVAILABLE, "Kafka: %lld messages failed, the first with: %s", (long long)failed,
                         producer->first_reason);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return error_set(err, ERROR_DEADLINE, "Kafka: %d messages were not acknowledged within %d ms",
                         rd_kafka_outq_len(producer->handle), deadline_ms);
    return true;
}

int64_t kafka_producer_acknowledged(const KafkaProducer *producer)
{
    return atomic_load_explicit(&producer->acknowledged, memory_order_relaxed);
}
