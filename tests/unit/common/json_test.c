#include <criterion/criterion.h>

#include <string.h>

#include "common/json.h"

typedef struct Target {
    const char *name;
    int64_t count;
    double price;
    bool enabled;
    Instant at;
    Hour hour;
    json_t *any;
} Target;

static const JsonField fields[] = {
    {"name", JSON_FIELD_TEXT, offsetof(Target, name), false, 0, 0},
    {"count", JSON_FIELD_INT, offsetof(Target, count), true, 1, 10},
    {"price", JSON_FIELD_REAL, offsetof(Target, price), true, 0, 0},
    {"enabled", JSON_FIELD_BOOL, offsetof(Target, enabled), true, 0, 0},
    {"at", JSON_FIELD_INSTANT, offsetof(Target, at), true, 0, 0},
    {"hour", JSON_FIELD_HOUR, offsetof(Target, hour), true, 0, 0},
    {"any", JSON_FIELD_ANY, offsetof(Target, any), true, 0, 0},
    {0},
};

static json_t *parse(const char *text)
{
    json_t *json = NULL;
    Error err;
    cr_assert(json_parse(text, strlen(text), &json, &err), "%s", err.message);
    return json;
}

Test(json, reads_every_type)
{
    JSON_SCOPED json_t *json =
        parse("{\"name\":\"x\",\"count\":3,\"price\":2,\"enabled\":true,\"any\":[1],\"unknown\":0,"
              "\"at\":\"1970-01-01T00:00:01Z\",\"hour\":\"1970-01-02T00:00:00Z\"}");
    ARENA_SCOPED Arena *arena = arena_new();
    Target target = {0};
    Error err;
    cr_assert(json_read(json, "", fields, arena, &target, &err), "%s", err.message);
    cr_assert_str_eq(target.name, "x");
    cr_assert_eq(target.count, 3);
    cr_assert_float_eq(target.price, 2, 0);
    cr_assert(target.enabled);
    cr_assert_eq(target.at, INSTANT_PER_SECOND);
    cr_assert_eq(target.hour, 24);
    cr_assert_eq(json_array_size(target.any), 1);
}

Test(json, optional_fields_that_are_absent_or_null_are_left_alone)
{
    JSON_SCOPED json_t *json = parse("{\"name\":\"x\",\"count\":null}");
    ARENA_SCOPED Arena *arena = arena_new();
    Target target = {.count = 7, .price = 1.5};
    cr_assert(json_read(json, "", fields, arena, &target, NULL));
    cr_assert_eq(target.count, 7);
    cr_assert_float_eq(target.price, 1.5, 0);
}

static const struct {
    char text[64], pointer[24], message[96];
} bad_objects[] = {
    {"{}", "/items/0/name", "/items/0/name: is missing"},
    {"{\"name\":null}", "/items/0/name", "/items/0/name: a text is needed"},
    {"{\"name\":1}", "/items/0/name", "/items/0/name: a text is needed"},
    {"{\"name\":\"x\",\"count\":11}", "/items/0/count", "/items/0/count: a whole number from 1 to 10 is needed"},
    {"{\"name\":\"x\",\"count\":1.5}", "/items/0/count", "/items/0/count: a whole number from 1 to 10 is needed"},
    {"{\"name\":\"x\",\"price\":\"1\"}", "/items/0/price", "/items/0/price: a number is needed"},
    {"{\"name\":\"x\",\"enabled\":1}", "/items/0/enabled", "/items/0/enabled: true or false is needed"},
    {"{\"name\":\"x\",\"at\":5}", "/items/0/at", "/items/0/at: an RFC 3339 instant is needed"},
    {"[]", "/items/0", "/items/0: an object is needed"},
};

Test(json, errors_point_to_the_field)
{
    for (size_t i = 0; i < sizeof(bad_objects) / sizeof(bad_objects[0]); i++) {
        JSON_SCOPED json_t *json = parse(bad_objects[i].text);
        ARENA_SCOPED Arena *arena = arena_new();
        Target target = {0};
        Error err;
        cr_assert_not(json_read(json, "/items/0", fields, arena, &target, &err));
        cr_assert_eq(err.code, ERROR_UNPROCESSABLE);
        cr_assert_str_eq(err.pointer, bad_objects[i].pointer);
        cr_assert_str_eq(err.message, bad_objects[i].message);
    }
}

Test(json, times_must_be_times)
{
    ARENA_SCOPED Arena *arena = arena_new();
    Target target = {0};
    Error err;
    JSON_SCOPED json_t *json = parse("{\"name\":\"x\",\"hour\":\"2026-11-23T16:30:00Z\"}");
    cr_assert_not(json_read(json, "", fields, arena, &target, &err));
    cr_assert_str_eq(err.pointer, "/hour");
}

static const char bad_texts[][32] = {"",    "{", "{\"a\":1,\"a\":2}", "{\"a\":1} x", "[NaN]", "{\"a\":\"\\u0000\"}",
                                     "\xff"};

Test(json, malformed_texts_are_refused_with_their_place)
{
    for (size_t i = 0; i < sizeof(bad_texts) / sizeof(bad_texts[0]); i++) {
        json_t *json = NULL;
        Error err;
        cr_assert_not(json_parse(bad_texts[i], strlen(bad_texts[i]), &json, &err));
        cr_assert_null(json);
        cr_assert_eq(err.code, ERROR_MALFORMED);
        cr_assert(i == 0 || strstr(err.message, "line 1") != NULL, "%s", err.message);
    }
}

Test(json, times_are_rfc_3339_or_null)
{
    JSON_SCOPED json_t *instant = json_instant(1500000), *hour = json_hour(1), *no_instant = json_instant(INSTANT_NONE),
                       *no_hour = json_hour(HOUR_NONE);
    cr_expect_str_eq(json_string_value(instant), "1970-01-01T00:00:01.5Z");
    cr_expect_str_eq(json_string_value(hour), "1970-01-01T01:00:00Z");
    cr_expect(json_is_null(no_instant));
    cr_expect(json_is_null(no_hour));
}
