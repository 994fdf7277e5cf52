#include "services/feature-store/monitoring/psi.h"

#include <criterion/criterion.h>
#include <math.h>

TestSuite(psi);

enum { VALUES = 100 };

static double index_of(double *reference, const double *recent, size_t count)
{
    double edges[PSI_EDGES_MAX];
    int64_t before[PSI_BINS] = {0}, after[PSI_BINS] = {0};
    size_t edges_count = psi_edges(reference, count, edges);
    psi_count(reference, count, edges, edges_count, before);
    psi_count(recent, count, edges, edges_count, after);
    return psi_of_counts(before, after, edges_count + 1);
}

Test(psi, two_bins_by_hand)
{
    /* -0.25 ln 0.5 + 0.25 ln 1.5 */
    cr_assert_float_eq(psi_of_counts((int64_t[]){50, 50}, (int64_t[]){25, 75}, 2), 0.2746531, 1e-7);
    cr_assert_float_eq(psi_of_counts((int64_t[]){5, 5}, (int64_t[]){400, 400}, 2), 0, 1e-12);
}

Test(psi, edges_are_deciles_of_unsorted_values)
{
    double reference[VALUES], edges[PSI_EDGES_MAX];
    for (int i = 0; i < VALUES; i++)
        reference[i] = VALUES - i;
    cr_assert_eq(psi_edges(reference, VALUES, edges), PSI_EDGES_MAX);
    for (int i = 0; i < PSI_EDGES_MAX; i++)
        cr_assert_eq(edges[i], 10 * (i + 1));
}

Test(psi, empty_bins_count_as_the_least_share)
{
    double reference[VALUES], recent[VALUES];
    for (int i = 0; i < VALUES; i++) {
        reference[i] = i + 1;
        recent[i] = i / 2 + 1;
    }
    /* five bins from 0.1 to 0.2, five from 0.1 to 0.0001: 5 * 0.1 ln 2 + 5 * 0.0999 ln 1000 */
    cr_assert_float_eq(index_of(reference, recent, VALUES), 3.7969974, 1e-6);
    cr_assert_float_eq(index_of(reference, reference, VALUES), 0, 1e-12);
}

Test(psi, a_constant_that_falls_is_seen)
{
    double reference[] = {5, 5, 5, 5}, recent[] = {3, 3, 3, 3};
    /* 2 * 0.9999 ln 10000 */
    cr_assert_float_eq(index_of(reference, recent, 4), 18.4188388, 1e-6);
}

Test(psi, mostly_zeros_make_fewer_bins)
{
    double reference[] = {0, 0, 0, 0, 0, 0, 0, 1, 2, 3}, edges[PSI_EDGES_MAX];
    cr_assert_eq(psi_edges(reference, 10, edges), 4, "below 0, 0, 1, 2, more");
    cr_assert(edges[0] < 0 && edges[1] == 0 && edges[2] == 1 && edges[3] == 2);
}

Test(psi, nothing_to_compare)
{
    double edges[PSI_EDGES_MAX];
    int64_t counts[1] = {0};
    cr_assert_eq(psi_edges(NULL, 0, edges), 0);
    psi_count((double[]){NAN}, 1, edges, 0, counts);
    cr_assert_eq(counts[0], 0);
    cr_assert(isnan(psi_of_counts(counts, (int64_t[]){3}, 1)));
}
