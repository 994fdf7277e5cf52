#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "services/trainer/promotion.h"

static ModelScore score(const char *model, double wql)
{
    return (ModelScore){.model = model, .wql = wql, .hours = 1000};
}

static bool decide(double baseline, double served, const PromotionRecord *current, char *reason)
{
    ModelScore scores[] = {score("repetition", baseline * 1.2), score("window6", baseline), score("boosted", 0.01),
                           score("champion", served)};
    PromotionRecord challenger = {.method = "boosted", .cutoff = 1000, .scores = scores, .count = 4};
    return promotion_decide(&challenger, current, reason);
}

Test(promotion, the_first_model_is_promoted)
{
    char reason[PROMOTION_REASON_MAX];
    cr_assert(decide(0.5, 0.9, NULL, reason));
    cr_assert_str_eq(reason, "Promoted: the first model.");
}

Test(promotion, worse_than_a_simple_baseline_is_not)
{
    char reason[PROMOTION_REASON_MAX];
    ModelScore scores[] = {score("window6", 0.5), score("champion", 0.4)};
    PromotionRecord current = {.method = "weighted", .cutoff = 900, .scores = scores, .count = 2};
    cr_assert_not(decide(0.5, 0.52, &current, reason));
    cr_assert(strstr(reason, "baseline") != NULL);
}

Test(promotion, harder_weeks_do_not_count_against_a_challenger)
{
    char reason[PROMOTION_REASON_MAX];
    ModelScore scores[] = {score("window6", 0.5), score("champion", 0.4)};
    PromotionRecord current = {.method = "weighted", .cutoff = 900, .scores = scores, .count = 2};
    cr_assert(decide(1.0, 0.8, &current, reason));
    cr_assert(decide(1.0, 0.87, &current, reason), "within the margin");
    cr_assert_not(decide(1.0, 0.9, &current, reason), "beyond the margin");
}

Test(promotion, a_champion_that_is_old_or_hardly_tested_gives_way)
{
    char reason[PROMOTION_REASON_MAX];
    ModelScore scores[] = {score("window6", 0.5), score("champion", 0.2)};
    PromotionRecord current = {
        .method = "weighted", .cutoff = 1000 - PROMOTION_AGE_MAX_HOURS - 1, .scores = scores, .count = 2};
    cr_assert(decide(0.5, 0.45, &current, reason));
    current.cutoff = 900;
    cr_assert_not(decide(0.5, 0.45, &current, reason));
    scores[1].hours = 400;
    cr_assert(decide(0.5, 0.45, &current, reason));
    current.cutoff = 1001;
    cr_assert_not(decide(0.5, 0.1, &current, reason), "an older cutoff never takes over");
}

Test(promotion, without_scores)
{
    char reason[PROMOTION_REASON_MAX];
    PromotionRecord none = {.method = "equal", .cutoff = 900};
    cr_assert(isnan(promotion_skill(&none)));
    cr_assert(decide(0.5, 0.45, &none, reason));
    ModelScore scores[] = {score("window6", 0.5), score("champion", 0.4)};
    PromotionRecord current = {.method = "weighted", .cutoff = 900, .scores = scores, .count = 2};
    PromotionRecord challenger = {.method = "equal", .cutoff = 1000};
    cr_assert_not(promotion_decide(&challenger, &current, reason));
}
