/* What the Kafka consumer and producer share: settings as tables, librdkafka's errors as ours. */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stddef.h>
#include "common/error.h"

typedef struct KafkaSetting {
    const char *name; /* NULL ends the table */
    const char *value;
} KafkaSetting;

/* Without librdkafka's own log: what it says to be wrong comes as errors. */
bool kafka_settings(const KafkaSetting *settings, rd_kafka_conf_t **ret_conf, Error *err) MUST_CHECK;
/* "what: reason" with the code that fits. Always returns false. */
bool kafka_fail(Error *err, rd_kafka_resp_err_t code, const char *what, const char *reason);
