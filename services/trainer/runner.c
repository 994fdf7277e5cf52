#include "services/trainer/runner.h"

#include <math.h>
#include "common/clock.h"
#include "common/log.h"
#include "services/trainer/trainer_metrics.h"
#include "services/trainer/training_run.h"

enum { IDLE_REST_MS = 1000 };

static const double retry_wait_max_s = 30;

typedef struct Ending {
    const char *result; /* label of the metric */
    double wait_s;
    bool counts; /* towards the failures after which the run is given up */
} Ending;

static Ending classify(const Run *run, bool lost, const Error *failure)
{
    if (lost) {
        return (Ending){.result = "lost"};
    }
    if (workers_stopping()) {
        return (Ending){.result = "stopped"};
    }
    if (error_is_transient(failure)) {
        return (Ending){.result = "postponed", .wait_s = fmin(exp2((double)run->attempt - 1), retry_wait_max_s)};
    }
    return (Ending){.result = "failed", .wait_s = 5, .counts = true};
}

static bool end_failed(Trainer *trainer, const Run *run, bool lost, const Error *failure, Error *err)
{
    PgConnection *connection;
    Ending ending = classify(run, lost, failure);
    bool gave_up = false;
    metric_add(metric_with(&trainer_runs_total, run_kind_names[run->kind], ending.result), 1);
    log_warn("run.not_done", log_int("run", run->run_id), log_text("kind", run_kind_names[run->kind]),
             log_text("result", ending.result), log_failure(failure));
    if (lost) {
        return true;
    }
    if (!trainer_acquire(trainer, &connection, err)) {
        return false;
    }
    bool ok = run_queue_release(connection, run, ending.wait_s, ending.counts, failure->message, &gave_up, err);
    pg_release(connection);
    if (gave_up) {
        log_error("run.given_up", log_int("run", run->run_id), log_int("failures", RUN_FAILURES_MAX));
    }
    return ok;
}

static bool end_succeeded(Trainer *trainer, const Run *run, const RunOutcome *outcome, double seconds, Error *err)
{
    PgConnection *connection;
    if (!trainer_acquire(trainer, &connection, err)) {
        return false;
    }
    bool ok = run_queue_finish(connection, run, outcome->data_cursor,
                               outcome->set_id[0] == '\0' ? NULL : outcome->set_id, outcome->published, err);
    pg_release(connection);
    if (!ok) {
        return false;
    }
    metric_add(metric_with(&trainer_runs_total, run_kind_names[run->kind], "succeeded"), 1);
    metric_observe(metric_with(&trainer_run_seconds, run_kind_names[run->kind]), seconds);
    log_info("run.done", log_int("run", run->run_id), log_text("kind", run_kind_names[run->kind]),
             log_text("set", outcome->set_id), log_bool("published", outcome->published), log_real("seconds", seconds));
    return true;
}

static bool run_next(Trainer *trainer, RunSlot *slot, const char *kinds, WorkerStep *step, Error *err)
{
    PgConnection *connection;
    Run run;
    bool taken;
    step->rest_ms = IDLE_REST_MS;
    /* Runs wait until there is data to run on. */
    if (!atomic_load(&trainer->schema_ready) || trainer_inputs(trainer).complete_hour == HOUR_NONE) {
        return true;
    }
    if (!trainer_acquire(trainer, &connection, err)) {
        return false;
    }
    bool ok = run_queue_take(connection, kinds, trainer->worker, (double)trainer->config.lease_s, &run, &taken, err);
    pg_release(connection);
    if (!ok || !taken) {
        return ok;
    }
    step->rest_ms = 0;

    pthread_mutex_lock(&slot->mutex);
    slot->run = run;
    slot->active = true;
    slot->lost = false;
    slot->share = 0;
    slot->what[0] = '\0';
    pthread_mutex_unlock(&slot->mutex);

    Error failure = {0};
    RunOutcome outcome;
    double begin_s = clock_monotonic_s();
    bool done = training_run_execute(trainer, slot, &outcome, &failure);

    pthread_mutex_lock(&slot->mutex);
    slot->active = false;
    bool lost = slot->lost;
    pthread_mutex_unlock(&slot->mutex);
    return done ? end_succeeded(trainer, &run, &outcome, clock_monotonic_s() - begin_s, err)
                : end_failed(trainer, &run, lost, &failure, err);
}

bool runner_forecasts(void *service, WorkerStep *step, Error *err)
{
    Trainer *trainer = service;
    return run_next(trainer, &trainer->slots[TRAINER_FORECAST_SLOT], "forecast", step, err);
}

bool runner_trainings(void *service, WorkerStep *step, Error *err)
{
    Trainer *trainer = service;
    return run_next(trainer, &trainer->slots[TRAINER_TRAINING_SLOT], "train,backtest", step, err);
}
