/* Population stability index: how far recent values have moved from those of a reference, over bins of about equally
 * many reference values: sum over the bins of (q - p) ln(q / p), with p and q the shares of the reference and of the
 * recent values (N. Siddiqi, Credit Risk Scorecards, Wiley 2006, chapter on scorecard monitoring; it is the symmetric
 * Kullback-Leibler divergence of the binned values). 0: the same shares; above 0.2 is commonly taken for a shift.
 * A share below PSI_SHARE_MIN counts as PSI_SHARE_MIN, so that an empty bin is not infinitely far. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { PSI_BINS = 10, PSI_EDGES_MAX = PSI_BINS - 1 };
#define PSI_SHARE_MIN 1e-4

/* Inner edges of the bins, ascending and distinct, from `count` reference values, which are sorted here and hold no
 * NaN. Bin i has the values in (edge i-1, edge i]; the first and the last are open. A value that takes more than a
 * quantile is a bin of its own, so that mass moving below it shows too. Returns the number of edges; 0 without values.
 */
size_t psi_edges(double *reference, size_t count, double ret_edges[PSI_EDGES_MAX]);

/* Adds the values, NaNs left out, to ret_counts[edges_count + 1]. */
void psi_count(const double *values, size_t count, const double *edges, size_t edges_count, int64_t *ret_counts);

/* The index of two histograms over the same bins; NAN when either holds nothing. */
double psi_of_counts(const int64_t *reference, const int64_t *recent, size_t bins);
