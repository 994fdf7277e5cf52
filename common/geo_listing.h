/* The geos that ingest knows, read over REST page by page. */
#pragma once

#include "common/hour.h"

enum { GEO_LISTING_MAX = 200000 };

typedef struct ListedGeo {
    const char *geo, *kind, *timezone;
    const char *country, *parent; /* NULL: none */
    Hour first_hour;              /* HOUR_NONE: no order yet */
} ListedGeo;

/* Calls `visit` for each geo, in the order of the ids; texts live during the call. `visit` returns false to stop with
 * its error. UPSTREAM, UNAVAILABLE or DEADLINE when ingest does not answer in time, TOO_LARGE beyond GEO_LISTING_MAX.
 */
bool geo_listing_read(const char *ingest_url, const char *token,
                      bool (*visit)(void *context, const ListedGeo *geo, Error *err), void *context,
                      Error *err) MUST_CHECK;
