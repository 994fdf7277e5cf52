/* Arithmetic of the feature view geo_demand: from a geo's hourly counts to the features of each hour. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GEO_DEMAND_SAME_HOURS = 4,
    /* Hours before an hour that its features look back on (same_hour_4w). */
    GEO_DEMAND_LOOKBACK_HOURS = 4 * 168 - 1,
    /* Most orders of one geo and hour, so that a week's sum fits 32 bits. */
    GEO_DEMAND_ORDERS_MAX = 10000000,
};

#define GEO_DEMAND_NULL INT32_MIN

typedef struct GeoDemandCounts {
    int32_t orders, restaurant, goods;
} GeoDemandCounts;

/* The features of one hour, as views/geo_demand.json describes them. */
typedef struct GeoDemandFeatures {
    int32_t orders, restaurant, goods;
    int32_t orders_3h, orders_24h, orders_168h;
    int32_t same_hour[GEO_DEMAND_SAME_HOURS]; /* GEO_DEMAND_NULL: before the geo's first hour */
    double trend;                             /* NAN: null */
    bool idle; /* no feature: neither the hour nor any that its features look back on has orders, so all are zero */
} GeoDemandFeatures;

/* Features of counts[lead_hours .. count), one per hour, into ret_features[0 .. count - lead_hours). The hours before
 * are what they look back on: GEO_DEMAND_LOOKBACK_HOURS of them, or fewer when the geo's life begins at counts[0]. */
void geo_demand_compute(const GeoDemandCounts *counts, size_t lead_hours, size_t count,
                        GeoDemandFeatures *ret_features);

/* Whether all features are the same; nulls are equal to each other. */
bool geo_demand_equal(const GeoDemandFeatures *a, const GeoDemandFeatures *b);
