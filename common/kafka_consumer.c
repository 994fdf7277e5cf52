#include "common/kafka_consumer.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/kafka_client.h"

enum {
    PARTITIONS_MAX = 1024,
    CHANGES_MAX = 8, /* of the assignment, not yet carried out */
    ALIVE_TIMEOUT_MS = 1000,
    REASON_MAX_BYTES = 256,
};

/* A rebalance that librdkafka told of and waits for. It is carried out only when the batch in whose midst it came is
 * complete: so a batch never mixes what was read before and after it. */
typedef struct Change {
    bool assigned; /* else revoked */
    rd_kafka_topic_partition_list_t *partitions;
} Change;

typedef struct Partition {
    atomic_bool owned;
    atomic_llong next; /* offset after the last one returned, or where reading begins */
    atomic_llong end;  /* where the broker said that there was no more; -1: not yet */
    int64_t seek_to;   /* -1: nowhere */
} Partition;

struct KafkaConsumer {
    KafkaConsumerOptions options;
    char *topic;
    rd_kafka_t *handle;
    rd_kafka_queue_t *queue;
    bool closing;
    bool down; /* all brokers were */
    bool seeks_wanted;
    char reason[REASON_MAX_BYTES]; /* of the last error that librdkafka told of */
    Error later;                   /* to be returned when there are no messages */
    size_t changes_count;
    Change changes[CHANGES_MAX];
    Partition partitions[PARTITIONS_MAX];
};

static void on_rebalance(rd_kafka_t *handle, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *partitions,
                         void *opaque)
{
    KafkaConsumer *consumer = opaque;
    if (consumer->closing) {
        rd_kafka_assign(handle, NULL);
        return;
    }
    assert(consumer->changes_count < CHANGES_MAX);
    consumer->changes[consumer->changes_count++] = (Change){
        .assigned = code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS,
        .partitions = rd_kafka_topic_partition_list_copy(partitions),
    };
    rd_kafka_yield(handle);
}

static void on_error(rd_kafka_t *handle, int code, const char *reason, void *opaque)
{
    (void)handle;
    KafkaConsumer *consumer = opaque;
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        consumer->down = true;
    else
        snprintf(consumer->reason, REASON_MAX_BYTES, "%s", reason);
}

static bool subscribe(KafkaConsumer *consumer, Error *err)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, consumer->topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(consumer->handle, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || kafka_fail(err, code, "can't subscribe", NULL);
}

bool kafka_consumer_new(const KafkaConsumerOptions *options, KafkaConsumer **ret_consumer, Error *err)
{
    char queue_kbytes[32];
    snprintf(queue_kbytes, sizeof queue_kbytes, "%zu", options->queue_limit_kbytes);
    const KafkaSetting settings[] = {
        {"bootstrap.servers", options->brokers},
        {"client.id", "rushcast"},
        {"group.id", options->group},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "error"}, /* a lost offset is reported, not passed over */
        {"isolation.level", "read_committed"},
        {"enable.partition.eof", "true"},
        /* Everything is given back and begun again from the caller's offsets at each rebalance: nothing read before
         * can be committed after. Rebalances are rare and cost a second; cooperative ones would have to be right in
         * every mixture of kept and moved partitions. */
        {"partition.assignment.strategy", "range"},
        {"session.timeout.ms", "6000"}, /* a consumer that was killed is succeeded this much later */
        {"heartbeat.interval.ms", "1500"},
        {"fetch.wait.max.ms", "100"},
        {"fetch.error.backoff.ms", "100"},
        {"reconnect.backoff.max.ms", "2000"},
        /* librdkafka stops fetching for a second whenever its queue is full, so the queue should hold more than is read
         * in a second. Its own 350 bytes a message are not in the limit in bytes: the number bounds those. */
        {"queued.min.messages", "250000"},
        {"queued.max.messages.kbytes", queue_kbytes},
        {NULL, NULL},
    };
    rd_kafka_conf_t *conf;
    if (!kafka_settings(settings, &conf, err))
        return false;
    KafkaConsumer *consumer = calloc(1, sizeof *consumer);
    if (consumer == NULL || (consumer->topic = strdup(options->topic)) == NULL)
        abort();
    consumer->options = *options;
    rd_kafka_conf_set_opaque(conf, consumer);
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    rd_kafka_conf_set_error_cb(conf, on_error);
    char reason[REASON_MAX_BYTES];
    consumer->handle = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
    if (consumer->handle == NULL) {
        rd_kafka_conf_destroy(conf);
        kafka_consumer_free(consumer);
        return error_set(err, ERROR_INVALID_ARGUMENT, "Kafka: %s", reason);
    }
    rd_kafka_poll_set_consumer(consumer->handle);
    consumer->queue = rd_kafka_queue_get_consumer(consumer->handle);
    if (!subscribe(consumer, err)) {
        kafka_consumer_free(consumer);
        return false;
    }
    *ret_consumer = consumer;
    return true;
}

static void drop_change(KafkaConsumer *consumer)
{
    rd_kafka_topic_partition_list_destroy(consumer->changes[0].partitions);
    consumer->changes_count--;
    memmove(consumer->changes, consumer->changes + 1, consumer->changes_count * sizeof consumer->changes[0]);
}

void kafka_consumer_free(KafkaConsumer *consumer)
{
    if (consumer == NULL)
        return;
    consumer->closing = true;
    if (consumer->changes_count > 0)
        rd_kafka_assign(consumer->handle, NULL);
    while (consumer->changes_count > 0)
        drop_change(consumer);
    if (consumer->queue != NULL)
        rd_kafka_queue_destroy(consumer->queue);
    if (consumer->handle != NULL) {
        rd_kafka_consumer_close(consumer->handle);
        rd_kafka_destroy(consumer->handle);
    }
    free(consumer->topic);
    free(consumer);
}

static bool begin_partition(KafkaConsumer *consumer, rd_kafka_topic_partition_t *item, Error *err)
{
    if (item->partition >= PARTITIONS_MAX)
        return error_set(err, ERROR_INVALID_ARGUMENT, "Kafka: topic %s has more than %d partitions", consumer->topic,
                         PARTITIONS_MAX);
    Partition *partition = &consumer->partitions[item->partition];
    if (!consumer->options.start_offset(consumer->options.context, item->partition, &item->offset, err))
        return false;
    partition->next = item->offset;
    partition->end = -1;
    partition->seek_to = -1;
    return true;
}

static void set_owned(KafkaConsumer *consumer, const rd_kafka_topic_partition_list_t *list, bool owned)
{
    for (int i = 0; i < list->cnt; i++)
        if (list->elems[i].partition < PARTITIONS_MAX)
            consumer->partitions[list->elems[i].partition].owned = owned;
}

static bool assign(KafkaConsumer *consumer, rd_kafka_topic_partition_list_t *list, Error *err)
{
    for (int i = 0; i < list->cnt; i++)
        if (!begin_partition(consumer, &list->elems[i], err))
            return false;
    rd_kafka_resp_err_t code = rd_kafka_assign(consumer->handle, list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(err, code, "can't take the partitions", NULL);
    set_owned(consumer, list, true);
    return true;
}

/* Takes the partitions away from the caller, and their messages out of the batch. */
static void revoke(KafkaConsumer *consumer, const rd_kafka_topic_partition_list_t *list, rd_kafka_message_t **messages,
                   size_t *count)
{
    size_t kept = 0;
    set_owned(consumer, list, false);
    for (size_t i = 0; i < *count; i++) {
        if (consumer->partitions[messages[i]->partition].owned)
            messages[kept++] = messages[i];
        else
            rd_kafka_message_destroy(messages[i]);
    }
    *count = kept;
    for (int i = 0; i < list->cnt && consumer->options.revoked != NULL; i++)
        consumer->options.revoked(consumer->options.context, list->elems[i].partition);
    rd_kafka_assign(consumer->handle, NULL);
}

/* A partition whose start can't be told now is taken at the next call; the group waits for us meanwhile. */
static bool carry_out_changes(KafkaConsumer *consumer, rd_kafka_message_t **messages, size_t *count, Error *err)
{
    while (consumer->changes_count > 0) {
        Change *change = &consumer->changes[0];
        if (!change->assigned)
            revoke(consumer, change->partitions, messages, count);
        else if (!assign(consumer, change->partitions, err))
            return false;
        drop_change(consumer);
    }
    return true;
}

/* Takes all partitions anew, the others where they are: librdkafka's own seek fails in a partition whose fetching has
 * stopped, as it does where an offset was lost. */
static bool carry_out_seeks(KafkaConsumer *consumer, Error *err)
{
    if (!consumer->seeks_wanted)
        return true;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS_MAX);
    for (int32_t i = 0; i < PARTITIONS_MAX; i++) {
        Partition *partition = &consumer->partitions[i];
        if (!partition->owned)
            continue;
        if (partition->seek_to != -1) {
            partition->next = partition->seek_to;
            partition->end = -1;
            partition->seek_to = -1;
        }
        rd_kafka_topic_partition_list_add(list, consumer->topic, i)->offset = partition->next;
    }
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (list->cnt > 0)
        code = rd_kafka_assign(consumer->handle, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(err, code, "can't go back in the partitions", NULL);
    consumer->seeks_wanted = false;
    return true;
}

static void take_event(KafkaConsumer *consumer, const rd_kafka_message_t *message)
{
    Partition *partition = NULL;
    if (message->partition >= 0 && message->partition < PARTITIONS_MAX)
        partition = &consumer->partitions[message->partition];
    switch (message->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        if (partition != NULL)
            partition->end = message->offset;
        return;
    case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED: /* a rebalance follows, at which all begins again */
        return;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
        if (partition != NULL && partition->owned) {
            partition->seek_to = RD_KAFKA_OFFSET_BEGINNING;
            consumer->seeks_wanted = true;
        }
        error_set(
            &consumer->later, ERROR_UPSTREAM,
            "Kafka no longer has offset %lld of partition %d (retention, or a topic made anew): going on with the "
            "earliest that is there",
            (long long)message->offset, message->partition);
        return;
    default:
        kafka_fail(&consumer->later, message->err, consumer->topic, rd_kafka_message_errstr(message));
    }
}

/* Takes errors and events out of the batch. */
static size_t keep_messages(KafkaConsumer *consumer, rd_kafka_message_t **messages, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        rd_kafka_message_t *message = messages[i];
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            messages[kept++] = message;
            continue;
        }
        take_event(consumer, message);
        rd_kafka_message_destroy(message);
    }
    return kept;
}

/* After all brokers were down: whether one answers again. */
static bool is_back(KafkaConsumer *consumer, Error *err)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code = rd_kafka_metadata(consumer->handle, 0, NULL, &metadata, ALIVE_TIMEOUT_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(err, code, "no broker can be reached", consumer->reason[0] != '\0' ? consumer->reason : NULL);
    rd_kafka_metadata_destroy(metadata);
    consumer->down = false;
    return true;
}

bool kafka_consumer_poll(KafkaConsumer *consumer, int timeout_ms, rd_kafka_message_t **messages, size_t limit,
                         size_t *ret_count, Error *err)
{
    if (!carry_out_seeks(consumer, err))
        return false;
    ssize_t got = rd_kafka_consume_batch_queue(consumer->queue, timeout_ms, messages, limit);
    if (got < 0)
        return kafka_fail(err, rd_kafka_last_error(), "can't read", NULL);
    size_t count = keep_messages(consumer, messages, (size_t)got);
    Error change_error;
    if (!carry_out_changes(consumer, messages, &count, &change_error))
        consumer->later = change_error;
    if (count == 0 && consumer->later.code != ERROR_NONE) {
        if (err != NULL)
            *err = consumer->later;
        consumer->later = (Error){0};
        return false;
    }
    if (count == 0 && consumer->down && !is_back(consumer, err))
        return false;
    for (size_t i = 0; i < count; i++)
        consumer->partitions[messages[i]->partition].next = messages[i]->offset + 1;
    *ret_count = count;
    return true;
}

bool kafka_consumer_seek(KafkaConsumer *consumer, int32_t partition, int64_t offset, Error *err)
{
    if (partition < 0 || partition >= PARTITIONS_MAX)
        return error_set(err, ERROR_INVALID_ARGUMENT, "Kafka: no partition %d", partition);
    if (consumer->partitions[partition].owned) {
        consumer->partitions[partition].seek_to = offset;
        consumer->seeks_wanted = true;
    }
    return true;
}

/* Next offset to be written, as of the last fetch; -1 when unknown. */
static int64_t high_watermark(KafkaConsumer *consumer, int32_t partition)
{
    int64_t first, after_last;
    if (partition < 0 || partition >= PARTITIONS_MAX || !consumer->partitions[partition].owned ||
        rd_kafka_get_watermark_offsets(consumer->handle, consumer->topic, partition, &first, &after_last) !=
            RD_KAFKA_RESP_ERR_NO_ERROR)
        return -1;
    return after_last < 0 ? -1 : after_last;
}

bool kafka_consumer_caught_up(KafkaConsumer *consumer, int32_t partition)
{
    int64_t after_last = high_watermark(consumer, partition);
    return after_last >= 0 && consumer->partitions[partition].end >= after_last;
}

int64_t kafka_consumer_end_offset(KafkaConsumer *consumer, int32_t partition)
{
    int64_t after_last = high_watermark(consumer, partition);
    if (!kafka_consumer_caught_up(consumer, partition))
        return after_last;
    int64_t next = consumer->partitions[partition].next;
    return next >= 0 ? next : after_last;
}
