#include "services/ingest/sources/source_status.h"

#include <stdio.h>
#include "common/clock.h"

static const char *const state_names[] = {
    [SOURCE_NOT_CONFIGURED] = "not configured",
    [SOURCE_DISCONNECTED] = "disconnected",
    [SOURCE_STANDBY] = "standby",
    [SOURCE_SNAPSHOT] = "snapshot",
    [SOURCE_CATCHING_UP] = "catching up",
    [SOURCE_CONNECTED] = "connected",
};

void source_status_init(SourceStatus *status, SourceState state)
{
    *status = (SourceStatus){
        .state = state,
        .lag_bytes = -1,
        .retained_bytes = -1,
        .last_change_at = INSTANT_NONE,
        .synced_at = INSTANT_NONE,
    };
    pthread_mutex_init(&status->mutex, NULL);
}

void source_status_fini(SourceStatus *status)
{
    json_decref(status->details);
    pthread_mutex_destroy(&status->mutex);
}

void source_status_set_state(SourceStatus *status, SourceState state, const char *mode)
{
    pthread_mutex_lock(&status->mutex);
    status->state = state;
    status->mode = mode;
    if (state == SOURCE_CONNECTED)
        status->synced_at = clock_wall();
    pthread_mutex_unlock(&status->mutex);
}

void source_status_set_position(SourceStatus *status, const char *position)
{
    pthread_mutex_lock(&status->mutex);
    snprintf(status->position, sizeof status->position, "%s", position);
    pthread_mutex_unlock(&status->mutex);
}

void source_status_set_problem(SourceStatus *status, const char *problem)
{
    pthread_mutex_lock(&status->mutex);
    snprintf(status->reading_problem, sizeof status->reading_problem, "%s", problem ? problem : "");
    pthread_mutex_unlock(&status->mutex);
}

void source_status_set_watch(SourceStatus *status, const char *problem, int64_t lag_bytes, int64_t retained_bytes)
{
    pthread_mutex_lock(&status->mutex);
    snprintf(status->watch_problem, sizeof status->watch_problem, "%s", problem ? problem : "");
    status->lag_bytes = lag_bytes;
    status->retained_bytes = retained_bytes;
    pthread_mutex_unlock(&status->mutex);
}

void source_status_set_details(SourceStatus *status, json_t *details)
{
    pthread_mutex_lock(&status->mutex);
    json_decref(status->details);
    status->details = details;
    pthread_mutex_unlock(&status->mutex);
}

void source_status_begin_snapshot(SourceStatus *status, int64_t tables)
{
    pthread_mutex_lock(&status->mutex);
    status->snapshot_tables = tables;
    status->snapshot_tables_done = 0;
    status->snapshot_rows = 0;
    pthread_mutex_unlock(&status->mutex);
}

void source_status_add_snapshot(SourceStatus *status, int64_t tables, int64_t rows)
{
    pthread_mutex_lock(&status->mutex);
    status->snapshot_tables_done += tables;
    status->snapshot_rows += rows;
    pthread_mutex_unlock(&status->mutex);
}

void source_status_add_result(SourceStatus *status, const EntityResult *result, Instant changed_at)
{
    pthread_mutex_lock(&status->mutex);
    status->changes += result->changes;
    status->recorded += result->recorded;
    status->unchanged += result->unchanged;
    status->quarantined += result->quarantined;
    if (changed_at > status->last_change_at)
        status->last_change_at = changed_at;
    pthread_mutex_unlock(&status->mutex);
}

bool source_status_ask(SourceStatus *status, bool snapshot, bool accept_deletes, Error *err)
{
    pthread_mutex_lock(&status->mutex);
    SourceState state = status->state;
    pthread_mutex_unlock(&status->mutex);
    if (state == SOURCE_NOT_CONFIGURED)
        return error_set(err, ERROR_CONFLICT, "the source is not configured; rushcast-ingest --help tells how to");
    if (state == SOURCE_STANDBY)
        return error_set(err, ERROR_CONFLICT, "another ingest process reads the source; ask that one");
    if (accept_deletes)
        atomic_store(&status->deletes_accepted, true);
    if (snapshot)
        atomic_store(&status->snapshot_wanted, true);
    atomic_store(&status->sync_wanted, true);
    return true;
}

static json_t *problem_json(const SourceStatus *status)
{
    char both[2 * SOURCE_PROBLEM_MAX_BYTES + 2];
    const char *reading = status->reading_problem, *watch = status->watch_problem;
    snprintf(both, sizeof both, "%s%s%s", reading, *reading && *watch ? "; " : "", watch);
    return *both ? json_string(both) : json_null();
}

static json_t *integer_or_null(int64_t value)
{
    return value < 0 ? json_null() : json_integer(value);
}

json_t *source_status_json(SourceStatus *status, const char *name, const char *kind)
{
    pthread_mutex_lock(&status->mutex);
    json_t *json = json_pack("{ss ss ss}", "name", name, "kind", kind, "state", state_names[status->state]);
    if (status->state != SOURCE_NOT_CONFIGURED) {
        json_t *more =
            json_pack("{so ss* so so so so so s{sI sI sI} sI sI sI}", "problem", problem_json(status), "mode",
                      status->mode, "position", *status->position ? json_string(status->position) : json_null(),
                      "lag_bytes", integer_or_null(status->lag_bytes), "retained_bytes",
                      integer_or_null(status->retained_bytes), "last_change_at", json_instant(status->last_change_at),
                      "synced_at", json_instant(status->synced_at), "snapshot", "tables",
                      (json_int_t)status->snapshot_tables, "tables_done", (json_int_t)status->snapshot_tables_done,
                      "rows", (json_int_t)status->snapshot_rows, "recorded", (json_int_t)status->recorded, "unchanged",
                      (json_int_t)status->unchanged, "quarantined", (json_int_t)status->quarantined);
        json_object_update(json, more);
        json_decref(more);
        json_t *details = json_deep_copy(status->details);
        json_object_update(json, details);
        json_decref(details);
    }
    pthread_mutex_unlock(&status->mutex);
    return json;
}
