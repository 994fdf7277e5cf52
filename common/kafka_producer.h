/* Idempotent producer (acks=all) for `POST /events`, replay and simulation. One thread at a time: a flush speaks of
 * everything that was queued. The partition follows from the key as with Java's producers (murmur2). */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "common/error.h"

typedef struct KafkaProducer KafkaProducer;

bool kafka_producer_new(const char *brokers, const char *topic, KafkaProducer **ret_producer, Error *err) MUST_CHECK;
void kafka_producer_free(KafkaProducer *producer);
/* Queues a message (copied; key NULL: any partition); when the local queue (500,000 messages, 128 MiB) is full, waits
 * up to deadline_ms. TOO_LARGE for a message above the broker's limit, UNAVAILABLE when the queue stays full. */
bool kafka_produce(KafkaProducer *producer, const void *key, size_t key_length_bytes, const void *value,
                   size_t value_length_bytes, int deadline_ms, Error *err) MUST_CHECK;
/* Waits until all queued messages are acknowledged. The error names how many failed since the last flush and the first
 * reason; DEADLINE when some are still on their way (they may arrive yet; a message is given up after two minutes). */
bool kafka_producer_flush(KafkaProducer *producer, int deadline_ms, Error *err) MUST_CHECK;
int64_t kafka_producer_acknowledged(const KafkaProducer *producer);
