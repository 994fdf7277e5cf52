#include "services/feature-store/monitoring/summary.h"

#include <math.h>
#include <stdlib.h>

static int compare_reals(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double quantile(const double *sorted, size_t count, double share)
{
    double rank = share * (double)(count - 1), whole = floor(rank);
    size_t below = (size_t)whole, above = below + 1 < count ? below + 1 : below;
    return rank == whole ? sorted[below] : sorted[below] + (rank - whole) * (sorted[above] - sorted[below]);
}

Summary summary_of(double *values, size_t count)
{
    if (count == 0)
        return (Summary){0, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    qsort(values, count, sizeof(*values), compare_reals);
    double mean = 0, squares = 0; /* Welford's updates: no cancellation however large the mean */
    for (size_t i = 0; i < count; i++) {
        double off = values[i] - mean;
        mean += off / (double)(i + 1);
        squares += off * (values[i] - mean);
    }
    return (Summary){
        .count = count,
        .mean = mean,
        .stddev = sqrt(squares / (double)count),
        .min = values[0],
        .max = values[count - 1],
        .p10 = quantile(values, count, 0.1),
        .p50 = quantile(values, count, 0.5),
        .p90 = quantile(values, count, 0.9),
    };
}
