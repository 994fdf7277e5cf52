#include <criterion/criterion.h>
#include <string.h>
#include "services/ingest/orders/numeric.h"

/* Text and the sixteen-bit words of numeric_send() for it: digits, weight, sign, scale, groups of four. */
static const struct {
    const char *text;
    int words[12];
    int count;
} cases[] = {
    {"0", {0, 0, 0, 0}, 4},
    {"0.00", {0, 0, 0, 2}, 4},
    {"1", {1, 0, 0, 0, 1}, 5},
    {"1234.50", {2, 0, 0, 2, 1234, 5000}, 6},
    {"12345", {2, 1, 0, 0, 1, 2345}, 6},
    {"10000", {1, 1, 0, 0, 1}, 5},
    {"0.000001", {1, -2, 0, 6, 100}, 5},
    {"0012.5", {2, 0, 0, 1, 12, 5000}, 6},
    {"123456789012.123456", {5, 2, 0, 6, 1234, 5678, 9012, 1234, 5600}, 9},
};

Test(numeric, is_what_postgres_sends)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t out[NUMERIC_BINARY_MAX_BYTES];
        size_t length = numeric_encode(cases[i].text, strlen(cases[i].text), out);
        cr_assert_eq(length, 2 * (size_t)cases[i].count, "%s: %zu bytes", cases[i].text, length);
        for (int word = 0; word < cases[i].count; word++) {
            int16_t value = (int16_t)(out[2 * word] << 8 | out[2 * word + 1]);
            cr_expect_eq(value, cases[i].words[word], "%s: word %d is %d", cases[i].text, word, value);
        }
    }
}
