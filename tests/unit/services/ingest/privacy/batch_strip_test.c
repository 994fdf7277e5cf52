#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "services/ingest/privacy/batch_strip.h"

static const Instant latest = INT64_C(1780315200) * INSTANT_PER_SECOND; /* 2026-06-01T12:00:00Z */

static void add(OrderBatch *batch, OrderParser *parser, int64_t offset, const char *json)
{
    RawMessage message = {.offset = offset, .data = json, .length_bytes = strlen(json)};
    order_batch_add(batch, parser, latest, &message, offset);
}

/* Orders of customers c0 and c1 in turn, junk of both, and an order that is faulty. */
static OrderBatch *make_batch(void)
{
    OrderBatch *batch = order_batch_new();
    OrderParser *parser = order_parser_new();
    for (int i = 0; i < 4; i++) {
        char json[512];
        snprintf(json, sizeof json,
                 "{\"event_id\":\"e%d\",\"event_type\":\"order_created\",\"order_id\":\"o%d\",\"customer_id\":\"c%d\","
                 "\"phone\":\"555\",\"occurred_at\":\"2026-06-01T10:00:00Z\",\"location\":{\"lat\":1,\"lon\":2}}",
                 i, i, i % 2);
        add(batch, parser, i, json);
    }
    add(batch, parser, 4, "junk of c0");
    add(batch, parser, 5, "junk of c1");
    add(batch, parser, 6, "{\"customer_id\":\"c1\",\"event_id\":\"e6\",\"phone\":\"555\"}");
    order_parser_free(parser);
    return batch;
}

static RawMessage message_of(const OrderBatch *batch, int number)
{
    RawMessage message = {0};
    size_t at = 0;
    for (int i = 0; i <= number; i++)
        cr_assert(raw_payload_next(&batch->payload, &at, &message));
    return message;
}

Test(batch_strip, takes_a_customer_out_and_leaves_the_others)
{
    OrderBatch *batch = make_batch();
    PersonalId id = {.id = "c1", .length_bytes = 2};
    PersonalIds ids = personal_ids_one(&id);
    RawMessage before = message_of(batch, 2);
    char *other = strndup(before.data, before.length_bytes);
    cr_assert(batch_strip(batch, &ids));
    cr_assert_null(memmem(batch->payload.data, batch->payload.length_bytes, "c1", 2));
    cr_assert(batch->messages_count == 7 && batch->orders_count == 4 && batch->dead_letters_count == 3);
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(batch->orders[i].order.customer_id.data == NULL, i % 2 == 1, "order %d", i);
        cr_assert_eq(message_of(batch, i).offset, i);
    }
    RawMessage after = message_of(batch, 2);
    cr_assert(after.length_bytes == strlen(other) && memcmp(after.data, other, after.length_bytes) == 0);
    cr_assert(!batch->dead_letters[0].erased && batch->dead_letters[1].erased && batch->dead_letters[2].erased);
    RawMessage junk = order_batch_message(batch, &batch->dead_letters[0]);
    cr_assert(junk.length_bytes == 10 && memcmp(junk.data, "junk of c0", 10) == 0);
    cr_assert_eq(order_batch_message(batch, &batch->dead_letters[1]).length_bytes, 0);
    RawMessage faulty = order_batch_message(batch, &batch->dead_letters[2]);
    cr_assert(faulty.length_bytes == 17 && memcmp(faulty.data, "{\"event_id\":\"e6\"}", 17) == 0);
    cr_assert_not(batch_strip(batch, &ids), "nothing is left to be taken out");
    free(other);
    order_batch_free(batch);
}

Test(batch_strip, says_when_there_is_nothing_to_do)
{
    OrderBatch *batch = make_batch();
    size_t length_bytes = batch->payload.length_bytes;
    PersonalId id = {.id = "c2", .length_bytes = 2};
    PersonalIds ids = personal_ids_one(&id);
    cr_assert_not(batch_strip(batch, &ids));
    cr_assert_eq(batch->payload.length_bytes, length_bytes);
    order_batch_free(batch);
}
