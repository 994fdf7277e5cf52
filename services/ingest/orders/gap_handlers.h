/* GET /gaps: what the stream has lost. */
#pragma once

#include "common/router.h"

enum { GAPS_PAGE_MAX = 1000, GAPS_PAGE_DEFAULT = 100 };

RouteHandler handle_list_gaps;
