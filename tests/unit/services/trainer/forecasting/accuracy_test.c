#include "services/trainer/forecasting/accuracy.h"
#include "tests/unit/services/trainer/forecasting/synthetic.h"

Test(accuracy, scores_by_hand)
{
    Accuracy accuracy = {0};
    accuracy_begin_series(&accuracy, 2);
    accuracy_add(&accuracy, 4, 5, (double[]){1, 3, 6});
    accuracy_add(&accuracy, 0, 1, (double[]){0, 1, 2});
    accuracy_add(&accuracy, NAN, 7, (double[]){0, 1, 2});
    accuracy_begin_series(&accuracy, NAN);
    accuracy_add(&accuracy, 16, 12, (double[]){10, 12, 14});
    ModelScore score;
    accuracy_score(&accuracy, "m", &score);
    cr_assert_str_eq(score.model, "m");
    cr_assert_eq(score.hours, 3);
    cr_assert_float_eq(score.wape, (1 + 1 + 4) / 20.0, 1e-9);
    cr_assert_float_eq(score.rmse, sqrt((1 + 1 + 16) / 3.0) / (20 / 3.0), 1e-9);
    cr_assert_float_eq(score.bias, (1 + 1 - 4) / 20.0, 1e-9);
    cr_assert_float_eq(score.mase, 1 / 2.0, 1e-9); /* the second series has no scale */
    /* p10: .1*3, 0, .1*6; p50: .5, .5, 2; p90: .1*2, .1*2, .9*2 */
    cr_assert_float_eq(score.wql, 2 * (0.3 + 0.6 + 0.5 + 0.5 + 2 + 0.2 + 0.2 + 1.8) / 3 / 20, 1e-9);
    cr_assert_float_eq(score.coverage80, 0, 1e-9); /* one busy hour, beyond p90 */
    cr_assert_float_eq(score.below[1], 1 / 3.0, 1e-9);
    cr_assert_float_eq(score.at_most[0], 1 / 3.0, 1e-9);
}

Test(accuracy, nothing_scored_is_no_number)
{
    Accuracy accuracy = {0};
    ModelScore score;
    accuracy_score(&accuracy, "m", &score);
    cr_assert(isnan(score.wape) && isnan(score.rmse) && isnan(score.wql) && isnan(score.mase));
}

Test(accuracy, scale_is_the_error_of_repetition_up_to_the_origin)
{
    float demand[2 * HOURS_PER_WEEK + 10];
    for (int h = 0; h < 2 * HOURS_PER_WEEK + 10; h++)
        demand[h] = (float)(3 * (h / HOURS_PER_WEEK));
    demand[HOURS_PER_WEEK + 1] = NAN;
    DemandSeries series = {.first_hour = 100, .hours = 2 * HOURS_PER_WEEK + 10, .demand = demand};
    cr_assert_float_eq(accuracy_scale(&series, 100 + 2 * HOURS_PER_WEEK - 1), 3, 1e-9);
    cr_assert(isnan(accuracy_scale(&series, 100 + HOURS_PER_WEEK - 1)));
}
