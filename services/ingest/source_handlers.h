/* What came in: how far, from where, into which geos. */
#pragma once

#include "common/router.h"

enum {
    GEOS_PAGE_MAX = 10000,
    GEOS_PAGE_DEFAULT = 1000,
    SYNC_BODY_MAX_BYTES = 4096,
};

RouteHandler handle_get_watermark;
RouteHandler handle_list_geos;
RouteHandler handle_list_sources;
RouteHandler handle_sync_source;
