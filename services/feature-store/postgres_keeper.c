#include "services/feature-store/postgres_keeper.h"

#include "common/log.h"
#include "gen/feature_store_sql.h"
#include "services/feature-store/feature_store.h"

enum { WATCH_MS = 5000 };

static bool migrate(FeatureStore *store, PgConnection *connection, Error *err)
{
    size_t applied = 0;
    if (!migrations_apply(connection, "features", feature_store_migrations, feature_store_migrations_count, &applied,
                          err))
        return false;
    log_info("schema.current", log_text("schema", "features"), log_int("applied", applied));
    atomic_store(&store->schema_ready, true);
    return true;
}

bool postgres_keeper_step(void *service, WorkerStep *step, Error *err)
{
    FeatureStore *store = service;
    PG_SCOPED PgConnection *connection = NULL;
    if (!pg_acquire(store->postgres, FEATURE_STORE_ACQUIRE_MS, &connection, err))
        return false;
    if (!(atomic_load(&store->schema_ready) ? pg_command(connection, "SELECT 1", err)
                                            : migrate(store, connection, err)))
        return false;
    step->rest_ms = WATCH_MS;
    return true;
}
