#include "services/ingest/quality/completeness.h"

#include <criterion/criterion.h>
#include <math.h>

enum { WEEKS = 6, HOURS = WEEKS * HOURS_PER_WEEK, GAPS_MAX = 10 };

static const Hour first = 494000;
static int64_t orders[HOURS];
static CompletenessGap gaps[GAPS_MAX];

/* So many orders in each hour of the day from 10 to 23, none at night. */
static void fill(int64_t by_day)
{
    for (size_t i = 0; i < HOURS; i++)
        orders[i] = i % HOURS_PER_DAY >= 10 ? by_day : 0;
}

static size_t find(size_t hours)
{
    return completeness_find_gaps(orders, first, hours, first, gaps, GAPS_MAX);
}

Test(completeness, probability_is_that_of_poisson)
{
    cr_assert_float_eq(completeness_log10_probability(0, 10), -10 / log(10), 1e-12);
    cr_assert_float_eq(completeness_log10_probability(2, 5), log10(exp(-5) * (1 + 5 + 12.5)), 1e-12);
    cr_assert_float_eq(completeness_log10_probability(800, 1000), -10.6, 0.5,
                       "far out, where a plain sum would vanish");
    cr_assert_eq(completeness_log10_probability(7, 7), 0);
    cr_assert_eq(completeness_log10_probability(0, 0), 0);
}

Test(completeness, expects_the_median_of_the_same_hour_of_the_weeks_before)
{
    fill(0);
    for (size_t week = 0; week < 4; week++)
        orders[5 + week * HOURS_PER_WEEK] = (int64_t[]){10, 1000, 20, 0}[week];
    cr_assert_eq(completeness_expected(orders, 5 + 4 * HOURS_PER_WEEK), 15, "one odd week does not matter");
    cr_assert_eq(completeness_expected(orders, 5 + 3 * HOURS_PER_WEEK), 20, "of three the middle one");
    cr_assert_lt(completeness_expected(orders, 5 + HOURS_PER_WEEK), 0, "one week says nothing");
    cr_assert_lt(completeness_expected(orders, 5), 0);
}

Test(completeness, a_complete_history_has_no_gaps)
{
    fill(50);
    cr_assert_eq(find(HOURS), 0);
    fill(0);
    cr_assert_eq(find(HOURS), 0, "a place without orders has none to miss");
}

Test(completeness, a_busy_place_has_a_gap_after_an_hour)
{
    fill(50);
    size_t hour = 5 * HOURS_PER_WEEK + 12;
    orders[hour] = 0;
    cr_assert_eq(find(HOURS), 1);
    cr_assert(gaps[0].from == first + (Hour)hour && gaps[0].to == gaps[0].from + 1);
    cr_assert(gaps[0].orders == 0 && gaps[0].expected == 50 && gaps[0].log10_probability < -20);
    orders[hour] = 9;
    cr_assert_eq(find(HOURS), 1, "some orders are far too few");
    orders[hour] = 10;
    cr_assert_eq(find(HOURS), 0, "a fifth may be a holiday");
}

Test(completeness, a_quiet_place_has_a_gap_after_many_hours)
{
    fill(1);
    size_t start = 5 * HOURS_PER_WEEK + 10;
    for (size_t i = 0; i < 10; i++)
        orders[start + i] = 0;
    cr_assert_eq(find(HOURS), 0, "ten hours of nothing happen by chance where one order an hour is usual");
    for (size_t i = 0; i < HOURS_PER_DAY; i++)
        orders[start + i] = 0;
    cr_assert_eq(find(HOURS), 1, "a day of nothing does not");
    cr_assert(gaps[0].from == first + (Hour)start && gaps[0].to == gaps[0].from + 14,
              "the quiet hours at its end are not part of it");
    cr_assert_eq(gaps[0].expected, 14);
}

Test(completeness, quiet_nights_do_not_divide_a_gap)
{
    fill(1);
    size_t start = 5 * HOURS_PER_WEEK + 20;
    for (size_t i = 0; i < 28; i++)
        orders[start + i] = 0;
    cr_assert_eq(find(HOURS), 1);
    cr_assert(gaps[0].from == first + (Hour)start && gaps[0].to == gaps[0].from + 28);
}

Test(completeness, a_gap_that_goes_on_ends_where_the_history_does)
{
    fill(50);
    size_t end = 5 * HOURS_PER_WEEK + 15;
    orders[end - 2] = orders[end - 1] = 0;
    cr_assert_eq(find(end), 1);
    cr_assert_eq(gaps[0].to, first + (Hour)end);
}

Test(completeness, gaps_from_before_the_span_are_not_told)
{
    fill(50);
    size_t hour = 5 * HOURS_PER_WEEK + 12;
    orders[hour] = orders[hour + 1] = 0;
    Hour from = first + (Hour)hour;
    cr_assert_eq(completeness_find_gaps(orders, first, HOURS, from, gaps, GAPS_MAX), 1);
    cr_assert_eq(completeness_find_gaps(orders, first, HOURS, from + 1, gaps, GAPS_MAX), 0);
}

Test(completeness, no_more_gaps_than_there_is_room_for)
{
    fill(50);
    for (size_t day = 0; day < 6; day++)
        orders[5 * HOURS_PER_WEEK + day * HOURS_PER_DAY + 12] = 0;
    cr_assert_eq(find(HOURS), 6);
    cr_assert_eq(completeness_find_gaps(orders, first, HOURS, first, gaps, 2), 2);
}
