#include <criterion/criterion.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "services/ingest/orders/order.h"

#define REQUIRED                                                                                                       \
    "\"event_id\":\"e1\",\"event_type\":\"order_created\",\"order_id\":\"o1\",\"occurred_at\":\"2026-06-01T10:00:"     \
    "00Z\""
#define PLACE "\"location\":{\"lat\":-32.9,\"lon\":-60.6}"
#define EVENT(...) "{" REQUIRED "," PLACE __VA_ARGS__ "}"
#define LONG_50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LONG_200 LONG_50 LONG_50 LONG_50 LONG_50

static const Instant latest = INT64_C(1780315200) * INSTANT_PER_SECOND; /* 2026-06-01T12:00:00Z */

static bool parse(const char *json, size_t length_bytes, Order *ret_order, OrderFault *ret_fault, Error *err)
{
    static Arena *arena;
    static OrderParser *parser;
    if (!arena) {
        arena = arena_new();
        parser = order_parser_new();
    }
    arena_reset(arena);
    return order_parse(parser, json, length_bytes, latest, arena, ret_order, ret_fault, err);
}

static const struct {
    const char *json;
    OrderFault fault;
    const char *pointer;
} faulty[] = {
    {"", ORDER_FAULT_EMPTY, ""},
    {"{", ORDER_FAULT_NOT_JSON, ""},
    {EVENT() "x", ORDER_FAULT_NOT_JSON, ""},
    {"{\"event_id\":\"\xc3\x28\"}", ORDER_FAULT_NOT_UTF8, ""},
    {"[]", ORDER_FAULT_NOT_AN_OBJECT, ""},
    {"7", ORDER_FAULT_NOT_AN_OBJECT, ""},
    {"{}", ORDER_FAULT_FIELD_MISSING, "/event_id"},
    {"{\"event_id\":null}", ORDER_FAULT_FIELD_MISSING, "/event_id"},
    {"{\"event_id\":5}", ORDER_FAULT_WRONG_TYPE, "/event_id"},
    {"{\"event_id\":\"\"}", ORDER_FAULT_BAD_VALUE, "/event_id"},
    {"{\"event_id\":\"a\\u0000b\"}", ORDER_FAULT_BAD_VALUE, "/event_id"},
    {"{\"event_id\":\"" LONG_200 "a\"}", ORDER_FAULT_BAD_VALUE, "/event_id"},
    {"{\"event_id\":\"e\"}", ORDER_FAULT_FIELD_MISSING, "/order_id"},
    {"{\"event_id\":\"e\",\"order_id\":\"o\"}", ORDER_FAULT_FIELD_MISSING, "/event_type"},
    {"{\"event_id\":\"e\",\"order_id\":\"o\",\"event_type\":\"order_lost\"}", ORDER_FAULT_BAD_VALUE, "/event_type"},
    {"{\"event_id\":\"e\",\"order_id\":\"o\",\"event_type\":\"order_created\"}", ORDER_FAULT_FIELD_MISSING,
     "/occurred_at"},
    {"{\"event_id\":\"e\",\"order_id\":\"o\",\"event_type\":\"order_created\",\"occurred_at\":\"yesterday\"}",
     ORDER_FAULT_BAD_VALUE, "/occurred_at"},
    {"{\"event_id\":\"e\",\"order_id\":\"o\",\"event_type\":\"order_created\",\"occurred_at\":1780315200}",
     ORDER_FAULT_WRONG_TYPE, "/occurred_at"},
    {"{\"event_id\":\"e\",\"order_id\":\"o\",\"event_type\":\"order_created\",\"occurred_at\":\"2026-06-01T12:00:"
     "01Z\"}",
     ORDER_FAULT_TIME_OUT_OF_RANGE, "/occurred_at"},
    {"{\"event_id\":\"e\",\"order_id\":\"o\",\"event_type\":\"order_created\",\"occurred_at\":\"1999-12-31T23:59:"
     "59Z\"}",
     ORDER_FAULT_TIME_OUT_OF_RANGE, "/occurred_at"},
    {"{" REQUIRED "}", ORDER_FAULT_NO_PLACE, ""},
    {"{" REQUIRED ",\"location\":\"here\"}", ORDER_FAULT_WRONG_TYPE, "/location"},
    {"{" REQUIRED ",\"location\":{\"lat\":1}}", ORDER_FAULT_FIELD_MISSING, "/location/lon"},
    {"{" REQUIRED ",\"location\":{\"lat\":\"1\",\"lon\":2}}", ORDER_FAULT_WRONG_TYPE, "/location/lat"},
    {"{" REQUIRED ",\"location\":{\"lat\":90.5,\"lon\":2}}", ORDER_FAULT_BAD_VALUE, "/location/lat"},
    {"{" REQUIRED ",\"location\":{\"lat\":1,\"lon\":-181}}", ORDER_FAULT_BAD_VALUE, "/location/lon"},
    {EVENT(",\"branch_id\":{}"), ORDER_FAULT_WRONG_TYPE, "/branch_id"},
    {EVENT(",\"vertical\":\"flowers\""), ORDER_FAULT_BAD_VALUE, "/vertical"},
    {EVENT(",\"total\":5"), ORDER_FAULT_WRONG_TYPE, "/total"},
    {EVENT(",\"total\":{\"amount\":5,\"currency\":\"ARS\"}"), ORDER_FAULT_WRONG_TYPE, "/total/amount"},
    {EVENT(",\"total\":{\"amount\":\"5.\",\"currency\":\"ARS\"}"), ORDER_FAULT_BAD_VALUE, "/total/amount"},
    {EVENT(",\"total\":{\"amount\":\"-5\",\"currency\":\"ARS\"}"), ORDER_FAULT_BAD_VALUE, "/total/amount"},
    {EVENT(",\"total\":{\"amount\":\"1234567890123\",\"currency\":\"ARS\"}"), ORDER_FAULT_BAD_VALUE, "/total/amount"},
    {EVENT(",\"total\":{\"amount\":\"1.1234567\",\"currency\":\"ARS\"}"), ORDER_FAULT_BAD_VALUE, "/total/amount"},
    {EVENT(",\"total\":{\"amount\":\"5\"}"), ORDER_FAULT_FIELD_MISSING, "/total/currency"},
    {EVENT(",\"total\":{\"amount\":\"5\",\"currency\":\"ars\"}"), ORDER_FAULT_BAD_VALUE, "/total/currency"},
};

Test(order, says_what_is_wrong_and_where)
{
    for (size_t i = 0; i < sizeof faulty / sizeof faulty[0]; i++) {
        Order order;
        OrderFault fault = ORDER_FAULTS_COUNT;
        Error err = {0};
        cr_expect_not(parse(faulty[i].json, strlen(faulty[i].json), &order, &fault, &err), "%s", faulty[i].json);
        cr_expect_eq(fault, faulty[i].fault, "%s: %s (%s)", faulty[i].json, order_fault_name(fault), err.message);
        cr_expect_str_eq(err.pointer, faulty[i].pointer, "%s", faulty[i].json);
        cr_expect_neq(err.message[0], '\0');
    }
}

Test(order, reads_every_field)
{
    static const char json[] = EVENT(",\"branch_id\":\"b\",\"customer_id\":\"c\\u00e1\",\"vertical\":\"goods\","
                                     "\"items\":[{\"sku\":\"s\"}],\"extra\":{\"$set\":1},"
                                     "\"total\":{\"amount\":\"0012.50\",\"currency\":\"ARS\"}");
    Order order;
    OrderFault fault;
    Error err;
    cr_assert(parse(json, sizeof json - 1, &order, &fault, &err), "%s", err.message);
    cr_expect_str_eq(order.event_id.data, "e1");
    cr_expect_str_eq(order.order_id.data, "o1");
    cr_expect_str_eq(order.branch_id.data, "b");
    cr_expect_str_eq(order.customer_id.data, "c\xc3\xa1");
    cr_expect_eq(order.customer_id.length_bytes, 3);
    cr_expect_str_eq(order.amount.data, "0012.50");
    cr_expect_str_eq(order.currency.data, "ARS");
    cr_expect_eq(order.event_type, ORDER_EVENT_CREATED);
    cr_expect_eq(order.vertical, VERTICAL_GOODS);
    cr_expect(order.has_location && order.lat == -32.9 && order.lon == -60.6);
    cr_expect_eq(order.occurred_at, latest - 2 * INSTANT_PER_HOUR);
}

Test(order, optional_fields_may_be_absent_or_null)
{
    static const char json[] =
        "{" REQUIRED ",\"branch_id\":\"b\",\"location\":null,\"customer_id\":null,\"vertical\":null,\"total\":null}";
    Order order;
    OrderFault fault;
    Error err;
    cr_assert(parse(json, sizeof json - 1, &order, &fault, &err), "%s", err.message);
    cr_expect_not(order.has_location);
    cr_expect_null(order.customer_id.data);
    cr_expect_null(order.amount.data);
    cr_expect_eq(order.vertical, VERTICAL_UNKNOWN);
}

Test(order, ids_have_a_limit_and_so_has_the_message)
{
    Order order;
    OrderFault fault;
    Error err;
    static const char longest[] = "{\"event_id\":\"" LONG_200 "\",\"event_type\":\"order_created\",\"order_id\":\"o\","
                                  "\"occurred_at\":\"2026-06-01T10:00:00Z\"," PLACE "}";
    cr_assert(parse(longest, sizeof longest - 1, &order, &fault, &err), "%s", err.message);

    size_t size = ORDER_MESSAGE_MAX_BYTES + 1;
    char *json = malloc(size);
    memset(json, ' ', size);
    memcpy(json, EVENT(), sizeof EVENT() - 1);
    cr_assert(parse(json, size - 1, &order, &fault, &err), "%s", err.message);
    cr_assert_not(parse(json, size, &order, &fault, &err));
    cr_assert_eq(fault, ORDER_FAULT_TOO_LARGE);
    free(json);
}

/* A message that Postgres refuses would keep its whole batch, and all that come after, from being stored. */
Test(order, what_a_fault_shows_is_cut_between_characters)
{
    static const char *const beginnings[] = {"", "a", "aa", "aaa"};
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        char json[256] = "{\"event_id\":\"e\",\"order_id\":\"o\",\"event_type\":\"";
        strcat(json, beginnings[i]);
        for (int k = 0; k < 20; k++)
            strcat(json, "\xf0\x9f\x9b\xb5");
        strcat(json, "\"}");
        Order order;
        OrderFault fault;
        Error err;
        cr_assert_not(parse(json, strlen(json), &order, &fault, &err));
        cr_expect_eq(fault, ORDER_FAULT_BAD_VALUE);
        cr_expect(g_utf8_validate(err.message, -1, NULL), "%s", err.message);
    }
}

Test(order, deep_nesting_is_read_or_refused_but_not_followed)
{
    enum { DEPTH = 100000 };
    char *json = malloc(2 * DEPTH + sizeof EVENT() + 16);
    char *at = json + sprintf(json, "{%s,%s,\"deep\":", REQUIRED, PLACE);
    memset(at, '[', DEPTH);
    memset(at + DEPTH, ']', DEPTH);
    strcpy(at + 2 * DEPTH, "}");
    Order order;
    OrderFault fault;
    Error err;
    cr_assert(parse(json, strlen(json), &order, &fault, &err), "%s", err.message);
    free(json);
}

Test(order, survives_junk)
{
    unsigned seed = 1;
    static const char good[] = EVENT(",\"total\":{\"amount\":\"1.5\",\"currency\":\"ARS\"}");
    for (int round = 0; round < 20000; round++) {
        char json[sizeof good];
        memcpy(json, good, sizeof good);
        size_t length = sizeof good - 1;
        for (int i = 0; i < 1 + round % 8; i++)
            json[(size_t)rand_r(&seed) % length] = (char)rand_r(&seed);
        if (round % 3 == 0)
            length = (size_t)rand_r(&seed) % length;
        Order order;
        OrderFault fault = ORDER_FAULTS_COUNT;
        Error err = {0};
        if (!parse(json, length, &order, &fault, &err))
            cr_assert_lt(fault, ORDER_FAULTS_COUNT);
    }
}

Test(order, the_key_is_order_and_type)
{
    OrderText a = {"order-1", 7}, b = {"order-2", 7};
    cr_assert_eq(order_key_hash(a, ORDER_EVENT_CREATED), order_key_hash(a, ORDER_EVENT_CREATED));
    cr_assert_neq(order_key_hash(a, ORDER_EVENT_CREATED), order_key_hash(a, ORDER_EVENT_CANCELLED));
    cr_assert_neq(order_key_hash(a, ORDER_EVENT_CREATED), order_key_hash(b, ORDER_EVENT_CREATED));
}

static int by_value(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

Test(order, keys_of_numbered_orders_are_told_apart)
{
    enum { ORDERS = 20000 };
    static uint64_t hashes[ORDERS * ORDER_EVENT_TYPES_COUNT];
    size_t count = 0;
    for (int i = 0; i < ORDERS; i++) {
        char id[16];
        uint32_t length = (uint32_t)snprintf(id, sizeof id, "o%09d", i);
        for (int type = 0; type < ORDER_EVENT_TYPES_COUNT; type++)
            hashes[count++] = order_key_hash((OrderText){id, length}, (OrderEventType)type);
    }
    qsort(hashes, count, sizeof hashes[0], by_value);
    for (size_t i = 1; i < count; i++)
        cr_assert_neq(hashes[i - 1], hashes[i]);
}

Test(order, the_customer_hash_is_part_of_what_is_stored)
{
    cr_assert_eq(order_customer_hash((OrderText){"customer-1", 10}), 0xf3a4e434f3e1cffeULL);
}
