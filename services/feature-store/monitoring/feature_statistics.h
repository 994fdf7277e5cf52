/* Health of a feature view: how much it holds, how fresh it is, and what its values look like. */
#pragma once

#include "common/json.h"
#include "services/feature-store/geo_demand/feature_progress.h"
#include "services/feature-store/registry/feature_view.h"

enum { FEATURE_STATISTICS_HOURS = 7 * 24 };

/* Over the newest values of the last FEATURE_STATISTICS_HOURS complete hours. `now` for the freshness. */
bool feature_statistics_read(PgConnection *connection, const FeatureView *view, Instant now, json_t **ret_json,
                             Error *err) MUST_CHECK;
