#include <stdlib.h>
#include <string.h>
#include "services/ingest/privacy/order_strip.h"
#include "tests/fuzz/fuzz.h"

enum { OUT_MAX_BYTES = 8 << 20 };

static const Instant latest = INT64_C(1780315200) * INSTANT_PER_SECOND; /* 2026-06-01T12:00:00Z */

static bool same(OrderText a, OrderText b)
{
    return a.length_bytes == b.length_bytes && (a.length_bytes == 0 || memcmp(a.data, b.data, a.length_bytes) == 0);
}

/* What could be read can be read afterwards, and says the same but for the customer. */
static void check_meaning(const Order *before, const Order *after)
{
    if (after->customer_id.data || !same(before->order_id, after->order_id) ||
        !same(before->event_id, after->event_id) || !same(before->branch_id, after->branch_id) ||
        !same(before->amount, after->amount) || !same(before->currency, after->currency) ||
        before->occurred_at != after->occurred_at || before->event_type != after->event_type ||
        before->vertical != after->vertical || before->has_location != after->has_location ||
        (before->has_location && (before->lat != after->lat || before->lon != after->lon)))
        abort();
}

static bool parse(const char *json, size_t length_bytes, Arena *arena, Order *ret_order)
{
    static OrderParser *parser;
    OrderFault fault;
    Error err;
    if (!parser)
        parser = order_parser_new();
    return order_parse(parser, json, length_bytes, latest, arena, ret_order, &fault, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length_bytes)
{
    static Arena *arena;
    if (!arena)
        arena = arena_new();
    arena_reset(arena);
    PersonalId id = {.id = "C", .length_bytes = 1};
    PersonalIds ids = personal_ids_one(&id);
    const char *message = (const char *)data;
    Buffer out, again;
    buffer_init(&out, OUT_MAX_BYTES);
    buffer_init(&again, OUT_MAX_BYTES);
    StripOutcome outcome = order_strip(&ids, message, length_bytes, &out);
    Order before, after;
    bool good = parse(message, length_bytes, arena, &before);
    bool named =
        good && before.customer_id.data && before.customer_id.length_bytes == 1 && before.customer_id.data[0] == 'C';
    if ((named && outcome != STRIP_REWRITTEN) || (good && outcome == STRIP_EMPTIED))
        abort();
    if (good && outcome == STRIP_REWRITTEN) {
        if (!parse(out.data, out.length_bytes, arena, &after))
            abort();
        check_meaning(&before, &after);
    }
    if (outcome == STRIP_REWRITTEN && order_strip(&ids, out.data, out.length_bytes, &again) != STRIP_NOTHING)
        abort();
    buffer_fini(&out);
    buffer_fini(&again);
    return 0;
}

void fuzz_seeds(FuzzTake *take)
{
    static const char *const seeds[] = {
        "{\"event_id\":\"e2\",\"event_type\":\"order_cancelled\",\"order_id\":\"o\\u00f1\",\"branch_id\":\"B\","
        "\"occurred_at\":\"2026-06-01T07:00:00.123456-03:00\",\"customer_id\":\"C\",\"vertical\":\"goods\","
        "\"items\":[{\"sku\":\"s\",\"name\":\"n C\",\"quantity\":2,\"unit_price\":\"1.50\"},[\"C\"]],"
        "\"total\":{\"amount\":\"3.00\",\"currency\":\"ARS\"},\"more\":[null,true,1e9,{\"C\":\"C\"}]}",
        "{\"event_id\":\"e1\",\"event_type\":\"order_created\",\"order_id\":\"o1\",\"occurred_at\":"
        "\"2026-06-01T10:00:00Z\",\"location\":{\"lat\":-32.9,\"lon\":-60.6,\"C\":0},\"by\":\"\\u0043\"}",
        "{\"customer_id\":\"C",
        "\"C\\",
        "[\"\\ud83d\\udeb2 C\"]",
        "\xc3\x28 C",
    };
    fuzz_take_texts(seeds, sizeof seeds / sizeof seeds[0], take);
}
