#include <criterion/criterion.h>
#include <string.h>
#include "services/trainer/planner.h"
#include "services/trainer/training_run.h"

Test(planner, data_that_comes_in_as_time_passes_is_settled)
{
    PlannerPace pace = {.mark_hour = HOUR_NONE};
    cr_assert_not(planner_settled(&pace, 100, false, 10000));
    cr_assert_not(planner_settled(&pace, 100, false, 11000));
    cr_assert(planner_settled(&pace, 100, false, 13000));
    cr_assert(planner_settled(&pace, 101, false, 14000), "the next hour is no flood");
}

Test(planner, a_flood_is_waited_for)
{
    PlannerPace pace = {.mark_hour = HOUR_NONE};
    int64_t now_ms = 10000;
    for (Hour hour = 100; hour < 500; hour += 2, now_ms += 100) {
        cr_assert_not(planner_settled(&pace, hour, false, now_ms), "hour %d", hour);
    }
    cr_assert_not(planner_settled(&pace, 498, false, now_ms + 1000));
    cr_assert(planner_settled(&pace, 498, false, now_ms + 5000));
}

Test(planner, but_not_for_ever)
{
    PlannerPace pace = {.mark_hour = HOUR_NONE};
    int settled = 0;
    Hour hour = 100;
    for (int64_t now_ms = 0; now_ms < 3 * PLANNER_HOLD_MAX_MS; now_ms += 500, hour += 10) {
        settled += planner_settled(&pace, hour, false, now_ms);
    }
    cr_assert_eq(settled, 2, "settled %d times", settled);
}

Test(planner, waits_while_more_is_known_to_come)
{
    PlannerPace pace = {.mark_hour = HOUR_NONE};
    for (int64_t now_ms = 0; now_ms < 20000; now_ms += 1000) {
        cr_assert_not(planner_settled(&pace, 100, true, now_ms));
    }
    cr_assert(planner_settled(&pace, 100, false, 24000));
}

Test(planner, nothing_is_settled_without_a_complete_hour)
{
    PlannerPace pace = {.mark_hour = HOUR_NONE};
    cr_assert_not(planner_settled(&pace, HOUR_NONE, false, 1000));
    cr_assert_not(planner_settled(&pace, HOUR_NONE, false, 100000));
}

Test(training_run, sets_are_named_by_cutoff_and_run)
{
    char id[SET_ID_MAX];
    Hour cutoff;
    Error err;
    cr_assert(hour_parse("2026-11-23T15:00:00Z", &cutoff, &err));
    training_run_set_id(&(Run){.run_id = 42, .cutoff = cutoff}, id);
    cr_assert_str_eq(id, "20261123T15-42");
}

Test(training_run, sets_reach_further_when_the_data_lags)
{
    const TrainerConfig config = {.forecast_hours = 192};
    cr_assert_eq(training_run_hours(&config, 1000, hour_start(1001)), 192);
    cr_assert_eq(training_run_hours(&config, 1000, hour_start(1031) + 5), 222);
    cr_assert_eq(training_run_hours(&config, 1000, hour_start(900)), 192);
    cr_assert_eq(training_run_hours(&config, 1000, hour_start(100000)), FORECAST_HORIZON_MAX);
}
