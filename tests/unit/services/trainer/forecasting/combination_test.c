#include "services/trainer/forecasting/combination.h"
#include "tests/unit/services/trainer/forecasting/synthetic.h"

enum { ROWS = 6000 };

static float sum(const float weights[CANDIDATES])
{
    float total = 0;
    for (int c = 0; c < CANDIDATES; c++)
        total += weights[c];
    return total;
}

Test(combination, prefers_the_better_candidate)
{
    Expectations *expectations = calloc(ROWS, sizeof *expectations);
    Prospect *prospects = calloc(ROWS, sizeof *prospects);
    float *demand = calloc(ROWS, sizeof *demand);
    uint32_t state = 3;
    for (int i = 0; i < ROWS; i++) {
        float mean = 1 + (float)(i % 5);
        demand[i] = synthetic_poisson((double)mean, &state);
        prospects[i].volume_class = 3;
        for (int c = 0; c < CANDIDATES; c++)
            expectations[i][c] = mean + 6;
        expectations[i][CANDIDATE_BASELINE] = mean;
    }
    BlendWeights weights[VOLUME_CLASSES];
    combination_fit((const Expectations *)expectations, demand, prospects, ROWS, weights);
    for (int volume = 0; volume < VOLUME_CLASSES; volume++) {
        for (int blend = 0; blend < BLENDS; blend++)
            cr_assert_float_eq(sum(weights[volume][blend]), 1, 1e-5);
        cr_assert_gt(weights[volume][BLEND_WEIGHTED][CANDIDATE_BASELINE], 0.95);
        cr_assert_float_eq(weights[volume][BLEND_EQUAL][CANDIDATE_BASELINE], 1, 1e-6);
        cr_assert_float_eq(weights[volume][CANDIDATE_WINDOW_4][CANDIDATE_WINDOW_4], 1, 1e-6);
    }
    cr_assert_float_eq(combination_expect((const float(*)[CANDIDATES])weights[3], BLEND_EQUAL, expectations[0]), 1,
                       1e-5);
    free(expectations);
    free(prospects);
    free(demand);
}

Test(combination, without_evidence_parts_are_equal)
{
    BlendWeights weights[VOLUME_CLASSES];
    combination_default(weights);
    cr_assert_float_eq(weights[0][BLEND_WEIGHTED][CANDIDATE_BASELINE], 1.0 / (CANDIDATES - 1), 1e-6);
    cr_assert_float_eq(weights[0][BLEND_WEIGHTED][CANDIDATE_REPETITION], 0, 1e-9);
    cr_assert_float_eq(sum(weights[4][BLEND_EQUAL]), 1, 1e-6);
    cr_assert_str_eq(blend_name(BLEND_WEIGHTED), "weighted");
    cr_assert_str_eq(blend_name((Blend)CANDIDATE_WINDOW_6), "window6");
}
