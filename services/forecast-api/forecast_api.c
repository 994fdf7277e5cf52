#include "services/forecast-api/forecast_api.h"

#include "common/service.h"

enum { NOT_READY_RETRY_S = 2 };

void forecast_api_wake(const char *worker)
{
    Workers *workers = service_workers();
    if (workers != NULL)
        workers_wake(workers, worker);
}

bool forecast_api_check(const Snapshot *snapshot, Error *err)
{
    if (snapshot != NULL && snapshot->parts.set != NULL && snapshot->first_hour != HOUR_NONE)
        return true;
    if (snapshot == NULL)
        error_set(err, ERROR_UNAVAILABLE, "published forecasts have not been loaded from Postgres yet");
    else if (snapshot->parts.set == NULL)
        error_set(err, ERROR_UNAVAILABLE,
                  "no forecast set has been published yet: the trainer publishes the first after its first run");
    else
        error_set(err, ERROR_UNAVAILABLE,
                  "RUSHCAST_NOW is \"data\" and ingest has not told its watermark yet, so the time is not known");
    if (err != NULL)
        err->retry_after_s = NOT_READY_RETRY_S;
    return false;
}

bool forecast_api_hold(const ForecastApi *api, Snapshot **ret_snapshot, Error *err)
{
    Snapshot *snapshot = board_hold(api->board);
    if (!forecast_api_check(snapshot, err)) {
        shared_unref(snapshot);
        return false;
    }
    *ret_snapshot = snapshot;
    return true;
}
