#include "services/feature-store/feature_store.h"

bool feature_store_acquire(FeatureStore *store, PgConnection **ret_connection, Error *err)
{
    if (!atomic_load(&store->schema_ready)) {
        error_set(err, ERROR_UNAVAILABLE, "Postgres has not been reached yet; the schema is not known to be current");
        err->retry_after_s = 1;
        return false;
    }
    return pg_acquire(store->postgres, FEATURE_STORE_ACQUIRE_MS, ret_connection, err);
}
