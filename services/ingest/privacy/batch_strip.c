#include "services/ingest/privacy/batch_strip.h"

#include "services/ingest/privacy/order_strip.h"

static const char ERASED_DETAIL[] = "what was wrong is not kept: it was an erased customer's";

/* Marks the messages to be stripped, by number; false when there are none. */
static bool mark(OrderBatch *batch, const PersonalIds *ids, bool *marked)
{
    bool any = false;
    for (size_t i = 0; i < batch->orders_count; i++) {
        Order *order = &batch->orders[i].order;
        if (!order->customer_id.data ||
            !personal_ids_hold(ids, order->customer_id.data, order->customer_id.length_bytes))
            continue;
        order->customer_id = (OrderText){0};
        any = marked[batch->orders[i].message_no] = true;
    }
    Buffer ignored;
    buffer_init(&ignored, batch->payload.limit_bytes);
    for (size_t i = 0; i < batch->dead_letters_count; i++) {
        BatchDeadLetter *letter = &batch->dead_letters[i];
        RawMessage message = order_batch_message(batch, letter);
        if (order_strip(ids, message.data, message.length_bytes, &ignored) == STRIP_NOTHING)
            continue;
        letter->erased = true;
        letter->detail = ERASED_DETAIL;
        any = marked[letter->message_no] = true;
    }
    buffer_fini(&ignored);
    return any;
}

bool batch_strip(OrderBatch *batch, const PersonalIds *ids)
{
    bool *marked = arena_array(batch->arena, batch->messages_count, sizeof *marked);
    if (!mark(batch, ids, marked))
        return false;
    size_t *positions = arena_array(batch->arena, batch->messages_count, sizeof *positions);
    Buffer payload, rest;
    buffer_init(&payload, batch->payload.limit_bytes);
    buffer_init(&rest, batch->payload.limit_bytes);
    RawMessage message;
    for (size_t at = 0, number = 0; raw_payload_next(&batch->payload, &at, &message); number++) {
        positions[number] = payload.length_bytes;
        if (marked[number]) {
            bool rewritten = order_strip(ids, message.data, message.length_bytes, &rest) == STRIP_REWRITTEN;
            message.data = rest.data;
            message.length_bytes = rewritten ? rest.length_bytes : 0;
        }
        raw_payload_append(&payload, message.partition, message.offset, message.data, message.length_bytes);
    }
    for (size_t i = 0; i < batch->dead_letters_count; i++)
        batch->dead_letters[i].payload_at = positions[batch->dead_letters[i].message_no];
    buffer_fini(&rest);
    buffer_fini(&batch->payload);
    batch->payload = payload;
    return true;
}
