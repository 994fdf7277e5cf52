#include "services/trainer/run_queue.h"

#include <assert.h>
#include <string.h>
#include "gen/trainer_sql.h"

const char *const run_kind_names[] = {
    [RUN_TRAIN] = "train", [RUN_FORECAST] = "forecast", [RUN_BACKTEST] = "backtest", [RUN_KINDS] = NULL};

bool run_queue_plan(PgConnection *connection, const RunInputs *inputs, size_t *ret_added, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!pg_run(connection, &sql_plan_due_runs,
                PG_PARAMS(pg_instant(inputs->now), pg_hour(inputs->complete_hour), pg_hour(inputs->first_hour),
                          pg_bool(inputs->caught_up), pg_bool(inputs->restated)),
                &rows, err)) {
        return false;
    }
    *ret_added = (size_t)PQntuples(rows);
    return true;
}

bool run_queue_take(PgConnection *connection, const char *kinds, const char *worker, double lease_s, Run *ret_run,
                    bool *ret_taken, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!pg_run(connection, &sql_take_due_run, PG_PARAMS(pg_text(kinds), pg_text(worker), pg_real(lease_s)), &rows,
                err)) {
        return false;
    }
    *ret_taken = PQntuples(rows) == 1;
    if (!*ret_taken) {
        return true;
    }
    Run run = {
        .run_id = pg_get_int(rows, 0, 0),
        .cutoff = pg_get_hour(rows, 0, 2),
        .attempt = pg_get_int(rows, 0, 4),
        .failures = pg_get_int(rows, 0, 5),
    };
    while (strcmp(run_kind_names[run.kind], pg_get_text(rows, 0, 1)) != 0) {
        run.kind++;
        assert(run.kind < RUN_KINDS);
    }
    *ret_run = run;
    return true;
}

bool run_queue_renew(PgConnection *connection, const Run *run, double lease_s, double share, const char *what,
                     bool *ret_ours, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!pg_run(connection, &sql_renew_run_lease,
                PG_PARAMS(pg_int(run->run_id), pg_int(run->attempt), pg_real(lease_s), pg_real(share), pg_text(what)),
                &rows, err)) {
        return false;
    }
    *ret_ours = PQntuples(rows) == 1;
    return true;
}

bool run_queue_finish(PgConnection *connection, const Run *run, int64_t data_cursor, const char *set_id, bool published,
                      Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!pg_run(connection, &sql_finish_run,
                PG_PARAMS(pg_int(run->run_id), pg_int(run->attempt), pg_int(data_cursor), pg_text(set_id),
                          pg_bool(published)),
                &rows, err)) {
        return false;
    }
    if (PQntuples(rows) == 0) {
        return error_set(err, ERROR_CONFLICT, "Run %lld was given to another worker.", (long long)run->run_id);
    }
    return true;
}

bool run_queue_release(PgConnection *connection, const Run *run, double wait_s, bool counts, const char *message,
                       bool *ret_failed, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!pg_run(connection, &sql_release_run,
                PG_PARAMS(pg_int(run->run_id), pg_int(run->attempt), pg_real(wait_s), pg_bool(counts),
                          pg_int(RUN_FAILURES_MAX), pg_text(message)),
                &rows, err)) {
        return false;
    }
    if (ret_failed != NULL) {
        *ret_failed = PQntuples(rows) == 1 && strcmp(pg_get_text(rows, 0, 0), "failed") == 0;
    }
    return true;
}
