/* The expectations that are blended: simple ones and the boosted one, all made from what is known at an origin. */
#pragma once

#include "services/trainer/forecasting/boosting.h"
#include "services/trainer/forecasting/features.h"

#define CANDIDATE_LIST(C)                                                                                              \
    C(REPETITION, "repetition")                                                                                        \
    C(WINDOW_4, "window4")                                                                                             \
    C(WINDOW_6, "window6")                                                                                             \
    C(BASELINE, "baseline")                                                                                            \
    C(BOOSTED, "boosted")

typedef enum Candidate {
#define C(name, text) CANDIDATE_##name,
    CANDIDATE_LIST(C)
#undef C
        CANDIDATES
} Candidate;

typedef float Expectations[CANDIDATES];

const char *candidate_name(Candidate candidate);

/* Expectations of hours origin + 1 .. origin + hours of the listed series, series by series. Without a booster (NULL)
 * the boosted one is the baseline. Where a window knows no hour, it is the baseline too. */
bool candidates_predict(const FeatureSet *set, const Booster *booster, const size_t *series, size_t count, size_t hours,
                        Expectations *ret_expectations, Error *err) MUST_CHECK;
