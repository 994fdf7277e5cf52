/* The trainer's state: what main.c makes and its handlers and workers share. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include "common/config.h"
#include "services/trainer/demand_store.h"
#include "services/trainer/run_queue.h"

typedef struct TrainerConfig {
    CommonConfig common;
    int64_t port;           /* RUSHCAST_TRAINER_PORT */
    const char *timezone;   /* RUSHCAST_TRAINING_TIMEZONE */
    int64_t hour;           /* RUSHCAST_TRAINING_HOUR */
    int64_t grace_s;        /* RUSHCAST_FORECAST_GRACE_S */
    int64_t forecast_hours; /* RUSHCAST_FORECAST_HOURS */
    int64_t threads;        /* RUSHCAST_TRAINING_THREADS */
    int64_t seed;           /* RUSHCAST_TRAINING_SEED */
    int64_t lease_s;        /* RUSHCAST_RUN_LEASE_S */
} TrainerConfig;

extern const ConfigEntry trainer_config_entries[];

/* What is known of the data that forecasts are made from. */
typedef struct DataStatus {
    bool history_loaded, geos_loaded;
    Hour complete_hour;        /* of the history that was loaded; HOUR_NONE: unknown */
    Hour ingest_complete_hour; /* HOUR_NONE: unknown */
    int64_t ingest_lag;        /* events that ingest has not taken in yet, as far as it knows */
    bool ingest_caught_up;     /* it knows that there are none */
    int64_t ingest_heard_ms;   /* monotonic; 0: never */
} DataStatus;

/* A run in progress, between the runner that executes it and the heartbeat that renews its lease. */
typedef struct RunSlot {
    pthread_mutex_t mutex;
    bool active, lost;
    Run run;
    double share;
    char what[RUN_WHAT_MAX];
} RunSlot;

/* How fast the data comes in, see planner.h. */
typedef struct PlannerPace {
    Hour mark_hour;
    int64_t mark_ms, quiet_since_ms, held_since_ms;
    bool flooded; /* hours completed fast and it has not been quiet since */
} PlannerPace;

enum { TRAINER_FORECAST_SLOT, TRAINER_TRAINING_SLOT, TRAINER_SLOTS };

typedef struct Trainer {
    TrainerConfig config;
    PgPool *pool;
    DemandStore *store;
    char worker[RUN_WORKER_MAX]; /* host, process and start: names this process in the queue */
    atomic_bool schema_ready;
    RunSlot slots[TRAINER_SLOTS];
    pthread_mutex_t mutex; /* of what follows */
    DataStatus data;
    PlannerPace pace;
    int64_t geos_read_ms;
} Trainer;

/* Prepares the state from the configuration; does not wait for any server. */
bool trainer_start(void *trainer, Error *err) MUST_CHECK;
/* Frees what trainer_start() made. */
void trainer_stop(void *trainer);

/* Takes a connection once the schema is there; UNAVAILABLE before. */
bool trainer_acquire(Trainer *trainer, PgConnection **ret_connection, Error *err) MUST_CHECK;
DataStatus trainer_data_status(Trainer *trainer);
/* The inputs of planning; complete_hour is HOUR_NONE as long as the history or the geos are not loaded. */
RunInputs trainer_inputs(Trainer *trainer);
/* Ends that worker's rest; does nothing outside a running service. */
void trainer_wake(const char *worker);
