#include "services/trainer/forecasting/baseline.h"
#include "tests/unit/services/trainer/forecasting/synthetic.h"

static Hour last_hour(size_t weeks)
{
    return SYNTHETIC_MONDAY + (Hour)weeks * HOURS_PER_WEEK - 1;
}

/* Two series of constant demand: the profile and the level have nothing to say. */
static DemandHistory constant_history(float first, float second, size_t hours, Arena *arena)
{
    DemandHistory history = synthetic_history(2, hours, arena);
    for (size_t i = 0; i < 2; i++) {
        float *demand = arena_array(arena, hours, sizeof *demand);
        for (size_t h = 0; h < hours; h++)
            demand[h] = i == 0 ? first : second;
        history.series[i].demand = demand;
    }
    return history;
}

Test(baseline, constant_demand_is_expected_to_stay)
{
    Arena *arena ARENA_SCOPED = arena_new();
    DemandHistory history = constant_history(8, 2, 6 * HOURS_PER_WEEK, arena);
    Panel panel;
    panel_init(&panel, &history, last_hour(6), HOURS_PER_WEEK, arena);
    BaselineSet set;
    baseline_fit(&panel, last_hour(6), arena, &set);
    for (int h = 1; h <= HOURS_PER_WEEK; h++) {
        const LocalHour *local = clock_at(panel.clocks[0], last_hour(6) + h);
        cr_assert_float_eq(baseline_at(&set.series[0], local), 8, 0.05);
        cr_assert_float_eq(baseline_at(&set.series[1], local), 2, 0.05);
    }
    cr_assert_float_eq(set.series[0].mean, 8, 1e-4);
    cr_assert_float_eq(set.series[0].trend, 0, 0.05);
}

Test(baseline, finds_the_pattern_of_the_week)
{
    Arena *arena ARENA_SCOPED = arena_new();
    DemandHistory history = synthetic_history(4, 10 * HOURS_PER_WEEK, arena);
    Panel panel;
    panel_init(&panel, &history, last_hour(10), HOURS_PER_WEEK, arena);
    BaselineSet set;
    baseline_fit(&panel, last_hour(10), arena, &set);
    double error = 0, total = 0;
    for (int h = 1; h <= HOURS_PER_WEEK; h++) {
        double truth = synthetic_mean(25, last_hour(10) + h);
        error += fabs(baseline_at(&set.series[3], clock_at(panel.clocks[3], last_hour(10) + h)) - truth);
        total += truth;
    }
    cr_assert_lt(error / total, 0.1, "%g", error / total);
}

Test(baseline, a_shift_of_one_series_is_followed_within_days)
{
    Arena *arena ARENA_SCOPED = arena_new();
    DemandHistory history = constant_history(8, 8, 8 * HOURS_PER_WEEK, arena);
    float *demand = arena_array(arena, history.series[0].hours, sizeof *demand);
    for (size_t h = 0; h < history.series[0].hours; h++)
        demand[h] = h >= history.series[0].hours - 5 * HOURS_PER_DAY ? 16 : 8;
    history.series[0].demand = demand;
    Panel panel;
    panel_init(&panel, &history, last_hour(8), HOURS_PER_WEEK, arena);
    BaselineSet set;
    baseline_fit(&panel, last_hour(8), arena, &set);
    const LocalHour *local = clock_at(panel.clocks[0], last_hour(8) + 1);
    cr_assert_gt(baseline_at(&set.series[0], local), 10.3, "%g", baseline_at(&set.series[0], local));
    cr_assert_lt(baseline_at(&set.series[1], local), 10, "%g", baseline_at(&set.series[1], local));
}

Test(baseline, a_new_series_takes_the_shape_and_level_of_the_others)
{
    Arena *arena ARENA_SCOPED = arena_new();
    DemandHistory history = synthetic_history(3, 6 * HOURS_PER_WEEK, arena);
    history.series[0].hours = 0;
    Panel panel;
    panel_init(&panel, &history, last_hour(6), HOURS_PER_WEEK, arena);
    BaselineSet set;
    baseline_fit(&panel, last_hour(6), arena, &set);
    cr_assert_not(set.series[0].known);
    cr_assert_gt(set.series[0].mean, 0);
    const LocalHour *night = clock_at(panel.clocks[0], last_hour(6) + 1);
    const LocalHour *noon = clock_at(panel.clocks[0], last_hour(6) + 13);
    cr_assert_gt(baseline_at(&set.series[0], noon), 5 * baseline_at(&set.series[0], night));
}

Test(baseline, unknown_hours_and_what_comes_after_the_origin_are_not_read)
{
    Arena *arena ARENA_SCOPED = arena_new();
    DemandHistory history = constant_history(8, 2, 6 * HOURS_PER_WEEK, arena);
    float *demand = arena_array(arena, history.series[0].hours, sizeof *demand);
    for (size_t h = 0; h < history.series[0].hours; h++)
        demand[h] = h >= 5 * HOURS_PER_WEEK ? 1000 : h % 7 == 0 ? NAN : 8;
    history.series[0].demand = demand;
    Panel panel;
    panel_init(&panel, &history, last_hour(6), HOURS_PER_WEEK, arena);
    BaselineSet set;
    baseline_fit(&panel, last_hour(5), arena, &set);
    cr_assert_float_eq(baseline_at(&set.series[0], clock_at(panel.clocks[0], last_hour(5) + 1)), 8, 0.1);
    cr_assert_not(set.series[0].fractional);
}
