#include "services/feature-store/monitoring/psi.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static int compare_reals(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

size_t psi_edges(double *reference, size_t count, double ret_edges[PSI_EDGES_MAX])
{
    if (count == 0)
        return 0;
    qsort(reference, count, sizeof(*reference), compare_reals);
    double quantiles[PSI_EDGES_MAX];
    for (size_t i = 0; i < PSI_EDGES_MAX; i++) {
        size_t rank = ((i + 1) * count + PSI_BINS - 1) / PSI_BINS; /* nearest rank, from 1 */
        quantiles[i] = reference[rank - 1];
    }
    size_t edges = 0;
    for (size_t i = 0; i < PSI_EDGES_MAX; i++) {
        if (i > 0 && quantiles[i] == quantiles[i - 1])
            continue;
        bool repeated = i + 1 < PSI_EDGES_MAX && quantiles[i + 1] == quantiles[i];
        double below = nextafter(quantiles[i], -INFINITY);
        if (repeated && (edges == 0 || below > ret_edges[edges - 1]))
            ret_edges[edges++] = below;
        ret_edges[edges++] = quantiles[i];
    }
    return edges;
}

void psi_count(const double *values, size_t count, const double *edges, size_t edges_count, int64_t *ret_counts)
{
    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i]))
            continue;
        size_t bin = 0;
        while (bin < edges_count && values[i] > edges[bin])
            bin++;
        ret_counts[bin]++;
    }
}

static int64_t sum(const int64_t *counts, size_t bins)
{
    int64_t total = 0;
    for (size_t i = 0; i < bins; i++)
        total += counts[i];
    return total;
}

double psi_of_counts(const int64_t *reference, const int64_t *recent, size_t bins)
{
    int64_t reference_total = sum(reference, bins), recent_total = sum(recent, bins);
    if (reference_total == 0 || recent_total == 0)
        return NAN;
    double index = 0;
    for (size_t i = 0; i < bins; i++) {
        double p = fmax((double)reference[i] / (double)reference_total, PSI_SHARE_MIN);
        double q = fmax((double)recent[i] / (double)recent_total, PSI_SHARE_MIN);
        index += (q - p) * log(q / p);
    }
    return index;
}
