/* Idempotent producer (acks=all) for `POST /events`, replay and simulation. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "common/error.h"

typedef struct KafkaProducer KafkaProducer;

bool kafka_producer_new(const char *brokers, const char *topic, KafkaProducer **ret_producer, Error *err) MUST_CHECK;
void kafka_producer_free(KafkaProducer *producer);
/* Queues a message (copied); when the local queue is full, waits up to deadline_ms. */
bool kafka_produce(KafkaProducer *producer, const void *key, size_t key_length_bytes, const void *value,
                   size_t value_length_bytes, int deadline_ms, Error *err) MUST_CHECK;
/* Waits until all queued messages are acknowledged. The error names how many failed and the first reason. */
bool kafka_producer_flush(KafkaProducer *producer, int deadline_ms, Error *err) MUST_CHECK;
int64_t kafka_producer_acknowledged(const KafkaProducer *producer);
