#include "services/trainer/planner.h"

#include "common/clock.h"
#include "common/http_client.h"
#include "common/log.h"
#include "gen/trainer_sql.h"
#include "services/trainer/trainer_metrics.h"

enum {
    DATABASE_REST_MS = 5000,
    PROBE_REST_MS = 5000,
    PROBE_DEADLINE_MS = 3000,
    PLAN_REST_MS = 1000,
    HEARTBEAT_REST_MS = 1000,
    PACE_WINDOW_MS = 1000,
    PACE_HOURS = 2, /* complete hours in a window from which on data is coming in faster than time passes */
    URL_MAX = 512,
};

bool planner_database(void *service, WorkerStep *step, Error *err)
{
    Trainer *trainer = service;
    const TrainerConfig *config = &trainer->config;
    PG_SCOPED PgConnection *connection = NULL;
    if (!pg_acquire(trainer->pool, DATABASE_REST_MS, &connection, err)) {
        return false;
    }
    if (!atomic_load(&trainer->schema_ready)) {
        size_t applied;
        if (!migrations_apply(connection, "training", trainer_migrations, trainer_migrations_count, &applied, err) ||
            !pg_run(connection, &sql_configure_schedule,
                    PG_PARAMS(pg_text(config->timezone), pg_int(config->hour), pg_real((double)config->grace_s)), NULL,
                    err)) {
            return false;
        }
        log_info("schema.ready", log_int("migrations_applied", applied));
        atomic_store(&trainer->schema_ready, true);
    } else if (!pg_command(connection, "SELECT 1", err)) {
        return false;
    }
    step->rest_ms = DATABASE_REST_MS;
    return true;
}

bool planner_forecast_api(void *service, WorkerStep *step, Error *err)
{
    const Trainer *trainer = service;
    char url[URL_MAX];
    snprintf(url, sizeof url, "%s/healthz", trainer->config.common.forecast_api_url);
    step->rest_ms = PROBE_REST_MS;
    return http_call(&(HttpCall){.url = url, .deadline_ms = PROBE_DEADLINE_MS, .attempts = 1}, NULL, err);
}

bool planner_settled(PlannerPace *pace, const PlannerInflow *inflow, int64_t now_ms)
{
    if (inflow->complete_hour == HOUR_NONE || pace->mark_hour == HOUR_NONE) {
        *pace = (PlannerPace){.mark_hour = inflow->complete_hour,
                              .mark_ms = now_ms,
                              .quiet_since_ms = now_ms,
                              .held_since_ms = now_ms,
                              .flooded = true};
        return false;
    }
    if ((int64_t)inflow->complete_hour - pace->mark_hour >= PACE_HOURS ||
        (int64_t)inflow->source_hour - inflow->complete_hour >= PACE_HOURS) {
        pace->flooded = true;
        pace->quiet_since_ms = now_ms;
    }
    if (now_ms - pace->mark_ms >= PACE_WINDOW_MS) {
        pace->mark_hour = inflow->complete_hour;
        pace->mark_ms = now_ms;
    }
    bool quiet = !pace->flooded ||
                 (now_ms - pace->quiet_since_ms >= PLANNER_QUIET_MS && inflow->source_lag <= PLANNER_LAG_QUIET_EVENTS);
    if (!quiet && now_ms - pace->held_since_ms < PLANNER_HOLD_MAX_MS) {
        return false;
    }
    pace->held_since_ms = now_ms;
    pace->flooded = !quiet;
    return true;
}

static bool set_metrics(PgConnection *connection, Instant now, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!pg_run(connection, &sql_select_training_state, PG_PARAMS(), &rows, err)) {
        return false;
    }
    if (!pg_is_null(rows, 0, 0) && now != INSTANT_NONE) {
        Instant trained_to = pg_get_instant(rows, 0, 0) + INSTANT_PER_HOUR;
        metric_set(metric_with(&trainer_model_age_seconds), (double)(now - trained_to) / (double)INSTANT_PER_SECOND);
    }
    if (!pg_is_null(rows, 0, 1)) {
        metric_set(metric_with(&trainer_published_cutoff_seconds),
                   (double)pg_get_instant(rows, 0, 1) / (double)INSTANT_PER_SECOND);
    }
    return true;
}

bool planner_plan(void *service, WorkerStep *step, Error *err)
{
    Trainer *trainer = service;
    RunInputs inputs = trainer_inputs(trainer);
    DataStatus data = trainer_data_status(trainer);
    PG_SCOPED PgConnection *connection = NULL;
    size_t added = 0;

    step->rest_ms = PLAN_REST_MS;
    const PlannerInflow inflow = {
        .complete_hour = inputs.complete_hour, .source_hour = data.ingest_complete_hour, .source_lag = data.ingest_lag};
    pthread_mutex_lock(&trainer->mutex);
    bool settled = planner_settled(&trainer->pace, &inflow, clock_monotonic_ms());
    pthread_mutex_unlock(&trainer->mutex);
    if (!atomic_load(&trainer->schema_ready) || !settled || inputs.now == INSTANT_NONE) {
        return true;
    }
    if (!trainer_acquire(trainer, &connection, err) || !run_queue_plan(connection, &inputs, &added, err)) {
        return false;
    }
    if (added > 0) {
        log_info("runs.planned", log_int("runs", added));
        trainer_wake("forecast-runner");
        trainer_wake("training-runner");
    }
    return set_metrics(connection, inputs.now, err);
}

static bool renew(Trainer *trainer, RunSlot *slot, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    char what[RUN_WHAT_MAX];
    bool ours;
    pthread_mutex_lock(&slot->mutex);
    bool active = slot->active && !slot->lost;
    Run run = slot->run;
    double share = slot->share;
    snprintf(what, sizeof what, "%s", slot->what);
    pthread_mutex_unlock(&slot->mutex);
    if (!active) {
        return true;
    }
    if (!trainer_acquire(trainer, &connection, err) ||
        !run_queue_renew(connection, &run, (double)trainer->config.lease_s, share, what, &ours, err)) {
        return false;
    }
    if (!ours) {
        pthread_mutex_lock(&slot->mutex);
        slot->lost = slot->lost || (slot->active && slot->run.run_id == run.run_id && slot->run.attempt == run.attempt);
        pthread_mutex_unlock(&slot->mutex);
    }
    return true;
}

bool planner_heartbeat(void *service, WorkerStep *step, Error *err)
{
    Trainer *trainer = service;
    step->rest_ms = HEARTBEAT_REST_MS;
    for (size_t i = 0; i < TRAINER_SLOTS; i++) {
        if (!renew(trainer, &trainer->slots[i], err)) {
            return false;
        }
    }
    return true;
}
