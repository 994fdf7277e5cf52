/* Features that are computed when they are asked for, of the entity and a moment (source "on_demand"). */
#pragma once

#include "services/feature-store/on_demand/geo_places.h"
#include "services/feature-store/online/feature_row.h"

/* Whether the program can compute the view. UNPROCESSABLE names the view or the feature that it can't. */
bool on_demand_check(const FeatureView *view, Error *err) MUST_CHECK;
/* Fills row->values (one per feature of the view) as of the moment; event_timestamp and created are that moment. False
 * when the entity is unknown. `view` has passed on_demand_check(). Texts are static or live as long as `places`. */
bool on_demand_compute(const FeatureView *view, GeoPlaces *places, const char *entity, Instant at,
                       FeatureRow *row) MUST_CHECK;
