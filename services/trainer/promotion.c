#include "services/trainer/promotion.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Candidates that need no training: what a forecast must at least be as good as. */
static const char *const simple_models[] = {"repetition", "window4", "window6", "median6", "baseline"};

static bool is_simple(const char *model)
{
    for (size_t i = 0; i < sizeof simple_models / sizeof simple_models[0]; i++) {
        if (strcmp(simple_models[i], model) == 0) {
            return true;
        }
    }
    return false;
}

/* Score of what is served: of the choice by volume class when there is one, else of the method alone. */
static const ModelScore *own_score(const PromotionRecord *record)
{
    const ModelScore *own = NULL;
    for (size_t i = 0; i < record->count; i++) {
        if (strcmp(record->scores[i].model, "champion") == 0) {
            return &record->scores[i];
        }
        if (strcmp(record->scores[i].model, record->method) == 0) {
            own = &record->scores[i];
        }
    }
    return own;
}

double promotion_skill(const PromotionRecord *record)
{
    const ModelScore *own = own_score(record);
    double best = INFINITY;
    for (size_t i = 0; i < record->count; i++) {
        if (is_simple(record->scores[i].model) && record->scores[i].hours > 0) {
            best = fmin(best, record->scores[i].wql);
        }
    }
    bool comparable = own != NULL && own->hours > 0 && isfinite(own->wql) && isfinite(best) && best > 0;
    return comparable ? own->wql / best : NAN;
}

static bool decide(bool promoted, char ret_reason[PROMOTION_REASON_MAX], const char *reason)
{
    snprintf(ret_reason, PROMOTION_REASON_MAX, "%s", reason);
    return promoted;
}

bool promotion_decide(const PromotionRecord *challenger, const PromotionRecord *current,
                      char ret_reason[PROMOTION_REASON_MAX])
{
    if (current == NULL) {
        return decide(true, ret_reason, "Promoted: the first model.");
    }
    if (challenger->cutoff < current->cutoff) {
        return decide(false, ret_reason, "Not promoted: the champion knows later hours.");
    }
    double skill = promotion_skill(challenger), champion = promotion_skill(current);
    if (isnan(champion)) {
        return decide(true, ret_reason, "Promoted: the champion has no score to compare.");
    }
    if (isnan(skill)) {
        return decide(false, ret_reason, "Not promoted: its backtest has no score to compare.");
    }
    if (skill > 1 + PROMOTION_BASELINE_MARGIN) {
        snprintf(ret_reason, PROMOTION_REASON_MAX,
                 "Not promoted: WQL is %.3f times that of the best simple baseline in its backtest.", skill);
        return false;
    }
    const ModelScore *own = own_score(challenger), *others = own_score(current);
    if (own != NULL && others != NULL && others->hours < own->hours / 2) {
        return decide(true, ret_reason, "Promoted: the champion's backtest covered less than half as many hours.");
    }
    if (challenger->cutoff - current->cutoff > PROMOTION_AGE_MAX_HOURS) {
        return decide(true, ret_reason, "Promoted: the champion is more than 14 days older.");
    }
    bool promoted = skill <= champion * (1 + PROMOTION_MARGIN);
    snprintf(ret_reason, PROMOTION_REASON_MAX,
             "%s: WQL is %.3f times that of the best simple baseline in its backtest, the champion's was %.3f times.",
             promoted ? "Promoted" : "Not promoted", skill, champion);
    return promoted;
}
