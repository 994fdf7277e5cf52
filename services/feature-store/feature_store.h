/* What the feature store's handlers and workers share. */
#pragma once

#include <stdatomic.h>
#include "common/config.h"
#include "common/pg.h"
#include "common/redis_pool.h"
#include "services/feature-store/online/online_reader.h"

typedef struct FeatureStoreConfig {
    CommonConfig common;
    int64_t port;
    const char *redis;
    const char *redis_password;
    int64_t poll_ms;
    int64_t page_rows;
} FeatureStoreConfig;

typedef struct FeatureStore {
    FeatureStoreConfig config;
    FeatureViews views;
    PgPool *postgres;
    RedisPool *redis;
    OnlineReader reader;
    atomic_bool schema_ready; /* the migrations are applied */
} FeatureStore;

enum { FEATURE_STORE_ACQUIRE_MS = 2000 };

/* A connection to the database, whose schema is brought up to date by the first who asks. */
bool feature_store_acquire(FeatureStore *store, PgConnection **ret_connection, Error *err) MUST_CHECK;
