#pragma once

#include "common/router.h"

/* POST /get-historical-features: a table with the join keys, event_timestamp and the features, a row for each row of
 * the request, in its order. */
RouteHandler historical_handle_get;
