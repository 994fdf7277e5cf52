/* Handler: GET /catalog, the data dictionary. */
#pragma once

#include "common/router.h"

RouteHandler handle_get_catalog;
