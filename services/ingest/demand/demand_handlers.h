/* GET /demand: hourly actuals, complete grids or what changed. */
#pragma once

#include "common/router.h"

enum {
    DEMAND_ROWS_MAX = 10000000, /* geos x hours in one answer */
    DEMAND_CHANGES_MAX = 100000,
    DEMAND_CHANGES_DEFAULT = 10000,
};

RouteHandler handle_get_demand;
