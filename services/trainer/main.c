/* trainer: trains, chooses and applies forecasting models, on schedule, and publishes what they forecast. */
#include "common/service.h"
#include "services/trainer/data_follower.h"
#include "services/trainer/forecasting/threads.h"
#include "services/trainer/planner.h"
#include "services/trainer/runner.h"
#include "services/trainer/trainer_handlers.h"

static const Route routes[] = {
    {"POST", "/runs", SCOPE_OPERATE, ROUTE_BLOCKING, TRAINER_RUN_BODY_LIMIT_BYTES, trainer_post_run},
    {"GET", "/runs", SCOPE_READ, ROUTE_BLOCKING, 0, trainer_get_runs},
    {"GET", "/runs/{id}", SCOPE_READ, ROUTE_BLOCKING, 0, trainer_get_run},
    {"GET", "/models", SCOPE_READ, ROUTE_BLOCKING, 0, trainer_get_models},
    {"POST", "/models/{version}/promote", SCOPE_OPERATE, ROUTE_BLOCKING, 0, trainer_promote_model},
    {"GET", "/backtests/{id}", SCOPE_READ, ROUTE_BLOCKING, 0, trainer_get_backtest},
    {"GET", "/schedule", SCOPE_READ, ROUTE_BLOCKING, 0, trainer_get_schedule},
    {0},
};

static const WorkerDefinition workers[] = {
    {"postgres", planner_database, true},
    {"ingest", data_follower_ingest, true},
    {"feature-store", data_follower_history, true},
    {"forecast-api", planner_forecast_api, true},
    {"planner", planner_plan, false},
    {"heartbeat", planner_heartbeat, false},
    {"forecast-runner", runner_forecasts, false},
    {"training-runner", runner_trainings, false},
    {0},
};

static Trainer trainer;

static const ServiceDefinition service = {
    .name = "trainer",
    .summary = "Trains, chooses and applies forecasting models, on schedule, and publishes what they forecast.",
    .config = trainer_config_entries,
    .config_target = &trainer.config,
    .port_offset = offsetof(TrainerConfig, port),
    .port_variable = "RUSHCAST_TRAINER_PORT",
    .routes = routes,
    .workers = workers,
    .state = &trainer,
    .start = trainer_start,
    .stop = trainer_stop,
};

int main(int argc, char **argv)
{
    threads_let_sleep(argv);
    return service_main(argc, argv, &service);
}
