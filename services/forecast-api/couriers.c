#include "services/forecast-api/couriers.h"

#include <assert.h>
#include <math.h>

static const double score_of_p90 = 1.2815515655446004;
/* An exact multiple of the productivity must not need one more because of the last bit. */
static const double rounding_slack = 1e-9;

double normal_score(double probability)
{
    assert(probability > 0 && probability < 1);
    double low = -40, high = 40;
    while (high - low > 1e-12) {
        double middle = (low + high) / 2;
        if (erfc(-middle / M_SQRT2) / 2 < probability)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

CourierPolicy courier_policy(double deliveries_per_courier_hour, double service_level)
{
    assert(deliveries_per_courier_hour > 0);
    return (CourierPolicy){.deliveries_per_courier_hour = deliveries_per_courier_hour,
                           .service_level = service_level,
                           .service_score = normal_score(service_level)};
}

int64_t couriers_needed(const CourierPolicy *policy, const DemandEstimate *demand)
{
    double z = policy->service_score;
    double spread = z < 0 ? demand->p50 - demand->p10 : demand->p90 - demand->p50;
    double deliveries = demand->p50 + z / score_of_p90 * spread;
    if (z > score_of_p90 + rounding_slack)
        deliveries = fmax(deliveries, demand->mean);
    return (int64_t)ceil(fmax(0, deliveries / policy->deliveries_per_courier_hour - rounding_slack));
}
