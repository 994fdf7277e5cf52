/* Handlers: GET /quality, POST /quality/checks, GET /quarantine. */
#pragma once

#include "common/router.h"

enum { QUALITY_CHECK_BODY_MAX_BYTES = 4096, QUARANTINE_PAGE_MAX = 1000, QUARANTINE_PAGE_DEFAULT = 100 };

RouteHandler handle_get_quality;
RouteHandler handle_post_quality_check;
RouteHandler handle_list_quarantine;
