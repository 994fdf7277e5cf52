/* GET /schema-drift: fields that the sources send other than expected. */
#pragma once

#include "common/router.h"

enum { DRIFT_PAGE_MAX = 10000, DRIFT_PAGE_DEFAULT = 1000 };

RouteHandler handle_list_schema_drift;
