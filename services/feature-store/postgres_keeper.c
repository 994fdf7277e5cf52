#include "services/feature-store/postgres_keeper.h"

#include "services/feature-store/feature_store.h"

enum { WATCH_MS = 5000 };

bool postgres_keeper_step(void *service, WorkerStep *step, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    if (!feature_store_acquire(service, &connection, err) || !pg_command(connection, "SELECT 1", err))
        return false;
    step->rest_ms = WATCH_MS;
    return true;
}
