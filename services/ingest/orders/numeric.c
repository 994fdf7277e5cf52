#include "services/ingest/orders/numeric.h"

#include <assert.h>
#include <string.h>

enum { GROUP_DIGITS = 4 }; /* Postgres keeps groups of four decimal digits, aligned at the point */

static void put16(uint8_t *out, int value)
{
    out[0] = (uint8_t)((unsigned)value >> 8);
    out[1] = (uint8_t)value;
}

size_t numeric_encode(const char *text, size_t length_bytes, uint8_t out[NUMERIC_BINARY_MAX_BYTES])
{
    const char *point = memchr(text, '.', length_bytes);
    size_t whole = point ? (size_t)(point - text) : length_bytes;
    size_t fraction = point ? length_bytes - whole - 1 : 0;
    assert(whole + fraction <= NUMERIC_DIGITS_MAX);

    int groups[NUMERIC_BINARY_MAX_BYTES / 2] = {0};
    int whole_groups = (int)((whole + GROUP_DIGITS - 1) / GROUP_DIGITS);
    int count = whole_groups + (int)((fraction + GROUP_DIGITS - 1) / GROUP_DIGITS);
    size_t lead = (size_t)whole_groups * GROUP_DIGITS - whole; /* zeros that fill the first group */
    for (size_t i = 0; i < whole; i++)
        groups[(lead + i) / GROUP_DIGITS] = groups[(lead + i) / GROUP_DIGITS] * 10 + (text[i] - '0');
    static const int scale[GROUP_DIGITS] = {1000, 100, 10, 1};
    for (size_t i = 0; i < fraction; i++)
        groups[whole_groups + (int)(i / GROUP_DIGITS)] += (point[1 + i] - '0') * scale[i % GROUP_DIGITS];

    int first = 0;
    while (first < count && groups[first] == 0)
        first++;
    while (count > first && groups[count - 1] == 0)
        count--;
    put16(out, count - first);
    put16(out + 2, count == first ? 0 : whole_groups - 1 - first);
    put16(out + 4, 0); /* not negative */
    put16(out + 6, (int)fraction);
    for (int i = first; i < count; i++)
        put16(out + 8 + 2 * (i - first), groups[i]);
    return 8 + 2 * (size_t)(count - first);
}
