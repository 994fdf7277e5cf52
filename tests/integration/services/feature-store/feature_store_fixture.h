/* A feature store on an empty database with the schema, and on an empty Redis. */
#pragma once

#include "services/feature-store/feature_store.h"
#include "services/feature-store/geo_demand/geo_demand_store.h"

/* For .init and .fini of a suite; `fixture` is made by them. */
void feature_store_set_up(void);
void feature_store_tear_down(void);
extern FeatureStore fixture;
/* Another Redis from now on. */
void feature_store_use_redis(const char *address, int timeout_ms);

PgConnection *fixture_connection(void);
const FeatureView *fixture_view(void);

/* Hour 0 of the tests: 2026-11-02T00:00Z, a Monday. */
Hour fixture_hour(int hours);
/* Stores the changes as the page after the cursor; the next cursor is one more. */
void fixture_apply(int64_t cursor, const GeoDemandChange *changes, size_t count);
/* Records through the hour; returns the number of rows. */
int64_t fixture_record(Hour complete_hour);
/* The newest orders of each (geo, hour) recorded since, as CSV. Free it. */
char *fixture_export(int64_t recorded_since, int64_t *ret_cursor);
/* Number of lines, the header included. */
size_t fixture_lines(const char *text);
