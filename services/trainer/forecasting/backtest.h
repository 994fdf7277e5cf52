/* Rolling-origin backtest before a cutoff: expectations of all candidates at past origins beside what happened, made
 * with a booster that was trained before the first of them. */
#pragma once

#include "services/trainer/forecasting/candidates.h"
#include "services/trainer/forecasting/quantiles.h"

enum { BACKTEST_FOLDS_MAX = 5, BACKTEST_HOURS = HOURS_PER_WEEK, BACKTEST_ROWS_MAX = 600000 };

/* One row per fold, series and hour, in this order; hours without known demand are left out. */
typedef struct Backtest {
    size_t rows;
    float *demand;
    Expectations *expectations;
    Prospect *prospects; /* .expected is for the user to fill */
    float *scale;        /* for MASE, see accuracy.h; the same for all rows of a fold and series */
    uint32_t *run;       /* number of the fold and series */
    int folds;
} Backtest;

/* Weekly origins before the cutoff that leave enough history before them; 0 when there are none. */
int backtest_folds(const Panel *panel);
/* Lives in the arena. `booster` may be NULL. */
bool backtest_run(const Panel *panel, const Booster *booster, int folds, Arena *arena, Backtest *ret_backtest,
                  Error *err) MUST_CHECK;
