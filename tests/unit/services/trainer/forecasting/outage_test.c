#include "services/trainer/forecasting/outage.h"
#include "tests/unit/services/trainer/forecasting/synthetic.h"

enum { HOURS = 4 * HOURS_PER_WEEK };

Test(outage, silence_where_much_was_expected)
{
    double totals[HOURS];
    bool silent[HOURS];
    for (int h = 0; h < HOURS; h++)
        totals[h] = 20;
    totals[400] = 0; /* 20 expected: may be chance */
    for (int h = 500; h < 503; h++)
        totals[h] = 0;
    cr_assert_eq(outage_find(totals, HOURS, silent), 3);
    cr_assert(silent[500] && silent[501] && silent[502]);
    cr_assert_not(silent[499]);
    cr_assert_not(silent[400]);
}

Test(outage, quiet_nights_and_unknown_hours_are_none)
{
    double totals[HOURS];
    bool silent[HOURS];
    for (int h = 0; h < HOURS; h++)
        totals[h] = h % 24 < 6 ? 0 : 50;
    totals[300] = NAN;
    cr_assert_eq(outage_find(totals, HOURS, silent), 0);
    cr_assert_eq(outage_find(totals, 0, silent), 0);
}

Test(outage, is_masked_in_all_series)
{
    Arena *arena ARENA_SCOPED = arena_new();
    DemandHistory history = synthetic_history(4, 5 * HOURS_PER_WEEK, arena);
    for (size_t i = 0; i < 4; i++) {
        float *demand = arena_array(arena, history.series[i].hours, sizeof *demand);
        memcpy(demand, history.series[i].demand, history.series[i].hours * sizeof *demand);
        for (int h = 0; h < 12; h++)
            demand[3 * HOURS_PER_WEEK + 6 + h] = 0;
        history.series[i].demand = demand;
    }
    size_t masked = forecaster_mask_outages(&history, SYNTHETIC_MONDAY + 5 * HOURS_PER_WEEK - 1, arena);
    cr_assert_eq(masked, 12);
    for (size_t i = 0; i < 4; i++) {
        cr_assert(isnan(history.series[i].demand[3 * HOURS_PER_WEEK + 6]));
        cr_assert_not(isnan(history.series[i].demand[3 * HOURS_PER_WEEK + 5]));
    }
}
