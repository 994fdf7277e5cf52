#include <criterion/criterion.h>
#include <math.h>
#include "services/forecast-api/couriers.h"

TestSuite(couriers);

Test(couriers, score_is_that_of_the_normal_distribution)
{
    cr_assert_float_eq(normal_score(0.5), 0, 1e-9);
    cr_assert_float_eq(normal_score(0.9), 1.2815515655446004, 1e-9);
    cr_assert_float_eq(normal_score(0.1), -1.2815515655446004, 1e-9);
    cr_assert_float_eq(normal_score(0.99), 2.3263478740408408, 1e-9);
}

Test(couriers, nothing_to_deliver_needs_nobody)
{
    static const double levels[] = {0.5, 0.9, 0.999};
    for (size_t i = 0; i < 3; i++) {
        CourierPolicy policy = courier_policy(2.5, levels[i]);
        cr_assert_eq(couriers_needed(&policy, &(DemandEstimate){0, 0, 0, 0}), 0);
    }
}

Test(couriers, covers_the_quantile_of_the_service_level)
{
    DemandEstimate demand = {.mean = 10, .p10 = 5, .p50 = 10, .p90 = 15};
    CourierPolicy policy = courier_policy(2.5, 0.9);
    cr_assert_eq(couriers_needed(&policy, &demand), 6); /* 15 / 2.5, exactly */
    policy = courier_policy(2.5, 0.5);
    cr_assert_eq(couriers_needed(&policy, &demand), 4);
    policy = courier_policy(2.5, 0.1);
    cr_assert_eq(couriers_needed(&policy, &demand), 2);
    policy = courier_policy(2.5, 0.99); /* 10 + 2.3263 / 1.2816 * 5 = 19.08 */
    cr_assert_eq(couriers_needed(&policy, &demand), 8);
}

Test(couriers, mean_counts_beyond_p90_only)
{
    DemandEstimate rare = {.mean = 0.2, .p10 = 0, .p50 = 0, .p90 = 0};
    CourierPolicy policy = courier_policy(2.5, 0.9);
    cr_assert_eq(couriers_needed(&policy, &rare), 0);
    policy = courier_policy(2.5, 0.95);
    cr_assert_eq(couriers_needed(&policy, &rare), 1);
}

Test(couriers, rises_with_demand_and_service_level)
{
    int64_t before = 0;
    for (int i = 0; i < 200; i++) {
        double level = i * 0.37;
        CourierPolicy policy = courier_policy(2.5, 0.9);
        int64_t now = couriers_needed(&policy, &(DemandEstimate){level, level * 0.5, level * 0.9, level * 1.7});
        cr_assert_geq(now, before);
        before = now;
    }
    before = 0;
    for (int i = 1; i < 200; i++) {
        CourierPolicy policy = courier_policy(2.5, i / 200.0);
        int64_t now = couriers_needed(&policy, &(DemandEstimate){22, 10, 20, 35});
        cr_assert_geq(now, before);
        before = now;
    }
}
