/* What the boosted model sees of one hour of one series, known at the origin. All ratios are logarithms of seen over
 * expected, with a few orders added to both so that sparse series stay near zero. */
#pragma once

#include "services/trainer/forecasting/baseline.h"

#define FEATURE_LIST(F)                                                                                                \
    F(BASELINE, "log of the baseline")                                                                                 \
    F(VOLUME, "log of the mean demand per hour")                                                                       \
    F(SHAPE, "log of the baseline over that mean")                                                                     \
    F(TREND, "last four weeks over the four before")                                                                   \
    F(LEVEL, "log of the baseline's level")                                                                            \
    F(LEAD, "hours ahead")                                                                                             \
    F(HOUR, "local hour")                                                                                              \
    F(WEEKDAY, "local weekday")                                                                                        \
    F(HOLIDAY, "public holiday")                                                                                       \
    F(DAYS_TO, "days to the next public holiday")                                                                      \
    F(DAYS_SINCE, "days since the last public holiday")                                                                \
    F(OWN_6, "own last 6 hours over the profile")                                                                      \
    F(OWN_24, "own last 24 hours over the profile")                                                                    \
    F(OWN_72, "own last 72 hours over the profile")                                                                    \
    F(OWN_168, "own last week over the profile")                                                                       \
    F(OWN_672, "own last four weeks over the profile")                                                                 \
    F(CITY_6, "last 6 hours of all series over their profiles")                                                        \
    F(CITY_24, "last 24 hours of all series over their profiles")                                                      \
    F(CITY_72, "last 72 hours of all series over their profiles")                                                      \
    F(CITY_168, "last week of all series over their profiles")                                                         \
    F(CITY_672, "last four weeks of all series over their profiles")                                                   \
    F(WEEK_1, "the same hour a week before over the baseline")                                                         \
    F(WEEK_2, "two weeks before")                                                                                      \
    F(WEEK_3, "three weeks before")                                                                                    \
    F(WEEK_4, "four weeks before")                                                                                     \
    F(WINDOW_4, "mean of four weeks over the baseline")                                                                \
    F(WINDOW_8, "mean of eight weeks over the baseline")                                                               \
    F(AROUND_1, "three hours around it a week before over their profile")                                              \
    F(AROUND_4, "three hours around it in four weeks over their profile")                                              \
    F(DAY_1, "the same hour on the last known day over the baseline")                                                  \
    F(DAY_7, "the same hour of the last seven days over their profile")

typedef enum Feature {
#define F(name, text) FEATURE_##name,
    FEATURE_LIST(F)
#undef F
        FEATURES
} Feature;

enum { FEATURE_SPANS = 5 };

typedef struct FeatureSet {
    const Panel *panel;
    BaselineSet baselines;
    float (*own)[FEATURE_SPANS]; /* per series */
    float city[FEATURE_SPANS];
} FeatureSet;

/* Fits the baselines at the origin and what is common to all hours ahead. Lives in the arena. */
void features_prepare(const Panel *panel, Hour origin, Arena *arena, FeatureSet *ret_set);
/* Fills the row of one series and hour after the origin; NAN where unknown. Returns the baseline of that hour, at
 * least BASELINE_FLOOR. */
double features_row(const FeatureSet *set, size_t series, Hour hour, float row[FEATURES]);

#define BASELINE_FLOOR 1e-4
