/* Whether a newly trained model takes over. Pure. */
#pragma once

#include "services/trainer/forecasting/forecaster.h"

enum { PROMOTION_REASON_MAX = 200, PROMOTION_AGE_MAX_HOURS = 14 * HOURS_PER_DAY };

/* How much worse than the champion's a challenger's skill may be: backtests of different weeks differ by chance. */
#define PROMOTION_MARGIN 0.10
/* The same towards the best simple baseline in its own backtest. */
#define PROMOTION_BASELINE_MARGIN 0.01

/* A model's record in its own backtest, made at the time of its training. */
typedef struct PromotionRecord {
    const char *method; /* what it forecasts with for the largest share of demand */
    Hour cutoff;
    const ModelScore *scores; /* of every candidate */
    size_t count;
} PromotionRecord;

/* WQL of what is served over that of the best simple baseline on the same hours (below 1: better), so that weeks that
 * are harder to forecast do not count against it; NAN when there is no such score. */
double promotion_skill(const PromotionRecord *record);

/* True when the challenger becomes champion; `current` is NULL when there is none. The reason is a sentence for the
 * registry. */
bool promotion_decide(const PromotionRecord *challenger, const PromotionRecord *current,
                      char ret_reason[PROMOTION_REASON_MAX]);
