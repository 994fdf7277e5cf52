/* What came in: how far, from where, into which geos, and what could not be used. */
#pragma once

#include "common/router.h"

enum {
    GEOS_PAGE_MAX = 10000,
    GEOS_PAGE_DEFAULT = 1000,
    DEAD_LETTERS_PAGE_MAX = 1000,
    DEAD_LETTERS_PAGE_DEFAULT = 100,
    DEAD_LETTER_SHOWN_BYTES = 4096, /* of each message; the whole is in raw.dead_letter */
    SYNC_BODY_MAX_BYTES = 4096,
};

RouteHandler handle_get_watermark;
RouteHandler handle_list_geos;
RouteHandler handle_list_sources;
RouteHandler handle_sync_source;
RouteHandler handle_list_dead_letters;
