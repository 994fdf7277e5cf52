/* Reads a topic in a group, with the offsets kept by the caller (in the transaction of the rows they brought), never
 * by Kafka. When partitions are assigned, the caller says where each begins. */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stddef.h>
#include <stdint.h>
#include "common/error.h"

typedef struct KafkaConsumer KafkaConsumer;

typedef struct KafkaConsumerOptions {
    const char *brokers;
    const char *topic;
    const char *group;
    /* Of messages fetched ahead. Should hold more than a second's reading: librdkafka stops fetching for a second when
     * it is full (262,144 reads three times as fast as 65,536 under load). */
    size_t queue_limit_kbytes;
    /* First offset to read of a newly assigned partition (RD_KAFKA_OFFSET_BEGINNING if none is known). Called from
     * kafka_consumer_poll(). */
    bool (*start_offset)(void *context, int32_t partition, int64_t *ret_offset, Error *err);
    /* The partition now belongs to another consumer: forget what was read of it and not committed. May be NULL. */
    void (*revoked)(void *context, int32_t partition);
    void *context;
} KafkaConsumerOptions;

/* Does not wait for the broker. */
bool kafka_consumer_new(const KafkaConsumerOptions *options, KafkaConsumer **ret_consumer, Error *err) MUST_CHECK;
/* Leaves the group and frees. Accepts NULL. */
void kafka_consumer_free(KafkaConsumer *consumer);
/* Up to `limit` messages, as many as come within timeout_ms; *ret_count may be 0. The caller destroys them
 * (rd_kafka_message_destroy). A batch never holds messages of a partition that was revoked. UNAVAILABLE when no broker
 * can be reached or the topic is not there (retry later; librdkafka reconnects by itself); UPSTREAM, once, when the
 * offset to read from is gone: the next call goes on with the earliest there is. One thread at a time, and at least
 * once in five minutes, else the group goes on without us. */
bool kafka_consumer_poll(KafkaConsumer *consumer, int timeout_ms, rd_kafka_message_t **messages, size_t limit,
                         size_t *ret_count, Error *err) MUST_CHECK;
/* Reads the partition again from that offset (after a failed transaction), from the next poll on; what was returned and
 * not committed is to be forgotten. Does nothing to a partition that is no longer ours. */
bool kafka_consumer_seek(KafkaConsumer *consumer, int32_t partition, int64_t offset, Error *err) MUST_CHECK;
/* Which offsets from `from` on, where the partition was to be read on, and before the message returned instead, are
 * lost: those before *ret_until (`from`: none). Offsets without a message that the broker still covers (transactions,
 * compaction) are not. Asks the broker only about the first message after an offset that was gone. */
bool kafka_consumer_lost(KafkaConsumer *consumer, const rd_kafka_message_t *message, int64_t from, int deadline_ms,
                         int64_t *ret_until, Error *err) MUST_CHECK;
/* Last known end of the partition: the next offset to be written, or, when all that can be read was returned, the
 * offset after the last message returned (transactions leave offsets without a message). -1 when unknown or not ours.
 * Does not block; from any thread. */
int64_t kafka_consumer_end_offset(KafkaConsumer *consumer, int32_t partition);
/* Whether all that the partition is known to hold was returned by kafka_consumer_poll(). From any thread. */
bool kafka_consumer_caught_up(KafkaConsumer *consumer, int32_t partition);

/* Creates the topic unless it is there. */
bool kafka_topic_ensure(const char *brokers, const char *topic, int partitions, int replication, int deadline_ms,
                        Error *err) MUST_CHECK;
/* Sum of the next offsets of the partitions, as the broker knows them now. */
bool kafka_topic_end(const char *brokers, const char *topic, int partitions, int deadline_ms, int64_t *ret_end,
                     Error *err) MUST_CHECK;
/* How long the topic keeps messages, as the broker says; -1: for ever. */
bool kafka_topic_retention(const char *brokers, const char *topic, int deadline_ms, int64_t *ret_retention_ms,
                           Error *err) MUST_CHECK;
