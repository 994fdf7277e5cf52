#include "services/feature-store/geo_demand/geo_demand_features.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

TestSuite(geo_demand_features);

enum { HOURS = 1600 };

static GeoDemandCounts counts[HOURS];
static GeoDemandFeatures features[HOURS], other[HOURS];

static void fill_with(int32_t (*orders)(int hour))
{
    for (int hour = 0; hour < HOURS; hour++)
        counts[hour] = (GeoDemandCounts){.orders = orders(hour), .restaurant = orders(hour) / 2};
}

static int32_t one(int hour)
{
    (void)hour;
    return 1;
}

static int32_t its_number(int hour)
{
    return hour;
}

Test(geo_demand_features, first_hours_of_a_life)
{
    fill_with(one);
    counts[1] = (GeoDemandCounts){.orders = 5, .restaurant = 2, .goods = 3};
    geo_demand_compute(counts, 0, 4, features);
    cr_assert_eq(features[0].orders_3h, 1);
    cr_assert_eq(features[1].orders, 5);
    cr_assert_eq(features[1].restaurant, 2);
    cr_assert_eq(features[1].goods, 3);
    cr_assert_eq(features[1].orders_3h, 6);
    cr_assert_eq(features[2].orders_3h, 7);
    cr_assert_eq(features[3].orders_3h, 7, "hours 1..3");
    cr_assert_eq(features[3].orders_24h, 8);
    cr_assert_eq(features[3].orders_168h, 8);
    for (int week = 0; week < GEO_DEMAND_SAME_HOURS; week++)
        cr_assert_eq(features[3].same_hour[week], GEO_DEMAND_NULL, "before the first hour");
    cr_assert(isnan(features[3].trend));
}

Test(geo_demand_features, same_hour_starts_whole_weeks_before_the_next_hour)
{
    fill_with(its_number);
    geo_demand_compute(counts, 0, HOURS, features);
    cr_assert_eq(features[1000].same_hour[0], 1001 - 168);
    cr_assert_eq(features[1000].same_hour[1], 1001 - 336);
    cr_assert_eq(features[1000].same_hour[2], 1001 - 504);
    cr_assert_eq(features[1000].same_hour[3], 1001 - 672);
    cr_assert_eq(features[166].same_hour[0], GEO_DEMAND_NULL);
    cr_assert_eq(features[167].same_hour[0], 0);
    cr_assert_eq(features[671].same_hour[3], 0);
    cr_assert_eq(features[670].same_hour[3], GEO_DEMAND_NULL);
}

Test(geo_demand_features, windows_end_with_their_hour)
{
    fill_with(its_number);
    geo_demand_compute(counts, 0, HOURS, features);
    cr_assert_eq(features[1000].orders_3h, 998 + 999 + 1000);
    cr_assert_eq(features[1000].orders_24h, 24 * (977 + 1000) / 2);
    cr_assert_eq(features[1000].orders_168h, 168 * (833 + 1000) / 2);
}

Test(geo_demand_features, trend_compares_two_weeks)
{
    fill_with(one);
    for (int hour = 168; hour < 336; hour++)
        counts[hour].orders = 3;
    geo_demand_compute(counts, 0, 400, features);
    cr_assert_float_eq(features[335].trend, 3.0, 1e-12);
    cr_assert(isnan(features[167].trend), "no hour before");
    cr_assert_float_eq(features[168].trend, 170.0 / 1.0, 1e-12, "one hour before");
    memset(counts, 0, sizeof(counts));
    geo_demand_compute(counts, 0, 400, features);
    cr_assert(isnan(features[399].trend), "nothing before");
}

/* What a worker computes from the lookback alone is what the whole life gives. */
Test(geo_demand_features, lookback_is_enough)
{
    fill_with(its_number);
    geo_demand_compute(counts, 0, HOURS, features);
    geo_demand_compute(counts + 200, GEO_DEMAND_LOOKBACK_HOURS, HOURS - 200, other);
    for (int hour = 200 + GEO_DEMAND_LOOKBACK_HOURS; hour < HOURS; hour++)
        cr_assert(geo_demand_equal(&features[hour], &other[hour - 200 - GEO_DEMAND_LOOKBACK_HOURS]), "hour %d", hour);
}

/* A late order in an hour restates: that hour, the sums of the week after it, the trend of two weeks, and the four
 * hours that look back on it as the same hour. */
Test(geo_demand_features, hours_that_a_late_order_restates)
{
    fill_with(its_number);
    geo_demand_compute(counts, 0, HOURS, features);
    const int late = 700;
    counts[late].orders++;
    geo_demand_compute(counts, 0, HOURS, other);
    for (int hour = 0; hour < HOURS; hour++) {
        int after = hour - late;
        bool expected = (after >= 0 && after < 336) || after == 503 || after == 671;
        cr_assert_eq(!geo_demand_equal(&features[hour], &other[hour]), expected, "%d hours after", after);
    }
    cr_assert_eq(other[late + 167].same_hour[0], features[late + 167].same_hour[0] + 1);
    cr_assert_eq(other[late + 671].same_hour[3], features[late + 671].same_hour[3] + 1);
}

Test(geo_demand_features, idle_is_when_nothing_looked_back_on_has_orders)
{
    memset(counts, 0, sizeof(counts));
    counts[5] = (GeoDemandCounts){.orders = 1};
    counts[1500] = (GeoDemandCounts){.orders = 1};
    geo_demand_compute(counts, 0, HOURS, features);
    for (int hour = 0; hour < HOURS; hour++)
        cr_assert_eq(features[hour].idle, hour > 5 + GEO_DEMAND_LOOKBACK_HOURS && hour < 1500, "hour %d", hour);
    const GeoDemandFeatures zero = {.trend = NAN};
    cr_assert(geo_demand_equal(&features[5 + GEO_DEMAND_LOOKBACK_HOURS + 1], &zero));
    cr_assert_not(geo_demand_equal(&features[5 + GEO_DEMAND_LOOKBACK_HOURS], &zero));
    geo_demand_compute(counts + 6, GEO_DEMAND_LOOKBACK_HOURS, GEO_DEMAND_LOOKBACK_HOURS + 1, other);
    cr_assert(other[0].idle, "the lookback is enough");
}

Test(geo_demand_features, largest_counts_do_not_overflow)
{
    for (int hour = 0; hour < 400; hour++)
        counts[hour].orders = GEO_DEMAND_ORDERS_MAX;
    geo_demand_compute(counts, 0, 400, features);
    cr_assert_eq(features[399].orders_168h, 168 * GEO_DEMAND_ORDERS_MAX);
    cr_assert_float_eq(features[399].trend, 1.0, 1e-12);
}
