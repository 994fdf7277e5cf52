/* Hours with far fewer orders than usual. Pure.
 *
 * What is usual is the median of the same hour of the four weeks before. An hour counts as poor when it has less than a
 * fifth of that. Poor hours in a row are a gap when so few orders, all together, are so improbable by chance (Poisson)
 * that it can't be one: a busy geo has one after an hour, a quiet one only after many, and its quiet nights are none.
 */
#pragma once

#include <stddef.h>
#include "common/hour.h"

enum {
    COMPLETENESS_WEEKS = 4,
    COMPLETENESS_WEEKS_MIN = 2, /* of history before an hour; with less it is not judged */
};
#define COMPLETENESS_POOR_SHARE 0.2
#define COMPLETENESS_LOG10_PROBABILITY_MAX (-6.0)

typedef struct CompletenessGap {
    Hour from, to; /* [from, to) */
    int64_t orders;
    double expected;
    double log10_probability;
} CompletenessGap;

/* log10 of the probability of at most `orders` where `expected` is the mean of a Poisson distribution; 0 where that is
 * more probable than not. */
double completeness_log10_probability(int64_t orders, double expected);

/* Orders usual in hour `index` of a history without holes; negative: not enough weeks before it. */
double completeness_expected(const int64_t *orders, size_t index);

/* Gaps in the hours [from, first + count) of a history that starts with hour `first`; one that began before `from` is
 * not among them. At most `gaps_max` are returned, the newest are left out. */
size_t completeness_find_gaps(const int64_t *orders, Hour first, size_t count, Hour from, CompletenessGap *ret_gaps,
                              size_t gaps_max);
