#include "services/feature-store/monitoring/summary.h"

#include <criterion/criterion.h>
#include <math.h>

TestSuite(summary);

Test(summary, of_nothing)
{
    Summary summary = summary_of(NULL, 0);
    cr_assert_eq(summary.count, 0);
    cr_assert(isnan(summary.mean) && isnan(summary.stddev) && isnan(summary.min) && isnan(summary.max));
    cr_assert(isnan(summary.p10) && isnan(summary.p50) && isnan(summary.p90));
}

Test(summary, of_one)
{
    double value = -3;
    Summary summary = summary_of(&value, 1);
    cr_assert_eq(summary.mean, -3);
    cr_assert_eq(summary.stddev, 0);
    cr_assert_eq(summary.p10, -3);
    cr_assert_eq(summary.p90, -3);
}

/* 1..6: mean 3.5, variance 35/12; numpy.percentile gives 1.5, 3.5 and 5.5 */
Test(summary, of_some)
{
    double values[] = {4, 1, 6, 3, 2, 5};
    Summary summary = summary_of(values, 6);
    cr_assert_eq(summary.count, 6);
    cr_assert_float_eq(summary.mean, 3.5, 1e-12);
    cr_assert_float_eq(summary.stddev, sqrt(35.0 / 12), 1e-12);
    cr_assert_eq(summary.min, 1);
    cr_assert_eq(summary.max, 6);
    cr_assert_float_eq(summary.p10, 1.5, 1e-12);
    cr_assert_float_eq(summary.p50, 3.5, 1e-12);
    cr_assert_float_eq(summary.p90, 5.5, 1e-12);
}

Test(summary, small_differences_of_large_numbers)
{
    double values[] = {1e9 + 1, 1e9 + 2, 1e9 + 3};
    cr_assert_float_eq(summary_of(values, 3).stddev, sqrt(2.0 / 3), 1e-9);
}
