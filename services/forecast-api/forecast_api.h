/* State of the service: made by main.c, used by handlers and workers. */
#pragma once

#include "common/config.h"
#include "common/pg.h"
#include "common/worker.h"
#include "services/forecast-api/board.h"

typedef struct ForecastApiConfig {
    CommonConfig common;
    int64_t port;
    int64_t h3_resolution;
    int64_t stale_after_hours;
    int64_t set_retention_days;
    double deliveries_per_courier_hour;
    double service_level;
} ForecastApiConfig;

typedef struct ForecastApi {
    ForecastApiConfig config;
    PgPool *pg;
    Board *board;
    /* Only the publications worker touches these. */
    SnapshotParts shown;
    int64_t overrides_revision;
    bool migrated;
    int64_t next_cleaning_ms;
    int64_t next_geos_ms; /* only the geos worker touches this */
} ForecastApi;

enum { PG_ACQUIRE_DEADLINE_MS = 5000, SET_BODY_LIMIT_BYTES = 256 << 20 };

/* Names in the workers' table. */
#define WORKER_PUBLICATIONS "publications"
#define WORKER_HOURS "forecasts"
#define WORKER_GEOS "geos"

/* Ends the worker's rest; nothing when no service is running. */
void forecast_api_wake(const char *worker);
/* The snapshot on show, held; UNAVAILABLE with the reason and when to try again while there is none. */
bool forecast_api_hold(const ForecastApi *api, Snapshot **ret_snapshot, Error *err) MUST_CHECK;
/* UNAVAILABLE unless the snapshot (may be NULL) can answer: has geos, a set, and knows the time. */
bool forecast_api_check(const Snapshot *snapshot, Error *err) MUST_CHECK;
