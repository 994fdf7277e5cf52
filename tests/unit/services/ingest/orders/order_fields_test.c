#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "services/ingest/orders/order.h"
#include "services/ingest/orders/order_fields.h"

static const Instant latest = INT64_C(1780315200) * INSTANT_PER_SECOND; /* 2026-06-01T12:00:00Z */

static OrderParser *parser;
static Arena *arena;

static void begin(void)
{
    parser = order_parser_new();
    arena = arena_new();
}

static void end(void)
{
    order_parser_free(parser);
    arena_free(arena);
}

TestSuite(order_fields, .init = begin, .fini = end);

static void parse(const char *more, const char *more_of_location)
{
    char json[2048];
    Order order;
    OrderFault fault;
    Error err;
    int length = snprintf(json, sizeof json,
                          "{\"event_id\":\"e\",\"event_type\":\"order_created\",\"order_id\":\"o\",\"occurred_at\":"
                          "\"2026-06-01T10:00:00Z\",\"location\":{\"lat\":1,\"lon\":2%s}%s}",
                          more_of_location, more);
    cr_assert(order_parse(parser, json, (size_t)length, latest, arena, &order, &fault, &err), "%s", err.message);
}

static int64_t times(const char *path)
{
    const OrderFields *unknown = order_parser_unknown(parser);
    for (size_t i = 0; i < unknown->count; i++) {
        if (strcmp(unknown->items[i].path, path) == 0)
            return unknown->items[i].times;
    }
    return 0;
}

Test(order_fields, known_ones_are_not_noted)
{
    parse(",\"branch_id\":null,\"customer_id\":\"c\",\"vertical\":\"goods\",\"items\":[],\"total\":null", "");
    parse(",\"items\":[{\"sku\":\"s\",\"other\":1}],\"total\":{\"amount\":\"1\",\"currency\":\"USD\"}", "");
    parse("", "");
    cr_assert_eq(order_parser_unknown(parser)->count, 0);
}

Test(order_fields, unknown_ones_are_counted_by_place)
{
    parse(",\"tip\":1", "");
    parse(",\"tip\":2,\"branch_id\":\"b\",\"items\":[]", ",\"floor\":\"2\"");
    parse(",\"floor\":3,\"total\":{\"amount\":\"1\",\"currency\":\"USD\",\"tax\":\"0\"}", "");
    parse(",\"$where\":1,\"\":2", "");
    cr_assert_eq(times("tip"), 2);
    cr_assert_eq(times("location.floor"), 1);
    cr_assert_eq(times("floor"), 1);
    cr_assert_eq(times("total.tax"), 1);
    cr_assert_eq(times("$where"), 1);
    cr_assert_eq(times(""), 1);
}

Test(order_fields, the_same_name_with_another_type_is_another_one)
{
    parse(",\"tip\":\"1\"", "");
    parse(",\"tip\":{}", "");
    cr_assert_eq(order_parser_unknown(parser)->count, 2);
}

Test(order_fields, names_made_of_data_are_bounded)
{
    for (int i = 0; i < ORDER_FIELDS_MAX + 10; i++) {
        char more[64];
        snprintf(more, sizeof more, ",\"field-%d\":1", i);
        parse(more, "");
    }
    cr_assert_eq(order_parser_unknown(parser)->count, ORDER_FIELDS_MAX);
    cr_assert_eq(order_parser_unknown(parser)->others, 10);
}

Test(order_fields, long_names_are_cut_at_a_whole_character)
{
    char more[1024] = ",\"a";
    for (int i = 0; i < 100; i++)
        strcat(more, "\xc3\xa9");
    strcat(more, "\":1");
    parse(more, "");
    const OrderField *field = &order_parser_unknown(parser)->items[0];
    cr_assert_eq(strlen(field->path), ORDER_FIELD_NAME_MAX_BYTES - 1);
}
