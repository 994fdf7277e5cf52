#include <criterion/criterion.h>
#include "services/forecast-api/override_rules.h"

TestSuite(override_rules);

Test(override_rules, factor_multiplies_everything)
{
    Override override = {.kind = OVERRIDE_FACTOR, .value = 1.5};
    DemandEstimate demand = override_apply(&override, &(DemandEstimate){10, 5, 9, 20});
    cr_assert_float_eq(demand.mean, 15, 1e-12);
    cr_assert_float_eq(demand.p10, 7.5, 1e-12);
    cr_assert_float_eq(demand.p50, 13.5, 1e-12);
    cr_assert_float_eq(demand.p90, 30, 1e-12);
}

Test(override_rules, absolute_value_is_the_mean_and_the_spread_is_kept)
{
    Override override = {.kind = OVERRIDE_ABSOLUTE, .value = 20};
    DemandEstimate demand = override_apply(&override, &(DemandEstimate){10, 5, 9, 20});
    cr_assert_float_eq(demand.mean, 20, 1e-12);
    cr_assert_float_eq(demand.p10, 10, 1e-12);
    cr_assert_float_eq(demand.p90, 40, 1e-12);
    demand = override_apply(&override, &(DemandEstimate){0, 0, 0, 1});
    cr_assert_float_eq(demand.p10, 20, 1e-12);
    cr_assert_float_eq(demand.p90, 20, 1e-12);
    override.value = 0;
    demand = override_apply(&override, &(DemandEstimate){10, 5, 9, 20});
    cr_assert_float_eq(demand.p90, 0, 1e-12);
}

Test(override_rules, results_have_four_decimals_and_quantiles_stay_in_order)
{
    Override override = {.kind = OVERRIDE_FACTOR, .value = 1.0 / 3};
    DemandEstimate demand = override_apply(&override, &(DemandEstimate){1, 0.9999, 1, 1.0001});
    cr_assert_float_eq(demand.mean, 0.3333, 1e-12);
    cr_assert_leq(demand.p10, demand.p50);
    cr_assert_leq(demand.p50, demand.p90);
}

Test(override_rules, covers_its_hours_and_vertical_while_in_force)
{
    Override factor = {.kind = OVERRIDE_FACTOR, .from = 100, .to = 110, .in_force = true};
    cr_assert(override_covers(&factor, VERTICAL_ALL, 100));
    cr_assert(override_covers(&factor, VERTICAL_GOODS, 109));
    cr_assert_not(override_covers(&factor, VERTICAL_ALL, 99));
    cr_assert_not(override_covers(&factor, VERTICAL_ALL, 110));
    factor.vertical = VERTICAL_GOODS;
    cr_assert_not(override_covers(&factor, VERTICAL_ALL, 100));
    cr_assert(override_covers(&factor, VERTICAL_GOODS, 100));
    Override absolute = {.kind = OVERRIDE_ABSOLUTE, .from = 100, .to = 110, .in_force = true};
    cr_assert_not(override_covers(&absolute, VERTICAL_RESTAURANT, 100));
    absolute.in_force = false;
    cr_assert_not(override_covers(&absolute, VERTICAL_ALL, 100));
}
