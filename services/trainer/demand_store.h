/* The demand history in memory: hourly counts of every leaf geo, what is known of the geos, and the series made from
 * both. Thread-safe; knows nothing of where the data comes from. */
#pragma once

#include "common/geo.h"
#include "services/trainer/forecasting/forecaster.h"
#include "services/trainer/series_group.h"

enum {
    DEMAND_STORE_GEOS_MAX = 200 * 1000,
    DEMAND_STORE_HOURS_MAX = 24 * 366 * 20,      /* of one geo */
    DEMAND_STORE_VALUES_MAX = 512 * 1000 * 1000, /* of all geos, 4 bytes each */
    DEMAND_STORE_VERTICALS = 3,                  /* all orders, restaurant, goods */
    DEMAND_STORE_ENDED_HOURS = 8 * 168,          /* zeros of a geo whose orders are older than the history */
};

typedef struct DemandStore DemandStore;

typedef struct StoredGeo {
    const char *geo;
    const char *parent; /* NULL: none */
    bool is_parent;     /* a city or `all`: its demand is the sum of its leaves */
    const char *timezone, *country;
    Hour first_order; /* hour of its first order ever, HOUR_NONE: it had none */
} StoredGeo;

/* The series of each group at a cutoff, and what of the history they hold. */
typedef struct DemandSnapshot {
    Hour cutoff;
    int64_t cursor;
    DemandHistory groups[SERIES_GROUPS]; /* count 0: no demand in that vertical */
} DemandSnapshot;

DemandStore *demand_store_new(void);
void demand_store_free(DemandStore *store); /* accepts NULL */
/* Forgets the demand, keeps the geos. */
void demand_store_clear(DemandStore *store);

/* Adds a geo or replaces what is known of it. NOT_FOUND for an unknown time zone. */
bool demand_store_put_geo(DemandStore *store, const StoredGeo *geo, Error *err) MUST_CHECK;
/* Sets the counts of an hour (all orders, restaurant, goods); they may be fractional, NAN counts as zero. A geo that is
 * not known yet gets the time zone UTC until it is. TOO_LARGE beyond the limits. */
bool demand_store_put_demand(DemandStore *store, const char *geo, Hour hour,
                             const double counts[DEMAND_STORE_VERTICALS], Error *err) MUST_CHECK;
/* Where the source was read up to; part of every snapshot. */
void demand_store_set_cursor(DemandStore *store, int64_t cursor);
int64_t demand_store_cursor(DemandStore *store);
/* True when demand has come for a geo that demand_store_put_geo() has not brought, or brought without a first order. */
bool demand_store_has_unknown_geos(DemandStore *store);
size_t demand_store_geos_count(DemandStore *store);
/* First hour with demand of any geo, HOUR_NONE when there is none. */
Hour demand_store_first_hour(DemandStore *store);

/* Copies the history up to the cutoff into the arena. A leaf's series begins with its first hour that has any order and
 * is complete up to the cutoff (hours that nothing came for are zero); geos without history have no hours. A parent's
 * series begins with its first leaf's. A geo, leaf or parent, without orders up to the cutoff whose first order ever is
 * older than DEMAND_STORE_ENDED_HOURS had orders before the history begins: it has that many hours of zero. With
 * `watch`, changes at or before the cutoff are counted from here on, see demand_store_restated(). */
void demand_store_snapshot(DemandStore *store, Hour cutoff, bool watch, Arena *arena, DemandSnapshot *ret_snapshot);
/* Orders added or taken away since the newest watched snapshot in hours that it held, as a share of the orders in its
 * last week. */
double demand_store_restated(DemandStore *store);
