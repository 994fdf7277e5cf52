#include <stdlib.h>
#include <string.h>
#include "services/ingest/orders/order.h"
#include "tests/fuzz/fuzz.h"

static const Instant latest = INT64_C(1780315200) * INSTANT_PER_SECOND; /* 2026-06-01T12:00:00Z */

static void check_text(OrderText text, bool required)
{
    if (text.data == NULL ? required : strlen(text.data) != text.length_bytes || text.length_bytes > ORDER_ID_MAX_BYTES)
        abort();
}

static void check_order(const Order *order)
{
    check_text(order->order_id, true);
    check_text(order->event_id, true);
    check_text(order->branch_id, !order->has_location);
    check_text(order->customer_id, false);
    check_text(order->amount, false);
    check_text(order->currency, false);
    if (order->occurred_at > latest || order->event_type >= ORDER_EVENT_TYPES_COUNT ||
        order->vertical >= VERTICALS_COUNT)
        abort();
    if (order->has_location && !(order->lat >= -90 && order->lat <= 90 && order->lon >= -180 && order->lon <= 180))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length_bytes)
{
    static Arena *arena;
    static OrderParser *parser;
    if (arena == NULL) {
        arena = arena_new();
        parser = order_parser_new();
    }
    arena_reset(arena);
    Order order;
    OrderFault fault = ORDER_FAULTS_COUNT;
    Error err = {0};
    if (order_parse(parser, (const char *)data, length_bytes, latest, arena, &order, &fault, &err))
        check_order(&order);
    else if (fault >= ORDER_FAULTS_COUNT || err.code == ERROR_NONE)
        abort();
    return 0;
}

void fuzz_seeds(FuzzTake *take)
{
    static const char *const seeds[] = {
        "{\"event_id\":\"e1\",\"event_type\":\"order_created\",\"order_id\":\"o1\",\"occurred_at\":\"2026-06-01T10:00:"
        "00Z\","
        "\"location\":{\"lat\":-32.9,\"lon\":-60.6}}",
        "{\"event_id\":\"e2\",\"event_type\":\"order_cancelled\",\"order_id\":\"o\\u00f1\",\"branch_id\":\"B\","
        "\"occurred_at\":\"2026-06-01T07:00:00.123456-03:00\",\"customer_id\":\"C\",\"vertical\":\"goods\","
        "\"items\":[{\"sku\":\"s\",\"name\":\"n\",\"quantity\":2,\"unit_price\":\"1.50\"}],"
        "\"total\":{\"amount\":\"3.00\",\"currency\":\"ARS\"},\"more\":[null,true,1e9]}",
        "{\"event_id\":\"\xc3\x28\"}",
        "[]",
        "{\"location\":{\"lat\":99,\"lon\":null}}",
    };
    fuzz_take_texts(seeds, sizeof seeds / sizeof seeds[0], take);
}
