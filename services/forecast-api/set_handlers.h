/* Forecast sets: stored, published, rolled back. */
#pragma once

#include "common/router.h"

RouteHandler forecast_set_put, forecast_set_publish, forecast_sets_rollback, forecast_sets_list;
