#include "services/trainer/promotion.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const ModelScore *own_score(const PromotionRecord *record)
{
    for (size_t i = 0; i < record->count; i++) {
        if (strcmp(record->scores[i].model, record->method) == 0) {
            return &record->scores[i];
        }
    }
    return NULL;
}

double promotion_skill(const PromotionRecord *record)
{
    const ModelScore *own = own_score(record);
    double best = INFINITY;
    for (size_t i = 0; i < record->count; i++) {
        if (&record->scores[i] != own && record->scores[i].hours > 0) {
            best = fmin(best, record->scores[i].wql);
        }
    }
    return own == NULL || own->hours == 0 || !isfinite(own->wql) || !isfinite(best) || best <= 0 ? NAN
                                                                                                 : own->wql / best;
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
    if (isnan(skill)) {
        return decide(false, ret_reason, "Not promoted: its backtest has no score to compare.");
    }
    if (skill > 1 + PROMOTION_BASELINE_MARGIN) {
        snprintf(ret_reason, PROMOTION_REASON_MAX,
                 "Not promoted: WQL is %.3f times that of the best simpler candidate in its backtest.", skill);
        return false;
    }
    if (isnan(champion)) {
        return decide(true, ret_reason, "Promoted: the champion has no score to compare.");
    }
    if (own_score(current)->hours < own_score(challenger)->hours / 2) {
        return decide(true, ret_reason, "Promoted: the champion's backtest covered less than half as many hours.");
    }
    if (challenger->cutoff - current->cutoff > PROMOTION_AGE_MAX_HOURS) {
        return decide(true, ret_reason, "Promoted: the champion is more than 14 days older.");
    }
    bool promoted = skill <= champion * (1 + PROMOTION_MARGIN);
    snprintf(ret_reason, PROMOTION_REASON_MAX,
             "%s: WQL is %.3f times that of the best other candidate in its backtest, the champion's was %.3f times.",
             promoted ? "Promoted" : "Not promoted", skill, champion);
    return promoted;
}
