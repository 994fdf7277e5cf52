/* What a set of numbers looks like. Pure. */
#pragma once

#include <stddef.h>

typedef struct Summary {
    size_t count; /* numbers; all below are NAN when it is 0 */
    double mean, stddev /* of the population */, min, max, p10, p50, p90;
} Summary;

/* Sorts the values, which hold no NaN. Quantiles are interpolated linearly between ranks (R's type 7, numpy's default:
 * Hyndman and Fan, Sample Quantiles in Statistical Packages, 1996). */
Summary summary_of(double *values, size_t count);
