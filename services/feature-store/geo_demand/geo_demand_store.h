/* The offline side of the feature view geo_demand in Postgres: counts as ingest tells them, and the features recorded
 * from them. Every function is whole transactions of its own, safe to repeat, and safe against other processes doing
 * it. */
#pragma once

#include "common/pg.h"

#define GEO_DEMAND_VIEW "geo_demand"
#define GEO_DEMAND_TABLE "geo_demand_v1"

typedef struct GeoDemandChange {
    const char *geo;
    Hour hour;
    const char *vertical; /* "restaurant", "goods", or NULL: orders without one */
    int64_t orders;       /* absolute, 0 .. GEO_DEMAND_ORDERS_MAX */
} GeoDemandChange;

/* Stores one page of changes and the cursor after it. A page that is stored already changes nothing; CONFLICT when the
 * stored cursor is neither the one before nor beyond the page. UPSTREAM for a change that can't be. */
bool geo_demand_apply(PgConnection *connection, int64_t cursor_before, int64_t cursor_after,
                      const GeoDemandChange *changes, size_t count, Error *err) MUST_CHECK;

enum {
    GEO_DEMAND_RECORDING_ROWS = 500000,
    /* Older hours have counts but no features: an event with a wrong year must not fill the store with decades. */
    GEO_DEMAND_HISTORY_HOURS = 10 * 8766,
};

/* Records the features of every hour through `complete_hour` that lacks them and of every hour whose features came out
 * differently because counts changed. Hours with no order in them and in all that their features look back on are left
 * out, except the newest: they are zero, and a geo that has ended must not fill the store with them. A recording of up
 * to GEO_DEMAND_RECORDING_ROWS is one transaction, so that readers see an hour of all geos at once; more are several.
 * Stops early, without failing, when `stop` says so (may be NULL). */
bool geo_demand_record(PgConnection *connection, Hour complete_hour, Instant watermark, bool (*stop)(void),
                       int64_t *ret_rows, Error *err) MUST_CHECK;
