#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "services/ingest/entities/entity_value.h"

static void check(EntityType type, const char *const *good, const char *const *bad)
{
    const char *why;
    for (; *good; good++)
        cr_assert(entity_value_check(type, *good, &why), "'%s' %s", *good, why);
    for (; *bad; bad++)
        cr_assert_not(entity_value_check(type, *bad, &why), "'%s' is no %s", *bad, entity_type_name(type));
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

Test(entity_value, integers_have_64_bits)
{
    check(ENTITY_INTEGER, LIST("0", "-1", "+7", "007", "9223372036854775807", "-9223372036854775808"),
          LIST("", "-", "1.0", "1e3", " 1", "1 ", "0x10", "9223372036854775808", "-9223372036854775809"));
}

Test(entity_value, numbers_are_finite)
{
    check(ENTITY_DECIMAL, LIST("0", "-1.50", ".5", "5.", "1e1000", "1E-7", "+3"),
          LIST("", ".", "NaN", "Infinity", "1e", "1e1001", "1,5", "--1", "1e99999999999", "1.2.3"));
    check(ENTITY_REAL, LIST("0", "-1.5e300", "1e-300"), LIST("1e400", "1e-400", "nan", "inf", "0x1p3", ""));
}

Test(entity_value, instants_are_as_rfc_3339_or_postgres_writes_them)
{
    check(ENTITY_INSTANT,
          LIST("2026-11-23T16:00:00Z", "2026-11-23 16:00:00+00", "2026-11-23 16:00:00.123456-03:30",
               "2026-11-23 16:00:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2024-02-29T00:00:00+05:30:15"),
          LIST("", "2026-11-23", "2026-02-29T00:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23T16:60:00Z", "infinity",
               "2026-11-23T16:00:00+16", "2026-11-23T16:00:00.Z", "2026-11-23T16:00:00 BC", "10000-01-01T00:00:00Z",
               "0000-01-01T00:00:00Z", "2026-11-23T16:00:00+3", "2026-11-23T16:00:00+03:3", "2026-11-23T16:00"));
    check(ENTITY_DATE, LIST("2026-11-23", "2000-02-29"),
          LIST("2026-11-23Z", "2026-11-31", "1900-02-29", "2026-1-1", ""));
}

Test(entity_value, booleans_are_those_of_postgres)
{
    check(ENTITY_BOOLEAN, LIST("t", "f", "true", "FALSE", "yes", "0"), LIST("", "2", "tru", "null"));
}

Test(entity_value, json_is_what_jsonb_takes)
{
    char deep[2 * ENTITY_JSON_DEPTH_MAX + 10];
    memset(deep, '[', ENTITY_JSON_DEPTH_MAX + 2);
    memset(deep + ENTITY_JSON_DEPTH_MAX + 2, ']', ENTITY_JSON_DEPTH_MAX + 2);
    deep[2 * (ENTITY_JSON_DEPTH_MAX + 2)] = '\0';
    check(ENTITY_JSON, LIST("{}", "null", "[1,2.5e10,\"\\u00f1\"]", "\"\\ud83d\\ude00\"", "{\"a\":{\"b\":[true]}}"),
          LIST("", "{", "{\"a\":\"\\u0000\"}", "{\"\\u0000\":1}", "\"\\ud83d\"", "1e99999", "\"\xff\"", "[1,]", deep));
}

Test(entity_value, texts_are_utf_8_and_of_limited_length)
{
    check(ENTITY_TEXT, LIST("", "ñandú", "\x01"), LIST("\xff", "\xc3", "\xed\xa0\x80"));
    const char *why;
    char *text = malloc(ENTITY_VALUE_MAX_BYTES + 2);
    memset(text, 'a', ENTITY_VALUE_MAX_BYTES + 1);
    text[ENTITY_VALUE_MAX_BYTES + 1] = '\0';
    cr_assert_not(entity_value_check(ENTITY_TEXT, text, &why));
    text[ENTITY_VALUE_MAX_BYTES] = '\0';
    cr_assert(entity_value_check(ENTITY_TEXT, text, &why));
    free(text);
}

Test(entity_value, a_key_has_one_form)
{
    const char *why;
    cr_assert(entity_value_check_key(ENTITY_INTEGER, "-7", &why));
    cr_assert(entity_value_check_key(ENTITY_INTEGER, "0", &why));
    cr_assert(entity_value_check_key(ENTITY_TEXT, "007", &why));
    cr_assert_not(entity_value_check_key(ENTITY_INTEGER, "007", &why));
    cr_assert_not(entity_value_check_key(ENTITY_INTEGER, "+7", &why));
    cr_assert_not(entity_value_check_key(ENTITY_INTEGER, "-0", &why));
}

Test(entity_value, numbers_compare_by_value)
{
    cr_assert_lt(entity_value_compare("-1", "0"), 0);
    cr_assert_gt(entity_value_compare("9223372036854775807", "9223372036854775806"), 0);
    cr_assert_eq(entity_value_compare("1.50", "1.5"), 0);
}
