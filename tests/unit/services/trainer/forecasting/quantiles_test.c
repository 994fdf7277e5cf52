#include "services/trainer/forecasting/quantiles.h"
#include "tests/unit/services/trainer/forecasting/synthetic.h"

Test(quantiles, cdf_of_counts_by_hand)
{
    /* Poisson of mean 1: 0.367879, 0.735759, 0.919699 */
    cr_assert_float_eq(quantiles_cdf(1, 0, true, 0), 0.3678794, 1e-6);
    cr_assert_float_eq(quantiles_cdf(1, 0, true, 1), 0.7357589, 1e-6);
    cr_assert_float_eq(quantiles_cdf(1, 0, true, 2), 0.9196986, 1e-6);
    cr_assert_float_eq(quantiles_cdf(1, 0, true, -1), 0, 1e-12);
    /* dispersion 1 is geometric: P(Y <= k) = 1 - (1/2)^(k+1) at mean 1 */
    cr_assert_float_eq(quantiles_cdf(1, 1, true, 0), 0.5, 1e-9);
    cr_assert_float_eq(quantiles_cdf(1, 1, true, 2), 0.875, 1e-9);
    cr_assert_float_eq(quantiles_cdf(100, 0, false, 100), 0.5, 1e-9);
}

Test(quantiles, normal_by_table)
{
    cr_assert_float_eq(quantiles_normal(0.5), 0, 1e-12);
    cr_assert_float_eq(quantiles_normal(0.975), 1.959963985, 1e-8);
    cr_assert_float_eq(quantiles_normal(0.1), -1.281551566, 1e-8);
    cr_assert_float_eq(quantiles_normal(0.001), -3.090232306, 1e-8);
}

Test(quantiles, of_poisson_without_correction)
{
    QuantileModel *model = malloc(sizeof *model);
    quantiles_default(model);
    Prospect prospect = {.expected = 1, .dispersion = 0, .lead = 1};
    const double levels[] = {0.1, 0.5, 0.9, 0.95};
    double values[4];
    quantiles_at(model, &prospect, levels, 4, values);
    cr_assert_float_eq(values[0], 0, 1e-9);
    cr_assert_float_eq(values[1], 1, 1e-9);
    cr_assert_float_eq(values[2], 2, 1e-9);
    cr_assert_float_eq(values[3], 3, 1e-9);
    free(model);
}

Test(quantiles, rise_and_are_not_negative)
{
    QuantileModel *model = malloc(sizeof *model);
    quantiles_default(model);
    const double levels[] = {0.01, 0.1, 0.5, 0.9, 0.99};
    for (double expected = 1e-5; expected < 1e5; expected *= 3) {
        for (int fractional = 0; fractional <= 1; fractional++) {
            Prospect prospect = {.expected = (float)expected, .dispersion = 2, .lead = 30, .fractional = fractional};
            double values[5];
            quantiles_at(model, &prospect, levels, 5, values);
            cr_assert_geq(values[0], 0);
            for (int i = 1; i < 5; i++)
                cr_assert_leq(values[i - 1], values[i]);
        }
    }
    free(model);
}

/* Poisson counts said to be three times as spread: the fit finds the spread they have. */
Test(quantiles, fit_is_calibrated)
{
    enum { ROWS = 20000 };
    Prospect *prospects = calloc(ROWS, sizeof *prospects);
    float *demand = calloc(ROWS, sizeof *demand);
    uint32_t state = 7;
    for (int i = 0; i < ROWS; i++) {
        double mean = i % 4 == 0 ? 0.3 : i % 4 == 1 ? 3 : 12;
        prospects[i] = (Prospect){.expected = (float)mean,
                                  .dispersion = 0.5F,
                                  .lead = (uint16_t)(1 + i % 168),
                                  .volume_class = volume_class(mean)};
        demand[i] = synthetic_poisson(mean, &state);
    }
    QuantileModel *model = malloc(sizeof *model);
    quantiles_fit(prospects, demand, ROWS, model);
    const double levels[] = {0.1, 0.5, 0.9};
    double below[3] = {0}, at_most[3] = {0};
    for (int i = 0; i < ROWS; i++) {
        double values[3];
        quantiles_at(model, &prospects[i], levels, 3, values);
        for (int q = 0; q < 3; q++) {
            below[q] += (double)demand[i] < values[q];
            at_most[q] += (double)demand[i] <= values[q];
        }
    }
    for (int q = 0; q < 3; q++) {
        cr_assert_leq(below[q] / ROWS, levels[q] + 0.02, "level %g: %g", levels[q], below[q] / ROWS);
        cr_assert_geq(at_most[q] / ROWS, levels[q] - 0.02, "level %g: %g", levels[q], at_most[q] / ROWS);
    }
    free(model);
    free(prospects);
    free(demand);
}

Test(quantiles, volume_classes)
{
    cr_assert_eq(volume_class(0), 0);
    cr_assert_eq(volume_class(0.1), 1);
    cr_assert_eq(volume_class(1.9), 2);
    cr_assert_eq(volume_class(500), VOLUME_CLASSES - 1);
}
