#include <criterion/criterion.h>
#include <string.h>
#include "services/ingest/privacy/order_strip.h"

enum { OUT_MAX_BYTES = 1 << 16 };

/* A message and what is left of it when "cust 7" is erased; NULL: nothing is to be done, "": emptied. */
static const struct {
    const char *message, *rest;
} cases[] = {
    /* Fields of the contract stay, in their order, numbers as written. */
    {"{\"total\":{\"amount\":\"7.50\",\"currency\":\"ARS\",\"card\":\"4111\"},\"customer_id\":\"cust 7\","
     "\"name\":\"Ana\",\"location\":{\"lat\":-32.940,\"lon\":6.06e1,\"address\":\"home\"},\"event_id\":\"e1\"}",
     "{\"total\":{\"amount\":\"7.50\",\"currency\":\"ARS\"},\"location\":{\"lat\":-32.940,\"lon\":6.06e1},"
     "\"event_id\":\"e1\"}"},
    {"{\"customer_id\":\"cust 7\",\"items\":[{\"sku\":\"s\",\"quantity\":2.0,\"note\":\"ring twice\"},"
     "\"for cust 7\",{\"name\":\"cake for cust 7\",\"unit_price\":\"1.50\"}],\"vertical\":null}",
     "{\"items\":[{\"sku\":\"s\",\"quantity\":2.0},{\"unit_price\":\"1.50\"}],\"vertical\":null}"},
    {"{\"customer_id\":\"\\u0063ust\\u00207\",\"order_id\":\"a\\\"\\u00f1\\n\"}",
     "{\"order_id\":\"a\\\"\xc3\xb1\\n\"}"},
    /* Of a field that is there twice the first is the one that was read. */
    {"{\"customer_id\":\"cust 7\",\"order_id\":\"o1\",\"order_id\":\"Ana\",\"customer_id\":\"other\"}",
     "{\"order_id\":\"o1\"}"},
    /* Fields of another type may hold anything. */
    {"{\"customer_id\":\"cust 7\",\"order_id\":{\"phone\":1},\"location\":[1],\"items\":{},\"branch_id\":5}", "{}"},
    /* Another customer's message is that customer's. */
    {"{\"customer_id\":\"cust 70\",\"note\":\"cust 7\"}", NULL},
    {"{\"customer_id\":\"cust\",\"note\":\"cust 7\"}", NULL},
    /* One that names nobody is whose it mentions, and what the contract names does not count. */
    {"{\"customer\":{\"id\":\"cust 7\",\"phone\":1},\"event_type\":\"x\",\"order_id\":\"o\"}",
     "{\"event_type\":\"x\",\"order_id\":\"o\"}"},
    {"{\"by\":{\"cust 7\":[]},\"order_id\":\"o\"}", "{\"order_id\":\"o\"}"},
    {"{\"note\":\"from cust 7, again\",\"order_id\":\"o\"}", "{\"order_id\":\"o\"}"},
    {"{\"event_type\":\"cust 7\",\"order_id\":\"o\"}", "{\"order_id\":\"o\"}"},
    {"{\"customer_id\":[\"cust 7\"],\"order_id\":\"o\"}", "{\"order_id\":\"o\"}"},
    {"{\"order_id\":\"o\",\"note\":\"cust 70\"}", NULL},
    {"{\"order_id\":\"o of cust 7\",\"note\":\"nobody\"}", NULL},
    /* What is no object can't be told apart. */
    {"{\"customer_id\":\"cust 7\"", ""},
    {"{\"customer_id\":\"\\u0063ust 7", ""},
    {"[\"cust 7\"]", ""},
    {"e1;o1;cust 7;555-1234", ""},
    {"\xff\xfe"
     "cust 7",
     ""},
    {"e1;o1;cust 71;555-1234", NULL},
    {"e1;o1;xcust 7", NULL},
    {"\xc3\xb1 cust7", NULL},
    {"", NULL},
};

static void check(const PersonalIds *ids, size_t i)
{
    Buffer out;
    buffer_init(&out, OUT_MAX_BYTES);
    StripOutcome outcome = order_strip(ids, cases[i].message, strlen(cases[i].message), &out);
    if (!cases[i].rest)
        cr_expect_eq(outcome, STRIP_NOTHING, "%s: %d", cases[i].message, outcome);
    else if (cases[i].rest[0] == '\0')
        cr_expect(outcome == STRIP_EMPTIED && out.length_bytes == 0, "%s: %d", cases[i].message, outcome);
    else
        cr_expect(outcome == STRIP_REWRITTEN && strcmp(out.data, cases[i].rest) == 0, "%s: %d %s", cases[i].message,
                  outcome, out.data ? out.data : "");
    buffer_fini(&out);
}

Test(order_strip, leaves_what_totals_need)
{
    PersonalId id = {.id = "cust 7", .length_bytes = 6};
    PersonalIds ids = personal_ids_one(&id);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check(&ids, i);
}

Test(order_strip, takes_a_number_for_an_id_only_where_no_number_belongs)
{
    PersonalId id = {.id = "50", .length_bytes = 2};
    PersonalIds ids = personal_ids_one(&id);
    Buffer out;
    buffer_init(&out, OUT_MAX_BYTES);
    static const char order[] = "{\"customer_id\":\"50\",\"total\":{\"amount\":\"50\",\"currency\":\"ARS\"},"
                                "\"items\":[{\"quantity\":50,\"unit_price\":\"1.50\"}]}";
    cr_assert_eq(order_strip(&ids, order, strlen(order), &out), STRIP_REWRITTEN);
    cr_assert_str_eq(out.data, "{\"total\":{\"amount\":\"50\",\"currency\":\"ARS\"},"
                               "\"items\":[{\"quantity\":50,\"unit_price\":\"1.50\"}]}");
    static const char letter[] = "{\"location\":{\"lat\":50,\"lon\":50},\"items\":[{\"quantity\":50}]}";
    cr_assert_eq(order_strip(&ids, letter, strlen(letter), &out), STRIP_NOTHING);
    static const char numbered[] = "{\"customer_id\":50,\"order_id\":\"o\"}";
    cr_assert_eq(order_strip(&ids, numbered, strlen(numbered), &out), STRIP_REWRITTEN);
    cr_assert_str_eq(out.data, "{\"order_id\":\"o\"}");
    buffer_fini(&out);
}

Test(order_strip, names_the_customer_of_a_message)
{
    uint64_t hash = 0;
    static const char named[] = "{\"customer_id\":\"c\\u0031\"}";
    cr_assert(order_names_customer(named, strlen(named), &hash));
    cr_assert_eq(hash, order_customer_hash((OrderText){.data = "c1", .length_bytes = 2}));
    static const char *const unnamed[] = {"", "{}", "[]", "{\"customer_id\":1}", "{\"customer_id\":\"\"}", "junk"};
    for (size_t i = 0; i < sizeof unnamed / sizeof unnamed[0]; i++)
        cr_assert_not(order_names_customer(unnamed[i], strlen(unnamed[i]), &hash), "%s", unnamed[i]);
}
