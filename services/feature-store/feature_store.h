/* What the feature store's handlers and workers share. */
#pragma once

#include <stdatomic.h>
#include "common/config.h"
#include "common/pg.h"
#include "common/redis_client.h"
#include "services/feature-store/monitoring/feature_monitor.h"
#include "services/feature-store/on_demand/geo_places.h"
#include "services/feature-store/online/online_reader.h"
#include "services/feature-store/registry/feature_service.h"

typedef struct FeatureStoreConfig {
    CommonConfig common;
    int64_t port;
    const char *redis;
    const char *redis_user, *redis_password;
    bool redis_tls;
    const char *redis_ca_file, *redis_certificate_file, *redis_key_file, *redis_server_name;
    int64_t poll_ms;
    int64_t page_rows;
    int64_t monitor_s;
    const char *feature_services;
    const char *feature_views;
} FeatureStoreConfig;

typedef struct FeatureStore {
    FeatureStoreConfig config;
    FeatureViews views;
    FeatureServices services;
    PgPool *postgres;
    RedisClient *redis;
    GeoPlaces *places;
    OnlineReader reader;
    FeatureMonitor monitor;
    atomic_bool schema_ready; /* the migrations and the declarations are applied */
} FeatureStore;

enum { FEATURE_STORE_ACQUIRE_MS = 2000 };

/* A connection to the database, whose schema is brought up to date by the first who asks. */
bool feature_store_acquire(FeatureStore *store, PgConnection **ret_connection, Error *err) MUST_CHECK;
