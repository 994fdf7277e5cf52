#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"

#define EXPECT(buffer, text) cr_assert_str_eq((buffer).data, (text))

Test(buffer, appends_grow_and_stay_terminated)
{
    BUFFER_SCOPED Buffer buffer;
    buffer_init(&buffer, 100000);
    for (int i = 0; i < 1000; i++)
        buffer_printf(&buffer, "%d,", i);
    cr_assert(buffer_ok(&buffer, NULL));
    cr_assert_eq(strlen(buffer.data), buffer.length_bytes);
    cr_assert_eq(strncmp(buffer.data, "0,1,2,", 6), 0);
    cr_assert_str_eq(buffer.data + buffer.length_bytes - 4, "999,");
}

Test(buffer, the_limit_is_exact_and_remembered)
{
    BUFFER_SCOPED Buffer buffer;
    buffer_init(&buffer, 5);
    buffer_append_text(&buffer, "12345");
    cr_assert(buffer_ok(&buffer, NULL));
    buffer_append_char(&buffer, '6');
    buffer_append_text(&buffer, "");
    Error err;
    cr_assert_not(buffer_ok(&buffer, &err));
    cr_assert_eq(err.code, ERROR_TOO_LARGE);
    EXPECT(buffer, "12345");
    buffer_clear(&buffer);
    cr_assert(buffer_ok(&buffer, NULL));
    EXPECT(buffer, "");
}

Test(buffer, printf_beyond_the_limit_leaves_what_was_there)
{
    BUFFER_SCOPED Buffer buffer;
    buffer_init(&buffer, 300);
    buffer_append_text(&buffer, "abc");
    buffer_printf(&buffer, "%400d", 1);
    cr_assert_not(buffer_ok(&buffer, NULL));
    EXPECT(buffer, "abc");
}

Test(buffer, json_strings_are_escaped)
{
    BUFFER_SCOPED Buffer buffer;
    buffer_init(&buffer, 1000);
    buffer_append_json_string(&buffer, "a\"b\\c\n\t\r\x01\x7f é€😀");
    EXPECT(buffer, "\"a\\\"b\\\\c\\n\\t\\r\\u0001\\u007f é€😀\"");
    buffer_clear(&buffer);
    buffer_append_json_string(&buffer, NULL);
    EXPECT(buffer, "null");
}

Test(buffer, what_is_not_utf8_is_replaced)
{
    static const char *const bad[] = {"\xff",     "\x80",    "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80",
                                      "\xe2\x82", "\xf0\x9f"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        BUFFER_SCOPED Buffer buffer;
        buffer_init(&buffer, 1000);
        buffer_append_json_string(&buffer, bad[i]);
        char expected[64] = "\"";
        for (size_t k = 0; k < strlen(bad[i]); k++)
            strcat(expected, "\xEF\xBF\xBD");
        strcat(expected, "\"");
        EXPECT(buffer, expected);
    }
}

Test(buffer, integers)
{
    BUFFER_SCOPED Buffer buffer;
    buffer_init(&buffer, 1000);
    static const int64_t values[] = {0, 7, -7, 10, 99, 100, 12345, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char expected[32];
        snprintf(expected, sizeof(expected), "%lld", (long long)values[i]);
        buffer_clear(&buffer);
        buffer_append_int(&buffer, values[i]);
        EXPECT(buffer, expected);
    }
}

Test(buffer, decimals)
{
    static const struct {
        double value;
        int decimals;
        char expected[48];
    } cases[] = {
        {0, 4, "0"},
        {-0.0, 4, "0"},
        {-0.00001, 4, "0"},
        {1, 4, "1"},
        {1.5, 4, "1.5"},
        {-1.5, 4, "-1.5"},
        {0.05, 4, "0.05"},
        {0.0001, 4, "0.0001"},
        {12.3456, 4, "12.3456"},
        {12.34565, 4, "12.3456"},
        {1.005, 2, "1"},
        {2.5, 0, "2"},
        {3.5, 0, "4"},
        {0.125, 2, "0.12"},
        {0.375, 2, "0.38"},
        {999999.99996, 4, "1000000"},
        {99.99996, 4, "100"},
        {100, 0, "100"},
        {1e15, 4, "1000000000000000"},
        {1e22, 2, "10000000000000000000000"},
        {123456789012.25, 2, "123456789012.25"},
        {INFINITY, 2, "null"},
        {NAN, 2, "null"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUFFER_SCOPED Buffer buffer;
        buffer_init(&buffer, 1000);
        buffer_append_decimal(&buffer, cases[i].value, cases[i].decimals);
        EXPECT(buffer, cases[i].expected);
    }
}

/* The C library rounds correctly; the fast way must agree with it, at and next to ties too. */
Test(buffer, decimals_round_as_printf_does)
{
    BUFFER_SCOPED Buffer buffer;
    buffer_init(&buffer, 1000);
    srand48(20141);
    for (int i = 0; i < 200000; i++) {
        int decimals = (int)(lrand48() % 7);
        double value = (drand48() - 0.5) * pow(10, (double)(lrand48() % 9));
        if (i % 3 == 0)
            value = nearbyint(value * 64) / 64;
        if (i % 7 == 0)
            value = nextafter(value, INFINITY);
        char expected[64];
        int length = snprintf(expected, sizeof(expected), "%.*f", decimals, value);
        while (decimals > 0 && expected[length - 1] == '0')
            expected[--length] = '\0';
        if (expected[length - 1] == '.')
            expected[--length] = '\0';
        buffer_clear(&buffer);
        buffer_append_decimal(&buffer, value, decimals);
        cr_assert_str_eq(buffer.data, strcmp(expected, "-0") == 0 ? "0" : expected, "%.17g with %d", value, decimals);
    }
}

Test(buffer, csv_fields_are_quoted_when_they_must_be)
{
    BUFFER_SCOPED Buffer buffer;
    buffer_init(&buffer, 1000);
    buffer_append_csv(&buffer, "plain");
    buffer_append_char(&buffer, ',');
    buffer_append_csv(&buffer, "a,b");
    buffer_append_char(&buffer, ',');
    buffer_append_csv(&buffer, "say \"hi\"\n");
    EXPECT(buffer, "plain,\"a,b\",\"say \"\"hi\"\"\n\"");
}

Test(buffer, steal_hands_the_memory_over)
{
    Buffer buffer;
    buffer_init(&buffer, 1000);
    buffer_append_text(&buffer, "abc");
    size_t length_bytes;
    char *data = buffer_steal(&buffer, &length_bytes);
    cr_assert_eq(length_bytes, 3);
    cr_assert_str_eq(data, "abc");
    cr_assert_null(buffer.data);
    free(data);
    buffer_fini(&buffer);
}

Test(buffer, fini_accepts_a_zeroed_one)
{
    Buffer buffer = {0};
    buffer_fini(&buffer);
}
