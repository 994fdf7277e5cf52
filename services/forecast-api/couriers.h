/* Drivers and runners needed for an hour's demand. Pure.
 *
 * couriers = ceil(Q(service level) / deliveries per courier-hour), where Q is the hour's demand quantile: linear
 * between p10, p50 and p90 on the scale of the standard normal score z, continued with the slope of the outer piece,
 * never negative: Q(z) = p50 + z / 1.2816 * (z < 0 ? p50 - p10 : p90 - p50) which is the normal distribution's quantile
 * when the three are those of one. Above 0.9 the three say nothing of the tail of a rarely used geo (all may be 0 while
 * the mean is not), so there Q is at least the mean. */
#pragma once

#include <stdint.h>

/* What is forecast for one series and hour. */
typedef struct DemandEstimate {
    double mean, p10, p50, p90;
} DemandEstimate;

typedef struct CourierPolicy {
    double deliveries_per_courier_hour; /* > 0 */
    double service_level;               /* within (0, 1) */
    double service_score;               /* standard normal score of the service level */
} CourierPolicy;

CourierPolicy courier_policy(double deliveries_per_courier_hour, double service_level);
/* 0 when there is no demand; rises with each of the estimate's numbers in use and with the service level. */
int64_t couriers_needed(const CourierPolicy *policy, const DemandEstimate *demand);
/* z with P(Z <= z) = probability, for probabilities within (0, 1). */
double normal_score(double probability);
