#include <criterion/criterion.h>
#include <string.h>
#include "services/trainer/planner.h"
#include "services/trainer/training_run.h"

static PlannerPace pace;

static void begin(void)
{
    pace = (PlannerPace){.mark_hour = HOUR_NONE};
}

TestSuite(planner, .init = begin);

static bool settled(Hour complete_hour, Hour source_hour, int64_t lag, int64_t now_ms)
{
    return planner_settled(
        &pace, &(PlannerInflow){.complete_hour = complete_hour, .source_hour = source_hour, .source_lag = lag}, now_ms);
}

Test(planner, data_that_comes_in_as_time_passes_is_settled)
{
    cr_assert_not(settled(100, 100, 0, 10000));
    cr_assert_not(settled(100, 100, 0, 12000));
    cr_assert(settled(100, 100, 0, 15000));
    cr_assert(settled(101, 101, 0, 16000), "the next hour is no flood");
    cr_assert(settled(101, 102, 100000, 17000), "nor are many events of a busy hour");
}

Test(planner, a_flood_is_waited_for)
{
    int64_t now_ms = 10000;
    for (Hour hour = 100; hour < 500; hour += 2, now_ms += 100) {
        cr_assert_not(settled(hour, hour, 0, now_ms), "hour %d", hour);
    }
    cr_assert_not(settled(498, 498, 0, now_ms + 1000));
    cr_assert(settled(498, 498, 0, now_ms + 7000));
    cr_assert_not(settled(520, 520, 0, now_ms + 8000), "another one");
    cr_assert_not(settled(520, 520, 0, now_ms + 9000));
}

Test(planner, a_flood_that_stalls_with_events_to_come_is_not_over)
{
    cr_assert_not(settled(100, 100, 50000, 0));
    cr_assert_not(settled(100, 100, 50000, 20000));
    cr_assert_not(settled(150, 150, 20000, 21000));
    cr_assert_not(settled(150, 150, 20000, 40000));
    cr_assert(settled(150, 150, 500, 41000));
}

Test(planner, but_not_for_ever)
{
    int times = 0;
    Hour hour = 100;
    for (int64_t now_ms = 0; now_ms < 2 * PLANNER_HOLD_MAX_MS + 5000; now_ms += 500, hour += 10) {
        times += settled(hour, hour, 0, now_ms);
    }
    cr_assert_eq(times, 2, "settled %d times", times);
}

Test(planner, waits_while_the_source_is_ahead)
{
    for (int64_t now_ms = 0; now_ms < 20000; now_ms += 1000) {
        cr_assert_not(settled(100, 110, 0, now_ms));
    }
    cr_assert(settled(110, 110, 0, 30000) || settled(110, 110, 0, 36000));
}

Test(planner, nothing_is_settled_without_a_complete_hour)
{
    cr_assert_not(settled(HOUR_NONE, HOUR_NONE, 0, 1000));
    cr_assert_not(settled(HOUR_NONE, HOUR_NONE, 0, 100000));
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
