/* POST /backfills, GET /backfills, GET /backfills/{id}. */
#pragma once

#include "common/router.h"

enum { BACKFILLS_PAGE_MAX = 1000, BACKFILLS_PAGE_DEFAULT = 100 };

RouteHandler handle_post_backfill;
RouteHandler handle_list_backfills;
RouteHandler handle_get_backfill;
