#include <criterion/criterion.h>
#include "services/ingest/orders/dedupe_window.h"

enum { CAPACITY = 1000 };

/* Spreads small numbers over the hash's range. */
static uint64_t hash(uint64_t number)
{
    return (number + 1) * 0x9e3779b97f4a7c15ULL;
}

Test(dedupe_window, knows_what_it_was_told)
{
    DedupeWindow *window = dedupe_window_new(CAPACITY);
    for (uint64_t i = 0; i < 10 * CAPACITY; i++) {
        cr_assert_not(dedupe_window_add(window, hash(i)), "%d is new", (int)i);
        cr_assert(dedupe_window_add(window, hash(i)));
    }
    for (uint64_t i = 9 * CAPACITY; i < 10 * CAPACITY; i++)
        cr_assert(dedupe_window_add(window, hash(i)));
    dedupe_window_free(window);
}

Test(dedupe_window, forgets_what_is_old)
{
    DedupeWindow *window = dedupe_window_new(CAPACITY);
    for (uint64_t i = 0; i < 3 * CAPACITY; i++)
        dedupe_window_add(window, hash(i));
    cr_assert_not(dedupe_window_add(window, hash(0)));
    cr_assert(dedupe_window_add(window, hash(3 * CAPACITY - 1)));
    dedupe_window_free(window);
}

Test(dedupe_window, can_be_cleared)
{
    DedupeWindow *window = dedupe_window_new(CAPACITY);
    dedupe_window_add(window, 7);
    dedupe_window_clear(window);
    cr_assert_not(dedupe_window_add(window, 7));
    dedupe_window_free(window);
}

Test(dedupe_window, has_the_size_it_says)
{
    DedupeWindow *window = dedupe_window_new(CAPACITY);
    cr_assert_leq(dedupe_window_bytes(window), 64 * CAPACITY);
    dedupe_window_free(window);
    dedupe_window_free(NULL);
}
