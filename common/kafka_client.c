#include "common/kafka_client.h"

bool kafka_settings(const KafkaSetting *settings, rd_kafka_conf_t **ret_conf, Error *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char reason[256];
    for (const KafkaSetting *setting = settings; setting->name != NULL; setting++)
        if (rd_kafka_conf_set(conf, setting->name, setting->value, reason, sizeof reason) != RD_KAFKA_CONF_OK) {
            rd_kafka_conf_destroy(conf);
            return error_set(err, ERROR_INVALID_ARGUMENT, "Kafka: %s", reason);
        }
    rd_kafka_conf_set_log_cb(conf, NULL);
    *ret_conf = conf;
    return true;
}

bool kafka_fail(Error *err, rd_kafka_resp_err_t code, const char *what, const char *reason)
{
    ErrorCode ours;
    switch (code) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
        ours = ERROR_TOO_LARGE;
        break;
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
        ours = ERROR_INVALID_ARGUMENT;
        break;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
        ours = ERROR_UPSTREAM;
        break;
    default:
        ours = ERROR_UNAVAILABLE;
    }
    return error_set(err, ours, "Kafka: %s: %s", what, reason != NULL ? reason : rd_kafka_err2str(code));
}
