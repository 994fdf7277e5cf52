#include "services/ingest/orders/order_batch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { DETAIL_MAX_BYTES = 300 };

/* A message may be larger than a batch is allowed to be: then it is alone in it. */
static const size_t PAYLOAD_LIMIT_BYTES = (size_t)1 << 30;

static void *must_allocate(size_t count, size_t item_bytes)
{
    void *memory = calloc(count, item_bytes);
    if (!memory)
        abort();
    return memory;
}

OrderBatch *order_batch_new(void)
{
    OrderBatch *batch = must_allocate(1, sizeof *batch);
    batch->arena = arena_new();
    buffer_init(&batch->payload, PAYLOAD_LIMIT_BYTES);
    buffer_init(&batch->compressed, PAYLOAD_LIMIT_BYTES + PAYLOAD_LIMIT_BYTES / 64);
    batch->orders = must_allocate(BATCH_MESSAGES_MAX, sizeof *batch->orders);
    batch->dead_letters = must_allocate(BATCH_MESSAGES_MAX, sizeof *batch->dead_letters);
    batch->branches = must_allocate(BATCH_BRANCHES_MAX, sizeof *batch->branches);
    batch->ranges = must_allocate(BATCH_PARTITIONS_MAX, sizeof *batch->ranges);
    batch->customers = must_allocate(BATCH_MESSAGES_MAX, sizeof *batch->customers);
    return batch;
}

void order_batch_free(OrderBatch *batch)
{
    if (!batch)
        return;
    arena_free(batch->arena);
    buffer_fini(&batch->payload);
    buffer_fini(&batch->compressed);
    free(batch->orders);
    free(batch->dead_letters);
    free(batch->branches);
    free(batch->ranges);
    free(batch->customers);
    free(batch);
}

void order_batch_clear(OrderBatch *batch)
{
    arena_reset(batch->arena);
    if (batch->payload.capacity_bytes > 2 * (size_t)BATCH_BYTES_MAX) { /* after an outsized message */
        buffer_fini(&batch->payload);
        buffer_fini(&batch->compressed);
    }
    buffer_clear(&batch->payload);
    buffer_clear(&batch->compressed);
    batch->orders_count = batch->dead_letters_count = batch->branches_count = batch->ranges_count = 0;
    batch->customers_count = batch->messages_count = 0;
}

bool order_batch_has_room(const OrderBatch *batch, size_t message_bytes)
{
    size_t bytes = batch->payload.length_bytes + RAW_PAYLOAD_HEADER_BYTES + message_bytes;
    return batch->messages_count == 0 || (batch->messages_count < BATCH_MESSAGES_MAX && bytes <= BATCH_BYTES_MAX);
}

static BatchRange *find_range(const OrderBatch *batch, int32_t partition)
{
    for (size_t i = 0; i < batch->ranges_count; i++) {
        if (batch->ranges[i].partition == partition)
            return &batch->ranges[i];
    }
    return NULL;
}

bool order_batch_holds(const OrderBatch *batch, int32_t partition, int64_t offset)
{
    const BatchRange *range = find_range(batch, partition);
    return range && offset < range->next_offset;
}

static BatchRange *extend_range(OrderBatch *batch, const RawMessage *message, int64_t expected_offset)
{
    BatchRange *range = find_range(batch, message->partition);
    if (!range) {
        assert(batch->ranges_count < BATCH_PARTITIONS_MAX);
        range = &batch->ranges[batch->ranges_count++];
        *range = (BatchRange){.partition = message->partition,
                              .expected_offset = expected_offset,
                              .first_offset = message->offset,
                              .latest_event_at = INSTANT_NONE};
    }
    range->next_offset = message->offset + 1;
    range->messages++;
    return range;
}

BatchOrder *order_batch_add(OrderBatch *batch, OrderParser *parser, Instant latest, const RawMessage *message,
                            int64_t expected_offset)
{
    assert(batch->messages_count < BATCH_MESSAGES_MAX);
    BatchRange *range = extend_range(batch, message, expected_offset);
    size_t payload_at = batch->payload.length_bytes;
    raw_payload_append(&batch->payload, message->partition, message->offset, message->data, message->length_bytes);
    int32_t message_no = (int32_t)batch->messages_count++;

    BatchOrder *order = &batch->orders[batch->orders_count];
    OrderFault fault;
    Error err = {0};
    if (!order_parse(parser, message->data, message->length_bytes, latest, batch->arena, &order->order, &fault, &err)) {
        err.message[DETAIL_MAX_BYTES] = '\0';
        range->dead_letters++;
        batch->dead_letters[batch->dead_letters_count++] =
            (BatchDeadLetter){.offset = message->offset,
                              .partition = message->partition,
                              .message_no = message_no,
                              .fault = fault,
                              .detail = arena_strdup(batch->arena, err.message),
                              .pointer = arena_strdup(batch->arena, err.pointer),
                              .payload_at = payload_at};
        return NULL;
    }
    order->key_hash = order_key_hash(order->order.order_id, order->order.event_type);
    order->partition = message->partition;
    order->offset = message->offset;
    order->message_no = message_no;
    order->geo_id = GEO_UNPLACED;
    order->outcome = OUTCOME_RECORDED;
    if (order->order.occurred_at > range->latest_event_at)
        range->latest_event_at = order->order.occurred_at;
    batch->orders_count++;
    return order;
}

void order_batch_add_gap(OrderBatch *batch, int32_t partition, int64_t from, int64_t until)
{
    BatchRange *range = find_range(batch, partition);
    assert(range && until <= range->first_offset);
    range->lost_from = from;
    range->lost_until = until;
}

static size_t find_payload(const OrderBatch *batch, int32_t message_no)
{
    size_t at = 0;
    RawMessage message;
    for (int32_t number = 0; number < message_no; number++) {
        if (!raw_payload_next(&batch->payload, &at, &message))
            break;
    }
    return at;
}

void order_batch_refuse(OrderBatch *batch, size_t order_index, const char *detail)
{
    BatchOrder order = batch->orders[order_index];
    BatchRange *range = find_range(batch, order.partition);
    assert(range);
    size_t after = batch->orders_count - order_index - 1;
    memmove(&batch->orders[order_index], &batch->orders[order_index + 1], after * sizeof order);
    batch->orders_count--;
    range->dead_letters++;
    batch->dead_letters[batch->dead_letters_count++] =
        (BatchDeadLetter){.offset = order.offset,
                          .partition = order.partition,
                          .message_no = order.message_no,
                          .fault = ORDER_FAULT_REFUSED,
                          .detail = arena_strdup(batch->arena, detail),
                          .pointer = "",
                          .payload_at = find_payload(batch, order.message_no)};
}

void order_batch_add_branch(OrderBatch *batch, const BatchBranch *branch)
{
    assert(batch->branches_count < BATCH_BRANCHES_MAX);
    batch->branches[batch->branches_count++] = *branch;
}

static int compare_hashes(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void gather_customers(OrderBatch *batch)
{
    size_t count = 0;
    for (size_t i = 0; i < batch->orders_count; i++) {
        OrderText customer_id = batch->orders[i].order.customer_id;
        if (customer_id.data)
            batch->customers[count++] = order_customer_hash(customer_id);
    }
    qsort(batch->customers, count, sizeof *batch->customers, compare_hashes);
    batch->customers_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || batch->customers[i] != batch->customers[i - 1])
            batch->customers[batch->customers_count++] = batch->customers[i];
    }
}

bool order_batch_pack(OrderBatch *batch, Error *err)
{
    gather_customers(batch);
    return buffer_ok(&batch->payload, err) && raw_payload_compress(&batch->payload, &batch->compressed, err);
}

/* Moves the messages that stay together and tells for each old number the new one, or -1, and the new position. */
static void drop_messages(OrderBatch *batch, int32_t partition, int64_t offset, int32_t *numbers, size_t *positions)
{
    size_t from = 0, to = 0;
    int32_t kept = 0;
    RawMessage message;
    for (size_t number = 0, start = 0; raw_payload_next(&batch->payload, &from, &message); number++, start = from) {
        bool drop = message.partition == partition && message.offset < offset;
        numbers[number] = drop ? -1 : kept++;
        positions[number] = to;
        if (!drop) {
            memmove(batch->payload.data + to, batch->payload.data + start, from - start);
            to += from - start;
        }
    }
    batch->payload.length_bytes = to;
    batch->messages_count = (size_t)kept;
}

static void recount_range(OrderBatch *batch, BatchRange *range, int64_t offset)
{
    range->messages = range->dead_letters = 0;
    range->latest_event_at = INSTANT_NONE;
    range->expected_offset = offset;
    range->lost_from = range->lost_until = 0; /* recorded with what is recorded already */
    range->first_offset = INT64_MAX;
    for (size_t i = 0; i < batch->orders_count; i++) {
        const BatchOrder *order = &batch->orders[i];
        if (order->partition != range->partition)
            continue;
        range->messages++;
        if (order->offset < range->first_offset)
            range->first_offset = order->offset;
        if (order->order.occurred_at > range->latest_event_at)
            range->latest_event_at = order->order.occurred_at;
    }
    for (size_t i = 0; i < batch->dead_letters_count; i++) {
        const BatchDeadLetter *dead = &batch->dead_letters[i];
        if (dead->partition != range->partition)
            continue;
        range->messages++;
        range->dead_letters++;
        if (dead->offset < range->first_offset)
            range->first_offset = dead->offset;
    }
}

void order_batch_drop_before(OrderBatch *batch, int32_t partition, int64_t offset)
{
    BatchRange *range = find_range(batch, partition);
    if (!range || offset <= range->first_offset)
        return;
    size_t count = batch->messages_count;
    int32_t *numbers = arena_array(batch->arena, count, sizeof *numbers);
    size_t *positions = arena_array(batch->arena, count, sizeof *positions);
    drop_messages(batch, partition, offset, numbers, positions);

    size_t kept = 0;
    for (size_t i = 0; i < batch->orders_count; i++) {
        BatchOrder order = batch->orders[i];
        order.message_no = numbers[order.message_no];
        if (order.message_no >= 0)
            batch->orders[kept++] = order;
    }
    batch->orders_count = kept;
    kept = 0;
    for (size_t i = 0; i < batch->dead_letters_count; i++) {
        BatchDeadLetter dead = batch->dead_letters[i];
        dead.payload_at = positions[dead.message_no];
        dead.message_no = numbers[dead.message_no];
        if (dead.message_no >= 0)
            batch->dead_letters[kept++] = dead;
    }
    batch->dead_letters_count = kept;
    recount_range(batch, range, offset);
    if (range->messages == 0)
        *range = batch->ranges[--batch->ranges_count];
}

RawMessage order_batch_message(const OrderBatch *batch, const BatchDeadLetter *dead_letter)
{
    RawMessage message = {0};
    size_t at = dead_letter->payload_at;
    bool found = raw_payload_next(&batch->payload, &at, &message);
    assert(found && message.offset == dead_letter->offset);
    (void)found;
    return message;
}
