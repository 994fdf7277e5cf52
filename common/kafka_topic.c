#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>
#include "common/kafka_client.h"
#include "common/kafka_consumer.h"

static bool read_result(rd_kafka_event_t *event, int deadline_ms, Error *err)
{
    if (event == NULL)
        return error_set(err, ERROR_UNAVAILABLE, "Kafka: no answer within %d ms", deadline_ms);
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(err, rd_kafka_event_error(event), "can't create the topic",
                          rd_kafka_event_error_string(event));
    size_t count;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            return kafka_fail(err, code, "can't create the topic", rd_kafka_topic_result_error_string(results[i]));
    }
    return true;
}

static bool create_topic(rd_kafka_t *handle, const char *topic, int partitions, int replication, int deadline_ms,
                         Error *err)
{
    char reason[256];
    rd_kafka_NewTopic_t *wanted = rd_kafka_NewTopic_new(topic, partitions, replication, reason, sizeof reason);
    if (wanted == NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT, "Kafka: %s", reason);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(handle, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(handle);
    bool ok = rd_kafka_AdminOptions_set_request_timeout(options, deadline_ms, reason, sizeof reason) ==
              RD_KAFKA_RESP_ERR_NO_ERROR;
    if (ok) {
        rd_kafka_CreateTopics(handle, &wanted, 1, options, queue);
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, deadline_ms);
        ok = read_result(event, deadline_ms, err);
        if (event != NULL)
            rd_kafka_event_destroy(event);
    } else {
        error_set(err, ERROR_INVALID_ARGUMENT, "Kafka: %s", reason);
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_NewTopic_destroy(wanted);
    return ok;
}

static bool open_client(const char *brokers, rd_kafka_t **ret_handle, Error *err)
{
    const KafkaSetting settings[] = {{"bootstrap.servers", brokers}, {"client.id", "rushcast"}, {NULL, NULL}};
    rd_kafka_conf_t *conf;
    char reason[256];
    if (!kafka_settings(settings, &conf, err))
        return false;
    *ret_handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    if (*ret_handle == NULL) {
        rd_kafka_conf_destroy(conf);
        return error_set(err, ERROR_INVALID_ARGUMENT, "Kafka: %s", reason);
    }
    return true;
}

bool kafka_topic_ensure(const char *brokers, const char *topic, int partitions, int replication, int deadline_ms,
                        Error *err)
{
    rd_kafka_t *handle;
    if (!open_client(brokers, &handle, err))
        return false;
    bool ok = create_topic(handle, topic, partitions, replication, deadline_ms, err);
    rd_kafka_destroy(handle);
    return ok;
}

bool kafka_topic_end(const char *brokers, const char *topic, int partitions, int deadline_ms, int64_t *ret_end,
                     Error *err)
{
    rd_kafka_t *handle;
    int64_t end = 0;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (!open_client(brokers, &handle, err))
        return false;
    for (int32_t partition = 0; partition < partitions && code == RD_KAFKA_RESP_ERR_NO_ERROR; partition++) {
        int64_t low = 0, high = 0;
        code = rd_kafka_query_watermark_offsets(handle, topic, partition, &low, &high, deadline_ms);
        end += high;
    }
    rd_kafka_destroy(handle);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(err, code, "can't ask for the end of the topic", rd_kafka_err2str(code));
    *ret_end = end;
    return true;
}

static const char *find_entry(const rd_kafka_ConfigResource_t *resource, const char *name)
{
    size_t count;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), name) == 0)
            return rd_kafka_ConfigEntry_value(entries[i]);
    }
    return NULL;
}

static bool read_retention(rd_kafka_event_t *event, int deadline_ms, int64_t *ret_retention_ms, Error *err)
{
    if (event == NULL)
        return error_set(err, ERROR_UNAVAILABLE, "Kafka: no answer within %d ms", deadline_ms);
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(err, code, "can't read the topic's settings", rd_kafka_event_error_string(event));
    size_t count;
    const rd_kafka_ConfigResource_t **resources =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &count);
    code = count == 1 ? rd_kafka_ConfigResource_error(resources[0]) : RD_KAFKA_RESP_ERR_UNKNOWN;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(err, code, "can't read the topic's settings", rd_kafka_err2str(code));
    const char *retention = find_entry(resources[0], "retention.ms");
    if (retention == NULL)
        return error_set(err, ERROR_UPSTREAM, "Kafka: the topic has no retention.ms");
    *ret_retention_ms = strtoll(retention, NULL, 10);
    return true;
}

bool kafka_topic_retention(const char *brokers, const char *topic, int deadline_ms, int64_t *ret_retention_ms,
                           Error *err)
{
    rd_kafka_t *handle;
    char reason[256];
    if (!open_client(brokers, &handle, err))
        return false;
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(handle, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(handle);
    bool ok = rd_kafka_AdminOptions_set_request_timeout(options, deadline_ms, reason, sizeof reason) ==
              RD_KAFKA_RESP_ERR_NO_ERROR;
    if (ok) {
        rd_kafka_DescribeConfigs(handle, &resource, 1, options, queue);
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, deadline_ms);
        ok = read_retention(event, deadline_ms, ret_retention_ms, err);
        if (event != NULL)
            rd_kafka_event_destroy(event);
    } else {
        error_set(err, ERROR_INVALID_ARGUMENT, "Kafka: %s", reason);
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy(resource);
    rd_kafka_destroy(handle);
    return ok;
}
