/* forecast-api: serves published forecasts from memory. */
#include "common/service.h"
#include "services/forecast-api/follower.h"
#include "services/forecast-api/forecast_api.h"
#include "services/forecast-api/forecast_handlers.h"
#include "services/forecast-api/override_handlers.h"
#include "services/forecast-api/overview_page.h"
#include "services/forecast-api/set_handlers.h"

#define AT(member) offsetof(ForecastApiConfig, member)
static const ConfigEntry config[] = {
    {"RUSHCAST_FORECAST_API_PORT", CONFIG_INT, AT(port), "8080", 0, 65535, "Port to listen on."},
    {"RUSHCAST_H3_RESOLUTION", CONFIG_INT, AT(h3_resolution), "7", 0, 15,
     "H3 resolution of the cells that lat and lon are looked up in."},
    {"RUSHCAST_STALE_AFTER_HOURS", CONFIG_INT, AT(stale_after_hours), "3", 1, 168,
     "Answers are marked stale when the set's cutoff is older than this, in hours."},
    {"RUSHCAST_SET_RETENTION_DAYS", CONFIG_INT, AT(set_retention_days), "35", 1, 3650,
     "Days that the content of hourly sets is kept; daily sets are kept for ever."},
    {"RUSHCAST_DELIVERIES_PER_COURIER_HOUR", CONFIG_REAL, AT(deliveries_per_courier_hour), "2.5", 0.01, 1000,
     "Deliveries that one driver or runner makes in an hour."},
    {"RUSHCAST_SERVICE_LEVEL", CONFIG_REAL, AT(service_level), "0.9", 0.5, 0.999,
     "Probability with which the couriers of an hour are enough for its demand."},
    {.name = NULL},
};
#undef AT

enum { OVERRIDE_BODY_LIMIT_BYTES = 16 << 10 };

static const Route routes[] = {
    {"GET", "/forecast", SCOPE_READ, ROUTE_FAST, 0, forecast_get},
    {"GET", "/forecasts", SCOPE_READ, ROUTE_BLOCKING, 0, forecasts_list},
    {"GET", "/geos", SCOPE_READ, ROUTE_BLOCKING, 0, served_geos_list},
    {"GET", "/forecast-sets", SCOPE_READ, ROUTE_BLOCKING, 0, forecast_sets_list},
    {"PUT", "/forecast-sets/{id}", SCOPE_INTERNAL, ROUTE_BLOCKING, SET_BODY_LIMIT_BYTES, forecast_set_put},
    {"POST", "/forecast-sets/{id}/publish", SCOPE_INTERNAL, ROUTE_BLOCKING, 0, forecast_set_publish},
    {"POST", "/forecast-sets/rollback", SCOPE_OPERATE, ROUTE_BLOCKING, 0, forecast_sets_rollback},
    {"GET", "/overrides", SCOPE_READ, ROUTE_BLOCKING, 0, overrides_list},
    {"PUT", "/overrides/{id}", SCOPE_OPERATE, ROUTE_BLOCKING, OVERRIDE_BODY_LIMIT_BYTES, override_put},
    {"DELETE", "/overrides/{id}", SCOPE_OPERATE, ROUTE_BLOCKING, 0, override_delete},
    {"GET", "/", SCOPE_READ, ROUTE_BLOCKING, 0, overview_get},
    {.method = NULL},
};

static const WorkerDefinition workers[] = {
    {WORKER_PUBLICATIONS, follow_publications, .needed_for_ready = false},
    {WORKER_HOURS, follow_hours, .needed_for_ready = true},
    {WORKER_GEOS, follow_ingest, .needed_for_ready = false},
    {.name = NULL},
};

static ForecastApi api;

enum { WORKER_CONNECTIONS = 3 }; /* publications may look up geos meanwhile */

static bool start(void *state, Error *err)
{
    ForecastApi *service = state;
    const ForecastApiConfig *settings = &service->config;
    service->pg =
        pg_pool_new(&(PgPoolOptions){.conninfo = settings->common.postgres,
                                     .application_name = "rushcast-forecast-api",
                                     .size = (unsigned)settings->common.blocking_threads + WORKER_CONNECTIONS});
    service->board = board_new(
        &(ServingPolicy){.stale_after_hours = (int)settings->stale_after_hours,
                         .couriers = courier_policy(settings->deliveries_per_courier_hour, settings->service_level)});
    (void)err;
    return true;
}

static void stop(void *state)
{
    ForecastApi *service = state;
    shared_unref(service->shown.set);
    shared_unref(service->shown.geos);
    shared_unref(service->shown.overrides);
    board_free(service->board);
    pg_pool_free(service->pg);
}

int main(int argc, char **argv)
{
    return service_main(argc, argv,
                        &(ServiceDefinition){.name = "forecast-api",
                                             .summary = "Serves the forecast of delivery requests for every geo",
                                             .config = config,
                                             .config_target = &api.config,
                                             .port_offset = offsetof(ForecastApiConfig, port),
                                             .port_variable = "RUSHCAST_FORECAST_API_PORT",
                                             .routes = routes,
                                             .workers = workers,
                                             .state = &api,
                                             .start = start,
                                             .stop = stop});
}
