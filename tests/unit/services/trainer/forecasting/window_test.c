#include "services/trainer/forecasting/window.h"
#include "tests/unit/services/trainer/forecasting/synthetic.h"

Test(window, collects_the_newest_known_weeks_first)
{
    Arena *arena ARENA_SCOPED = arena_new();
    DemandHistory history = synthetic_history(1, 5 * HOURS_PER_WEEK, arena);
    float demand[5 * HOURS_PER_WEEK];
    for (int h = 0; h < 5 * HOURS_PER_WEEK; h++)
        demand[h] = (float)(h / HOURS_PER_WEEK);
    demand[2 * HOURS_PER_WEEK + 3] = NAN;
    history.series[0].demand = demand;
    Hour cutoff = SYNTHETIC_MONDAY + 5 * HOURS_PER_WEEK - 1;
    Panel panel;
    panel_init(&panel, &history, cutoff, 400, arena);
    float values[WINDOW_WEEKS_MAX];
    size_t count = window_collect(&history.series[0], panel.clocks[0], cutoff, cutoff + 4, 4, true, values);
    cr_assert_eq(count, 3);
    cr_assert_float_eq(values[0], 4, 1e-6);
    cr_assert_float_eq(values[1], 3, 1e-6);
    cr_assert_float_eq(values[2], 1, 1e-6);
    count = window_collect(&history.series[0], panel.clocks[0], cutoff, cutoff + HOURS_PER_WEEK + 1, 1, true, values);
    cr_assert_eq(count, 1);
    cr_assert_float_eq(values[0], 4, 1e-6);
}

Test(window, follows_the_local_clock_over_a_change_of_clocks)
{
    Arena *arena ARENA_SCOPED = arena_new();
    DemandHistory history = synthetic_history(1, 3 * HOURS_PER_WEEK, arena);
    Error err;
    cr_assert(timezone_get("America/Los_Angeles", &history.series[0].zone, &err), "%s", err.message);
    Hour changed; /* clocks went back on 2014-11-02 */
    cr_assert(hour_parse("2014-11-05T08:00:00Z", &changed, &err));
    history.series[0].first_hour = changed - 2 * HOURS_PER_WEEK;
    Panel panel;
    panel_init(&panel, &history, changed, 10, arena);
    cr_assert_eq(clock_weeks_before(panel.clocks[0], changed, 1), changed - HOURS_PER_WEEK - 1);
    cr_assert_eq(clock_at(panel.clocks[0], changed)->hour, 0);
    cr_assert_eq(clock_at(panel.clocks[0], changed - HOURS_PER_WEEK - 1)->hour, 0);
}

Test(window, means)
{
    const float values[] = {4, 1, 3, 2};
    cr_assert_float_eq(window_mean(values, 4), 2.5, 1e-9);
}

Test(window, holidays_and_other_days_are_kept_apart)
{
    Arena *arena ARENA_SCOPED = arena_new();
    DemandHistory history = synthetic_history(1, 3 * HOURS_PER_WEEK, arena);
    history.series[0].country = "US";
    Hour christmas, after;
    Error err;
    cr_assert(hour_parse("2014-12-25T12:00:00Z", &christmas, &err));
    after = christmas + HOURS_PER_DAY;
    history.series[0].first_hour = christmas - 2 * HOURS_PER_WEEK;
    Panel panel;
    panel_init(&panel, &history, after, 3 * HOURS_PER_WEEK, arena);
    float values[WINDOW_WEEKS_MAX];
    cr_assert_eq(window_collect(&history.series[0], panel.clocks[0], christmas - 1, christmas, 2, true, values), 0);
    cr_assert_eq(window_collect(&history.series[0], panel.clocks[0], christmas - 1, christmas, 2, false, values), 2);
    cr_assert_eq(window_collect(&history.series[0], panel.clocks[0], after, after + HOURS_PER_WEEK, 2, true, values),
                 2);
}
