#include <criterion/criterion.h>

#include "common/clock.h"

Test(clock, empty_is_the_wall_clock)
{
    cr_assert(clock_init("", NULL));
    cr_assert_not(clock_follows_data());
    Instant before = clock_wall();
    Instant now = clock_now();
    cr_assert(before <= now && now <= clock_wall());
    cr_assert_gt(now, INT64_C(1700000000) * INSTANT_PER_SECOND);
}

Test(clock, an_instant_stands_still)
{
    cr_assert(clock_init("1970-01-01T01:00:00Z", NULL));
    cr_assert_eq(clock_now(), INSTANT_PER_HOUR);
    clock_set_watermark(2 * INSTANT_PER_HOUR);
    cr_assert_eq(clock_now(), INSTANT_PER_HOUR);
}

Test(clock, data_follows_the_watermark_and_never_goes_back)
{
    cr_assert(clock_init("data", NULL));
    cr_assert(clock_follows_data());
    cr_assert_eq(clock_now(), INSTANT_NONE);
    clock_set_watermark(5);
    clock_set_watermark(3);
    cr_assert_eq(clock_now(), 5);
    clock_set_watermark(INSTANT_NONE);
    cr_assert_eq(clock_now(), 5);
}

Test(clock, anything_else_is_refused)
{
    Error err;
    cr_assert_not(clock_init("yesterday", &err));
    cr_assert_not_null(err.message);
    cr_assert_eq(strncmp(err.message, "RUSHCAST_NOW", 12), 0);
}

Test(clock, monotonic_units_agree)
{
    double s = clock_monotonic_s();
    int64_t ms = clock_monotonic_ms();
    cr_assert(ms >= (int64_t)(s * 1000) && ms < (int64_t)(s * 1000) + 1000);
}
