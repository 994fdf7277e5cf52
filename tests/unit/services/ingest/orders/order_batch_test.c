#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "services/ingest/orders/order_batch.h"

static const Instant latest = INT64_C(1780315200) * INSTANT_PER_SECOND; /* 2026-06-01T12:00:00Z */

static void add(OrderBatch *batch, OrderParser *parser, int32_t partition, int64_t offset, const char *json)
{
    RawMessage message = {.partition = partition, .offset = offset, .data = json, .length_bytes = strlen(json)};
    order_batch_add(batch, parser, latest, &message, offset);
}

/* Partition 0: four orders of customers 0 and 1, at offsets 10 to 13; partition 1: junk, order, junk at 5 to 7. */
static OrderBatch *make_batch(void)
{
    OrderBatch *batch = order_batch_new();
    OrderParser *parser = order_parser_new();
    for (int i = 0; i < 7; i++) {
        char json[512];
        snprintf(json, sizeof json,
                 "{\"event_id\":\"e%d\",\"event_type\":\"order_created\",\"order_id\":\"o%d\",\"customer_id\":\"c%d\","
                 "\"occurred_at\":\"2026-06-01T10:%02d:00Z\",\"location\":{\"lat\":1,\"lon\":2}}",
                 i, i, i % 2, i);
        if (i < 4)
            add(batch, parser, 0, 10 + i, json);
        else
            add(batch, parser, 1, 1 + i, i == 5 ? json : "junk");
    }
    order_parser_free(parser);
    return batch;
}

Test(order_batch, sorts_messages_into_orders_and_dead_letters)
{
    Error err;
    OrderBatch *batch = make_batch();
    cr_assert_eq(batch->messages_count, 7);
    cr_assert_eq(batch->orders_count, 5);
    cr_assert_eq(batch->dead_letters_count, 2);
    cr_assert_eq(batch->ranges_count, 2);
    cr_assert_eq(batch->ranges[0].first_offset, 10);
    cr_assert_eq(batch->ranges[0].next_offset, 14);
    cr_assert_eq(batch->ranges[1].dead_letters, 2);
    RawMessage message = order_batch_message(batch, &batch->dead_letters[1]);
    cr_assert(message.offset == 7 && message.length_bytes == 4 && memcmp(message.data, "junk", 4) == 0);
    cr_assert(order_batch_pack(batch, &err), "%s", err.message);
    cr_assert_eq(batch->customers_count, 2);
    cr_assert_lt(batch->customers[0], batch->customers[1]);
    order_batch_free(batch);
}

Test(order_batch, drops_what_is_recorded_already)
{
    OrderBatch *batch = make_batch();
    order_batch_drop_before(batch, 1, 6);
    order_batch_drop_before(batch, 0, 12);
    cr_assert_eq(batch->messages_count, 4);
    cr_assert_eq(batch->orders_count, 3);
    cr_assert_eq(batch->dead_letters_count, 1);
    cr_assert_eq(batch->ranges[0].first_offset, 12);
    cr_assert_eq(batch->ranges[1].first_offset, 6);
    cr_assert_eq(batch->ranges[1].messages, 2);
    RawMessage message;
    size_t at = 0;
    for (int number = 0; raw_payload_next(&batch->payload, &at, &message); number++) {
        if (number < 2)
            cr_assert(batch->orders[number].message_no == number && batch->orders[number].offset == message.offset);
    }
    message = order_batch_message(batch, &batch->dead_letters[0]);
    cr_assert(message.offset == 7 && batch->dead_letters[0].message_no == 3);
    order_batch_drop_before(batch, 1, 8);
    cr_assert_eq(batch->ranges_count, 1);
    order_batch_drop_before(batch, 0, 100);
    cr_assert_eq(batch->messages_count, 0);
    order_batch_free(batch);
}

Test(order_batch, has_room_for_one_large_message_but_not_for_two)
{
    OrderBatch *batch = order_batch_new();
    cr_assert(order_batch_has_room(batch, BATCH_BYTES_MAX + 1));
    OrderParser *parser = order_parser_new();
    add(batch, parser, 0, 0, "junk");
    cr_assert_not(order_batch_has_room(batch, BATCH_BYTES_MAX));
    cr_assert(order_batch_has_room(batch, 1000));
    cr_assert(order_batch_holds(batch, 0, 0));
    cr_assert_not(order_batch_holds(batch, 0, 1));
    cr_assert_not(order_batch_holds(batch, 1, 0));
    order_parser_free(parser);
    order_batch_free(batch);
    order_batch_free(NULL);
}

Test(order_batch, the_payload_comes_back_from_its_compressed_form)
{
    Error err;
    OrderBatch *batch = make_batch();
    cr_assert(order_batch_pack(batch, &err), "%s", err.message);
    BUFFER_SCOPED Buffer expanded;
    buffer_init(&expanded, 1 << 20);
    cr_assert(raw_payload_expand(batch->compressed.data, batch->compressed.length_bytes, &expanded, &err));
    cr_assert_eq(expanded.length_bytes, batch->payload.length_bytes);
    cr_assert_eq(memcmp(expanded.data, batch->payload.data, expanded.length_bytes), 0);
    cr_assert_not(raw_payload_expand("junk", 4, &expanded, &err));
    cr_assert_eq(err.code, ERROR_MALFORMED);
    Buffer small;
    buffer_init(&small, 100);
    cr_assert_not(raw_payload_expand(batch->compressed.data, batch->compressed.length_bytes, &small, &err));
    cr_assert_eq(err.code, ERROR_TOO_LARGE);
    order_batch_free(batch);
}

Test(order_batch, a_refused_order_becomes_a_dead_letter)
{
    OrderBatch *batch = make_batch();
    order_batch_refuse(batch, 2, "not this one");
    cr_assert_eq(batch->orders_count, 4);
    cr_assert_eq(batch->dead_letters_count, 3);
    cr_assert_eq(batch->messages_count, 7);
    cr_assert_eq(batch->ranges[0].dead_letters, 1);
    cr_assert_eq(batch->orders[2].offset, 13, "those after it move up");
    const BatchDeadLetter *dead = &batch->dead_letters[2];
    cr_assert_eq(dead->fault, ORDER_FAULT_REFUSED);
    cr_assert_eq(dead->message_no, 2);
    RawMessage message = order_batch_message(batch, dead);
    cr_assert_eq(message.offset, 12);
    cr_assert_eq(memcmp(message.data, "{\"event_id\":\"e2\"", 16), 0);
    order_batch_drop_before(batch, 0, 12);
    message = order_batch_message(batch, &batch->dead_letters[2]);
    cr_assert_eq(message.offset, 12);
    order_batch_free(batch);
}

Test(order_batch, a_gap_goes_with_what_is_recorded)
{
    OrderBatch *batch = make_batch();
    order_batch_add_gap(batch, 0, 3, 10);
    cr_assert_eq(batch->ranges[0].lost_until, 10);
    order_batch_drop_before(batch, 0, 11);
    cr_assert_eq(batch->ranges[0].lost_from, batch->ranges[0].lost_until);
    order_batch_free(batch);
}
