/* A snapshot for tests: two cells of a city, one of them unknown to the set, and a geo that only the set knows. */
#pragma once

#include <math.h>
#include "services/forecast-api/snapshot.h"
#include "tests/unit/services/forecast-api/set_fixture.h"

enum { FIXTURE_PUBLICATION = 7 };

static inline GeoCatalog *fixture_geos(void)
{
    static const GeoInfo geos[] = {
        {.geo = "city:ny",
         .name = "New York",
         .kind = "city",
         .timezone = "America/New_York",
         .parent = "all",
         .lat = 40.7,
         .lon = -74,
         .geo_version = 1,
         .first_hour = HOUR_NONE,
         .revision = 1},
        {.geo = "old",
         .name = "Old \"town\"",
         .kind = "cell",
         .timezone = "America/New_York",
         .country = "US",
         .parent = "city:ny",
         .lat = 40.7,
         .lon = -74,
         .geo_version = 2,
         .first_hour = 400000,
         .revision = 2},
        {.geo = "new",
         .name = "New",
         .kind = "cell",
         .timezone = "America/New_York",
         .country = "US",
         .parent = "city:ny",
         .lat = 40.8,
         .lon = -74,
         .geo_version = 2,
         .first_hour = HOUR_NONE,
         .revision = 9},
        {.geo = "all",
         .name = "All",
         .kind = "all",
         .timezone = "UTC",
         .lat = NAN,
         .lon = NAN,
         .geo_version = 1,
         .first_hour = HOUR_NONE,
         .revision = 1},
    };
    GeoCatalog *catalog = geo_catalog_new(4);
    for (size_t i = 0; i < 4; i++)
        geo_catalog_add(catalog, &geos[i]);
    geo_catalog_finish(catalog);
    return catalog;
}

/* Cutoff 2026-10-31T22:00Z, 192 hours. */
static inline IssuedSet *fixture_issued(void)
{
    static const FixtureSeries series[] = {{"all", NULL, "boosted", NULL, 30},
                                           {"city:ny", NULL, "boosted", NULL, 20},
                                           {"old", NULL, "boosted", NULL, 10},
                                           {"old", "goods", "seasonal", "short_history", 4},
                                           {"stray", NULL, "seasonal", NULL, 1}};
    return fixture_set("20261031T22-1", &(FixtureSet){.cutoff = "2026-10-31T22:00:00Z", .series = series, .count = 5});
}

static inline Snapshot *fixture_snapshot_with(const char *first_hour, const Override *overrides, size_t count)
{
    OverrideList *list = override_list_new(count);
    for (size_t i = 0; i < count; i++)
        override_list_add(list, &overrides[i]);
    SnapshotParts parts = {
        .set = fixture_issued(), .geos = fixture_geos(), .overrides = list, .publication_seq = FIXTURE_PUBLICATION};
    ServingPolicy policy = {.stale_after_hours = 3, .couriers = courier_policy(2.5, 0.9)};
    Hour hour;
    Error err;
    if (!hour_parse(first_hour, &hour, &err))
        abort();
    Snapshot *snapshot = snapshot_new(&parts, &policy, hour);
    shared_unref(parts.set);
    shared_unref(parts.geos);
    shared_unref(parts.overrides);
    return snapshot;
}

static inline Snapshot *fixture_snapshot(const char *first_hour)
{
    return fixture_snapshot_with(first_hour, NULL, 0);
}
