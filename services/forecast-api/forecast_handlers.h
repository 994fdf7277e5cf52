/* GET /forecast, GET /forecasts, GET /geos: from the snapshot on show. */
#pragma once

#include "common/router.h"
#include "services/forecast-api/issued_set.h"

RouteHandler forecast_get, forecasts_list, served_geos_list;

/* The query parameter `vertical`. */
bool forecast_query_vertical(const Request *request, Vertical *ret_vertical, Error *err) MUST_CHECK;
