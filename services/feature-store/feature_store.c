#include "services/feature-store/feature_store.h"

#include "gen/feature_store_sql.h"
#include "services/feature-store/registry/view_registry.h"

/* Several threads may do this at once: migrations and declarations come one after another under locks of the database.
 */
static bool migrate(FeatureStore *store, PgConnection *connection, Error *err)
{
    size_t applied = 0;
    if (!migrations_apply(connection, "features", feature_store_migrations, feature_store_migrations_count, &applied,
                          err) ||
        !view_registry_apply(connection, &store->views, err))
        return false;
    atomic_store(&store->schema_ready, true);
    return true;
}

bool feature_store_acquire(FeatureStore *store, PgConnection **ret_connection, Error *err)
{
    PgConnection *connection = NULL;
    if (!pg_acquire(store->postgres, FEATURE_STORE_ACQUIRE_MS, &connection, err))
        return false;
    if (!atomic_load(&store->schema_ready) && !migrate(store, connection, err)) {
        pg_release(connection);
        return false;
    }
    *ret_connection = connection;
    return true;
}
