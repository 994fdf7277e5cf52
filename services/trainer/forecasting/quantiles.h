/* From an expectation to a distribution: negative binomial counts for small expectations, a square-root normal for
 * large ones and for fractional demand, corrected by how past probability integral transforms were spread
 * (Czado, Gneiting & Held 2009, Predictive model assessment for count data; nonrandomized PIT). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    VOLUME_CLASSES = 5,
    LEAD_BUCKETS = 3,
    SIZE_BUCKETS = 9, /* of the expectation */
    MAP_BUCKETS = 3,  /* of the expectation: below 1, below 10, above */
    MAP_POINTS = 201,
};

typedef struct QuantileModel {
    float dispersion[LEAD_BUCKETS][SIZE_BUCKETS];       /* factor of a series' own dispersion */
    float map[VOLUME_CLASSES][MAP_BUCKETS][MAP_POINTS]; /* share of past outcomes at or below each level */
} QuantileModel;

/* What is known of one hour to be. */
typedef struct Prospect {
    float expected;
    float dispersion; /* of its series: variance = expected + dispersion * expected^2 */
    uint16_t lead;
    uint8_t volume_class;
    bool fractional; /* the series has values that are no counts */
} Prospect;

/* Class of a series by its mean demand per hour. */
uint8_t volume_class(double mean);

/* Dispersions as they are and no correction. */
void quantiles_default(QuantileModel *model);
void quantiles_fit(const Prospect *prospects, const float *demand, size_t count, QuantileModel *ret_model);
/* Quantiles at rising levels within (0, 1): rising, never negative. */
void quantiles_at(const QuantileModel *model, const Prospect *prospect, const double *levels, size_t count,
                  double *ret_quantiles);
/* P(Y <= y), and P(Y < y) for counts, before correction. */
double quantiles_cdf(double expected, double dispersion, bool counts, double y);
/* Inverse of the standard normal distribution (Acklam's rational approximation with one step of Halley's method). */
double quantiles_normal(double level);
