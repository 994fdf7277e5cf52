#include "services/trainer/trainer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "common/clock.h"
#include "common/service.h"

enum { POOL_SIZE = 8, ACQUIRE_DEADLINE_MS = 5000, INGEST_HEARD_MAX_MS = 15000 };

/* Share of a week's orders that must have been restated for a forecast to be made again from the same cutoff. */
static const double restated_share = 0.01;

#define ENTRY(name_, type_, member, fallback_, minimum_, maximum_, help_)                                              \
    {                                                                                                                  \
        .name = (name_), .type = (type_), .offset = offsetof(TrainerConfig, member), .fallback = (fallback_),          \
        .minimum = (minimum_), .maximum = (maximum_), .help = (help_)                                                  \
    }

const ConfigEntry trainer_config_entries[] = {
    ENTRY("RUSHCAST_TRAINER_PORT", CONFIG_INT, port, "8083", 1, 65535, "Port to listen on."),
    ENTRY("RUSHCAST_TRAINING_TIMEZONE", CONFIG_TEXT, timezone, "UTC", 0, 0,
          "IANA time zone of the daily training's hour."),
    ENTRY("RUSHCAST_TRAINING_HOUR", CONFIG_INT, hour, "3", 0, 23, "Local hour of the daily training."),
    ENTRY("RUSHCAST_FORECAST_GRACE_S", CONFIG_INT, grace_s, "600", 0, 3600,
          "Seconds after the end of an hour from which it counts as complete even if no later event has come."),
    ENTRY("RUSHCAST_FORECAST_HOURS", CONFIG_INT, forecast_hours, "192", 168, FORECAST_HORIZON_MAX,
          "Hours that a set holds from its cutoff on."),
    ENTRY("RUSHCAST_TRAINING_THREADS", CONFIG_INT, threads, "2", 1, 256, "Threads of a training."),
    ENTRY("RUSHCAST_TRAINING_SEED", CONFIG_INT, seed, "1", 0, 1e15, "Seed of every training."),
    ENTRY("RUSHCAST_RUN_LEASE_S", CONFIG_INT, lease_s, "20", 5, 3600,
          "Seconds without a sign of life after which a run is given to another worker."),
    {0},
};

bool trainer_start(void *state, Error *err)
{
    Trainer *trainer = state;
    const TrainerConfig *config = &trainer->config;
    const TimeZone *zone;
    char host[48] = "";

    if (!timezone_get(config->timezone, &zone, err)) {
        return error_prefix(err, "RUSHCAST_TRAINING_TIMEZONE");
    }
    gethostname(host, sizeof host - 1);
    snprintf(trainer->worker, sizeof trainer->worker, "%s:%d:%lld", host, (int)getpid(), (long long)clock_wall());
    pthread_mutex_init(&trainer->mutex, NULL);
    for (size_t i = 0; i < TRAINER_SLOTS; i++) {
        pthread_mutex_init(&trainer->slots[i].mutex, NULL);
    }
    trainer->data.complete_hour = trainer->data.ingest_complete_hour = HOUR_NONE;
    trainer->pace.mark_hour = HOUR_NONE;
    trainer->store = demand_store_new();
    trainer->pool = pg_pool_new(&(PgPoolOptions){
        .conninfo = config->common.postgres, .application_name = "rushcast-trainer", .size = POOL_SIZE});
    return true;
}

void trainer_stop(void *state)
{
    Trainer *trainer = state;
    if (trainer->store == NULL) {
        return;
    }
    pg_pool_free(trainer->pool);
    demand_store_free(trainer->store);
    trainer->pool = NULL;
    trainer->store = NULL;
    for (size_t i = 0; i < TRAINER_SLOTS; i++) {
        pthread_mutex_destroy(&trainer->slots[i].mutex);
    }
    pthread_mutex_destroy(&trainer->mutex);
}

bool trainer_acquire(Trainer *trainer, PgConnection **ret_connection, Error *err)
{
    if (!atomic_load(&trainer->schema_ready)) {
        return error_set(err, ERROR_UNAVAILABLE, "The trainer's schema in Postgres is not ready yet; try again soon.");
    }
    return pg_acquire(trainer->pool, ACQUIRE_DEADLINE_MS, ret_connection, err);
}

DataStatus trainer_data_status(Trainer *trainer)
{
    pthread_mutex_lock(&trainer->mutex);
    DataStatus status = trainer->data;
    pthread_mutex_unlock(&trainer->mutex);
    return status;
}

RunInputs trainer_inputs(Trainer *trainer)
{
    DataStatus data = trainer_data_status(trainer);
    bool heard = data.ingest_heard_ms > 0 && clock_monotonic_ms() - data.ingest_heard_ms < INGEST_HEARD_MAX_MS;
    return (RunInputs){
        .now = clock_now(),
        .complete_hour = data.history_loaded && data.geos_loaded ? data.complete_hour : HOUR_NONE,
        .first_hour = demand_store_first_hour(trainer->store),
        .caught_up = heard && data.ingest_caught_up && data.complete_hour != HOUR_NONE &&
                     data.complete_hour >= data.ingest_complete_hour,
        .restated = demand_store_restated(trainer->store) >= restated_share,
    };
}

void trainer_wake(const char *worker)
{
    Workers *workers = service_workers();
    if (workers != NULL) {
        workers_wake(workers, worker);
    }
}
