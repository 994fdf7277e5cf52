/* trainer: trains, chooses and applies forecasting models, on schedule, and publishes what they forecast. */
#include <stdlib.h>
#include <unistd.h>
#include "common/service.h"
#include "services/trainer/data_follower.h"
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

/* XGBoost's threads otherwise spin while they wait for each other, which on busy cores takes ten times as long. OpenMP
 * reads the variable when it is loaded, so the program is begun again with it. */
static void let_threads_sleep(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") == NULL && setenv("OMP_WAIT_POLICY", "passive", 0) == 0) {
        execv("/proc/self/exe", argv);
    }
}

int main(int argc, char **argv)
{
    let_threads_sleep(argv);
    return service_main(argc, argv, &service);
}
