#include "services/trainer/training_run.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include "common/clock.h"
#include "common/worker.h"
#include "gen/trainer_sql.h"
#include "services/trainer/first_set.h"
#include "services/trainer/model_store.h"
#include "services/trainer/set_writer.h"

/* Share of a run's progress that is left for sending and publishing. */
static const double sending_share = 0.05;

typedef struct Execution {
    Trainer *trainer;
    RunSlot *slot;
    const Run *run;
    const DemandSnapshot *snapshot;
    SetWriter *writer; /* NULL for a backtest */
    size_t hours;
    Arena *arena;
    const char *group;
    double share_before, share_of_group;
} Execution;

void training_run_set_id(const Run *run, char ret_id[SET_ID_MAX])
{
    char text[INSTANT_TEXT_MAX];
    hour_format(run->cutoff, text);
    /* 2026-11-23T15:00:00Z */
    snprintf(ret_id, SET_ID_MAX, "%.4s%.2s%.5s-%lld", text, text + 5, text + 8, (long long)run->run_id);
}

size_t training_run_hours(const TrainerConfig *config, Hour cutoff, Instant now)
{
    int64_t behind = hour_of(now) - 1 - (int64_t)cutoff;
    int64_t hours = config->forecast_hours + (behind > 0 ? behind : 0);
    return (size_t)(hours < FORECAST_HORIZON_MAX ? hours : FORECAST_HORIZON_MAX);
}

/* Notes how far the run is; false when it should end. */
static bool note_progress(RunSlot *slot, double share, const char *group, const char *what)
{
    pthread_mutex_lock(&slot->mutex);
    bool lost = slot->lost;
    slot->share = share;
    snprintf(slot->what, sizeof slot->what, "%s: %s", group, what);
    pthread_mutex_unlock(&slot->mutex);
    return !lost && !workers_stopping();
}

static bool on_progress(void *context, const char *what, double share)
{
    const Execution *execution = context;
    return note_progress(execution->slot, execution->share_before + share * execution->share_of_group, execution->group,
                         what);
}

static bool may_go_on(const Execution *execution, const char *what, Error *err)
{
    return note_progress(execution->slot, execution->share_before, execution->group, what) ||
           error_set(err, ERROR_UNAVAILABLE, "The run was stopped.");
}

/* Trains and keeps the scores. */
static bool train(Execution *execution, SeriesGroup group, const DemandHistory *history, Forecaster **ret_forecaster,
                  Error *err)
{
    const ForecasterOptions options = {
        .seed = (uint64_t)execution->trainer->config.seed,
        .threads = (int)execution->trainer->config.threads,
        .progress = on_progress,
        .progress_context = execution,
    };
    PG_SCOPED PgConnection *connection = NULL;
    Forecaster *forecaster;
    double begin_s = clock_monotonic_s();
    if (!forecaster_train(history, execution->run->cutoff, &options, &forecaster, err)) {
        return false;
    }
    if (!trainer_acquire(execution->trainer, &connection, err) ||
        !model_store_save_backtest(connection, execution->run->run_id, group, forecaster, history->count,
                                   clock_monotonic_s() - begin_s, err)) {
        forecaster_free(forecaster);
        return false;
    }
    *ret_forecaster = forecaster;
    return true;
}

/* *ret_known: an earlier attempt at this run has registered the group's model. */
static bool find_challenger(Execution *execution, SeriesGroup group, bool *ret_known, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!trainer_acquire(execution->trainer, &connection, err) ||
        !pg_run(connection, &sql_select_model_of_version,
                PG_PARAMS(pg_int(execution->run->run_id), pg_text(series_group_name(group))), &rows, err)) {
        return false;
    }
    *ret_known = PQntuples(rows) == 1;
    return true;
}

/* Trains the group's model and enters it into the registry, which promotes it or not. */
static bool train_challenger(Execution *execution, SeriesGroup group, const DemandHistory *history, Error *err)
{
    const Trainer *trainer = execution->trainer;
    PG_SCOPED PgConnection *connection = NULL;
    Forecaster *forecaster = NULL;
    char parameters[64];
    snprintf(parameters, sizeof parameters, "{\"series\": %zu}", history->count);
    const ModelRecord record = {
        .version = execution->run->run_id,
        .group = group,
        .cutoff = execution->run->cutoff,
        .data_cursor = execution->snapshot->cursor,
        .seed = (uint64_t)trainer->config.seed,
        .parameters = parameters,
    };
    bool ok = train(execution, group, history, &forecaster, err) &&
              trainer_acquire(execution->trainer, &connection, err) &&
              model_store_save(connection, &record, forecaster, hour_of(clock_now()) - 1, err);
    forecaster_free(forecaster);
    return ok;
}

static bool load_champion(Execution *execution, SeriesGroup group, Forecaster **ret_forecaster, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    return trainer_acquire(execution->trainer, &connection, err) &&
           model_store_load(connection, group, execution->run->cutoff, ret_forecaster, err);
}

/* Forecasts the group with its champion. A vertical that appeared after the last training has none until the next. */
static bool forecast(Execution *execution, SeriesGroup group, const DemandHistory *history, Error *err)
{
    Forecaster *forecaster;
    ForecastSet set;
    if (!load_champion(execution, group, &forecaster, err)) {
        return false;
    }
    if (forecaster == NULL) {
        return group != SERIES_TOTAL ||
               error_set(err, ERROR_CONFLICT,
                         "No model was trained up to this cutoff yet; POST /runs with kind train.");
    }
    bool ok =
        forecaster_predict(forecaster, history, execution->run->cutoff, execution->hours, execution->arena, &set, err);
    if (ok) {
        set_writer_add(execution->writer, &set, series_group_vertical(group));
    }
    forecaster_free(forecaster);
    return ok;
}

static bool backtest(Execution *execution, SeriesGroup group, const DemandHistory *history, Error *err)
{
    Forecaster *forecaster = NULL;
    bool ok = train(execution, group, history, &forecaster, err);
    forecaster_free(forecaster);
    return ok;
}

static bool run_group(Execution *execution, SeriesGroup group, Error *err)
{
    const DemandHistory *history = &execution->snapshot->groups[group];
    bool known = false, ok = true;
    if (execution->run->kind == RUN_BACKTEST) {
        ok = backtest(execution, group, history, err);
    } else {
        if (execution->run->kind == RUN_TRAIN) {
            ok = find_challenger(execution, group, &known, err) &&
                 (known || train_challenger(execution, group, history, err));
        }
        ok = ok && forecast(execution, group, history, err);
    }
    return ok || error_prefix(err, "group %s", series_group_name(group));
}

static bool may_publish(Execution *execution, bool *ret_publish, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!trainer_acquire(execution->trainer, &connection, err) ||
        !pg_run(connection, &sql_select_publishable,
                PG_PARAMS(pg_hour(execution->run->cutoff), pg_instant(clock_now())), &rows, err)) {
        return false;
    }
    *ret_publish = pg_get_bool(rows, 0, 0);
    return true;
}

static bool run_groups(Execution *execution, Error *err)
{
    size_t series = 0;
    for (SeriesGroup group = 0; group < SERIES_GROUPS; group++) {
        series += execution->snapshot->groups[group].count;
    }
    for (SeriesGroup group = 0; group < SERIES_GROUPS; group++) {
        size_t count = execution->snapshot->groups[group].count;
        if (count == 0) {
            continue;
        }
        execution->group = series_group_name(group);
        execution->share_of_group = (1 - sending_share) * (double)count / (double)series;
        if (!may_go_on(execution, "starting", err) || !run_group(execution, group, err)) {
            return false;
        }
        execution->share_before += execution->share_of_group;
    }
    return true;
}

/* So that there are answers while the first training lasts; a forecast-api that is down does not hold that up. */
static bool bridge_first_training(Execution *execution, const SetHeader *header, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    PG_RESULT_SCOPED PGresult *state = NULL;
    char id[SET_ID_MAX], first_id[SET_ID_MAX + sizeof "-first"];
    if (!trainer_acquire(execution->trainer, &connection, err) ||
        !pg_run(connection, &sql_select_training_state, PG_PARAMS(), &state, err)) {
        return false;
    }
    if (!pg_is_null(state, 0, 1)) {
        return true;
    }
    SetHeader first = *header;
    first.daily = false;
    training_run_set_id(execution->run, id);
    snprintf(first_id, sizeof first_id, "%s-first", id);
    return first_set_publish(execution->trainer, execution->snapshot, &first, first_id, err) || error_is_transient(err);
}

static bool send_set(Execution *execution, RunOutcome *outcome, Error *err)
{
    const CommonConfig *common = &execution->trainer->config.common;
    training_run_set_id(execution->run, outcome->set_id);
    execution->group = "forecast set";
    return may_go_on(execution, "publishing", err) && may_publish(execution, &outcome->published, err) &&
           set_writer_send(execution->writer, common->forecast_api_url, common->token, outcome->set_id,
                           outcome->published, err);
}

bool training_run_execute(Trainer *trainer, RunSlot *slot, RunOutcome *ret_outcome, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    const Run run = slot->run;
    DemandSnapshot snapshot;
    Instant now = clock_now();

    demand_store_snapshot(trainer->store, run.cutoff, run.kind != RUN_BACKTEST, arena, &snapshot);
    if (snapshot.groups[SERIES_TOTAL].count == 0) {
        return error_set(err, ERROR_UNPROCESSABLE, "There is no demand up to the cutoff.");
    }
    for (SeriesGroup group = 0; group < SERIES_GROUPS; group++) {
        forecaster_mask_outages(&snapshot.groups[group], run.cutoff, arena);
    }
    Execution execution = {
        .trainer = trainer,
        .slot = slot,
        .run = &run,
        .snapshot = &snapshot,
        .hours = training_run_hours(&trainer->config, run.cutoff, now),
        .arena = arena,
    };
    const SetHeader header = {
        .cutoff = run.cutoff, .issued_at = now, .hours = execution.hours, .daily = run.kind == RUN_TRAIN};
    if (run.kind != RUN_BACKTEST &&
        !set_writer_new(trainer->config.common.spool_dir, &header, &execution.writer, err)) {
        return false;
    }
    RunOutcome outcome = {.data_cursor = snapshot.cursor};
    bool ok = (run.kind != RUN_TRAIN || bridge_first_training(&execution, &header, err)) &&
              run_groups(&execution, err) && (execution.writer == NULL || send_set(&execution, &outcome, err));
    set_writer_free(execution.writer);
    if (ok) {
        *ret_outcome = outcome;
    }
    return ok;
}
