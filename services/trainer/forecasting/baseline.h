/* Profile times level: the decayed mean of each local hour of the week, shrunk towards the series' own kind of day
 * and that towards the profile of all series together, times how much the last days differ from it. Gamma-Poisson
 * shrinkage: Gelman et al., Bayesian Data Analysis, 3rd ed., 2.6. */
#pragma once

#include "services/trainer/forecasting/panel.h"

enum { BASELINE_WEEKS = 12 };

typedef struct Baseline {
    float profile[HOURS_OF_WEEK]; /* expected demand by local hour of the week, before the level */
    float level;                  /* factor of the last days */
    float mean;                   /* demand per hour over the decayed past */
    float trend;                  /* log of the last four weeks over the four before */
    float dispersion;             /* variance of an hour = expected + dispersion * expected^2 */
    bool known;                   /* whether any hour up to the origin was known */
    bool fractional;              /* whether some recent hour was no whole number */
} Baseline;

typedef struct BaselineSet {
    Hour origin;
    size_t count;
    Baseline *series;
} BaselineSet;

/* Fits all series at the origin. Lives in the arena. */
void baseline_fit(const Panel *panel, Hour origin, Arena *arena, BaselineSet *ret_set);

/* Expected demand of a local hour; never negative. */
static inline double baseline_at(const Baseline *baseline, const LocalHour *local)
{
    return (double)baseline->profile[local->profile_hour] * (double)baseline->level;
}
