#include "services/trainer/forecasting/selection.h"

#include <string.h>
#include "services/trainer/forecasting/accuracy.h"

/* The weighted blend gives way only to one that was clearly better. */
static const double WORTH_A_CHANGE = 0.9;

/* Losses of one blend by volume class. */
typedef struct Losses {
    double squared[VOLUME_CLASSES], pinball[VOLUME_CLASSES];
} Losses;

typedef struct Scoring {
    const Backtest *backtest;
    const QuantileModel *quantiles;
    const float *means;
    double *served; /* rows x quantiles */
} Scoring;

void selection_default(ForecasterTables *ret_tables)
{
    memset(ret_tables, 0, sizeof *ret_tables);
    combination_default(ret_tables->weights);
    for (int model = 0; model < SCORES; model++)
        quantiles_default(&ret_tables->quantiles[model]);
    for (int volume = 0; volume < VOLUME_CLASSES; volume++)
        ret_tables->choices[volume] = (Choice){.mean = BLEND_EQUAL, .quantiles = BLEND_EQUAL};
    ret_tables->champion = BLEND_EQUAL;
}

/* Fits the quantiles around the prospects' expectations and evaluates them at the levels that are scored. */
static void fit_quantiles(const Backtest *backtest, QuantileModel *model, double *served)
{
    quantiles_fit(backtest->prospects, backtest->demand, backtest->rows, model);
    for (size_t row = 0; row < backtest->rows; row++)
        quantiles_at(model, &backtest->prospects[row], forecast_levels, FORECAST_QUANTILES,
                     served + row * FORECAST_QUANTILES);
}

static void score(const Scoring *scoring, const char *model, ModelScore *ret_score)
{
    Accuracy accuracy = {0};
    const Backtest *backtest = scoring->backtest;
    for (size_t row = 0; row < backtest->rows; row++) {
        if (row == 0 || backtest->run[row] != backtest->run[row - 1])
            accuracy_begin_series(&accuracy, (double)backtest->scale[row]);
        accuracy_add(&accuracy, (double)backtest->demand[row], (double)scoring->means[row],
                     scoring->served + row * FORECAST_QUANTILES);
    }
    accuracy_score(&accuracy, model, ret_score);
}

static void sum_losses(const Scoring *scoring, Losses *ret_losses)
{
    *ret_losses = (Losses){0};
    const Backtest *backtest = scoring->backtest;
    for (size_t row = 0; row < backtest->rows; row++) {
        int volume = backtest->prospects[row].volume_class;
        double demand = (double)backtest->demand[row], error = (double)scoring->means[row] - demand;
        ret_losses->squared[volume] += error * error;
        for (int q = 0; q < FORECAST_QUANTILES; q++)
            ret_losses->pinball[volume] +=
                accuracy_pinball(demand, scoring->served[row * FORECAST_QUANTILES + (size_t)q], forecast_levels[q]);
    }
}

static void choose(const Losses losses[BLENDS], Choice choices[VOLUME_CLASSES])
{
    for (int volume = 0; volume < VOLUME_CLASSES; volume++) {
        Choice *choice = &choices[volume];
        *choice = (Choice){.mean = BLEND_WEIGHTED, .quantiles = BLEND_WEIGHTED};
        for (uint8_t blend = 0; blend < BLENDS; blend++) {
            if (losses[blend].squared[volume] < WORTH_A_CHANGE * losses[choice->mean].squared[volume])
                choice->mean = blend;
            if (losses[blend].pinball[volume] < WORTH_A_CHANGE * losses[choice->quantiles].pinball[volume])
                choice->quantiles = blend;
        }
    }
}

static uint32_t largest_share(const Backtest *backtest, const Choice choices[VOLUME_CLASSES])
{
    double served[BLENDS] = {0};
    uint32_t best = BLEND_WEIGHTED;
    for (size_t row = 0; row < backtest->rows; row++)
        served[choices[backtest->prospects[row].volume_class].mean] += (double)backtest->demand[row];
    for (uint32_t blend = 0; blend < BLENDS; blend++)
        if (served[blend] > served[best])
            best = blend;
    return best;
}

void selection_fit(Backtest *backtest, Arena *arena, ForecasterTables *ret_tables)
{
    selection_default(ret_tables);
    if (backtest->rows == 0)
        return;
    combination_fit((const Expectations *)backtest->expectations, backtest->demand, backtest->prospects, backtest->rows,
                    ret_tables->weights);
    float *means = arena_array(arena, backtest->rows, sizeof *means);
    double *served = arena_array(arena, backtest->rows * FORECAST_QUANTILES, sizeof *served);
    Scoring scoring = {.backtest = backtest, .means = means, .served = served};
    Losses losses[BLENDS];
    for (Blend blend = 0; blend < BLENDS; blend++) {
        for (size_t row = 0; row < backtest->rows; row++)
            means[row] = backtest->prospects[row].expected = combination_expect(
                (const float(*)[CANDIDATES])ret_tables->weights[backtest->prospects[row].volume_class], blend,
                backtest->expectations[row]);
        fit_quantiles(backtest, &ret_tables->quantiles[blend], served);
        score(&scoring, blend_name(blend), &ret_tables->scores[blend]);
        sum_losses(&scoring, &losses[blend]);
    }
    choose(losses, ret_tables->choices);
    for (size_t row = 0; row < backtest->rows; row++) {
        int volume = backtest->prospects[row].volume_class;
        const float(*weights)[CANDIDATES] = (const float(*)[CANDIDATES])ret_tables->weights[volume];
        Choice choice = ret_tables->choices[volume];
        means[row] = combination_expect(weights, choice.mean, backtest->expectations[row]);
        backtest->prospects[row].expected = combination_expect(weights, choice.quantiles, backtest->expectations[row]);
    }
    fit_quantiles(backtest, &ret_tables->quantiles[CHAMPION], served);
    score(&scoring, "champion", &ret_tables->scores[CHAMPION]);
    ret_tables->score_count = SCORES;
    ret_tables->champion = largest_share(backtest, ret_tables->choices);
}
