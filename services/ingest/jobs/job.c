#include "services/ingest/jobs/job.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include "common/log.h"
#include "gen/ingest_sql.h"

enum { RETRY_AFTER_S = 5 };

/* A job as it was taken. */
typedef struct TakenJob {
    Job job;
    char *kind;
    int64_t failures;
} TakenJob;

static char *dump(const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    if (!text)
        abort();
    return text;
}

bool job_create(PgConnection *connection, const char *kind, const json_t *parameters, int64_t *ret_job_id, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    char *text = dump(parameters);
    bool ok = pg_run(connection, &sql_insert_job, PG_PARAMS(pg_text(kind), pg_text(text)), &row, err);
    free(text);
    if (ok)
        *ret_job_id = pg_get_int(row, 0, 0);
    return ok;
}

/* The statement returned a row if the job is still this worker's. */
static bool must_be_ours(const PGresult *row, const Job *job, Error *err)
{
    return PQntuples(row) == 1 ||
           error_set(err, ERROR_CONFLICT, "job %lld was given to another worker", (long long)job->job_id);
}

bool job_report(PgConnection *connection, const Job *job, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    char *result = dump(job->result);
    bool ok = pg_run(connection, &sql_report_job,
                     PG_PARAMS(pg_int(job->job_id), pg_int(job->attempt), pg_int(job->done), pg_int(job->total),
                               pg_text(result), pg_int(JOB_LEASE_S)),
                     &row, err);
    free(result);
    return ok && must_be_ours(row, job, err);
}

static bool take(PgPool *pool, TakenJob *ret_taken, bool *ret_any, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    PG_RESULT_SCOPED PGresult *row = NULL;
    if (!pg_acquire(pool, JOB_ACQUIRE_DEADLINE_MS, &connection, err) ||
        !pg_run(connection, &sql_take_due_job, PG_PARAMS(pg_int(JOB_LEASE_S)), &row, err))
        return false;
    *ret_any = PQntuples(row) == 1;
    if (*ret_any)
        *ret_taken = (TakenJob){.job = {.job_id = pg_get_int(row, 0, 0),
                                        .attempt = pg_get_int(row, 0, 3),
                                        .parameters = json_loads(pg_get_text(row, 0, 2), 0, NULL),
                                        .done = pg_get_int(row, 0, 4),
                                        .total = pg_get_int(row, 0, 5),
                                        .result = json_loads(pg_get_text(row, 0, 6), 0, NULL)},
                                .kind = g_strdup(pg_get_text(row, 0, 1)),
                                .failures = pg_get_int(row, 0, 7)};
    return true;
}

static bool do_job(TakenJob *taken, const JobKind *kinds, void *service, Error *err)
{
    for (const JobKind *kind = kinds; kind->kind; kind++) {
        if (strcmp(kind->kind, taken->kind) == 0)
            return kind->run(service, &taken->job, err);
    }
    return error_set(err, ERROR_NOT_FOUND, "this version does not know jobs of kind %s", taken->kind);
}

static bool finish(PgPool *pool, const Job *job, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    PG_RESULT_SCOPED PGresult *row = NULL;
    char *result = dump(job->result);
    bool ok =
        pg_acquire(pool, JOB_ACQUIRE_DEADLINE_MS, &connection, err) &&
        pg_run(connection, &sql_finish_job,
               PG_PARAMS(pg_int(job->job_id), pg_int(job->attempt), pg_int(job->done), pg_text(result)), &row, err);
    free(result);
    return ok && must_be_ours(row, job, err);
}

static bool is_callers_fault(const Error *err)
{
    return err->code == ERROR_INVALID_ARGUMENT || err->code == ERROR_MALFORMED || err->code == ERROR_UNPROCESSABLE ||
           err->code == ERROR_NOT_FOUND || err->code == ERROR_TOO_LARGE;
}

static bool release(PgPool *pool, const TakenJob *taken, const Error *failure, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    bool counts = !error_is_transient(failure);
    bool given_up = is_callers_fault(failure) || (counts && taken->failures + 1 >= JOB_FAILURES_MAX);
    return pg_acquire(pool, JOB_ACQUIRE_DEADLINE_MS, &connection, err) &&
           pg_run(connection, &sql_release_job,
                  PG_PARAMS(pg_int(taken->job.job_id), pg_int(taken->job.attempt), pg_int(RETRY_AFTER_S),
                            pg_bool(given_up), pg_text(failure->message), pg_bool(counts)),
                  NULL, err);
}

bool jobs_step(PgPool *pool, const JobKind *kinds, void *service, bool *ret_taken, Error *err)
{
    TakenJob taken;
    if (!take(pool, &taken, ret_taken, err))
        return false;
    if (!*ret_taken)
        return true;
    Error failure;
    bool done = do_job(&taken, kinds, service, &failure) && finish(pool, &taken.job, &failure);
    if (done)
        log_info("job.done", log_text("kind", taken.kind), log_int("job", taken.job.job_id));
    else
        log_warn("job.failed", log_text("kind", taken.kind), log_int("job", taken.job.job_id), log_failure(&failure));
    bool ok = done || release(pool, &taken, &failure, err);
    json_decref(taken.job.parameters);
    json_decref(taken.job.result);
    g_free(taken.kind);
    return ok;
}

static json_t *job_json(const PGresult *rows, int row)
{
    int64_t total = pg_get_int(rows, row, 5);
    return json_pack(
        "{sI ss so ss sI so so ss* sI so so so}", "id", (json_int_t)pg_get_int(rows, row, 0), "kind",
        pg_get_text(rows, row, 1), "parameters", json_loads(pg_get_text(rows, row, 2), 0, NULL), "state",
        pg_get_text(rows, row, 3), "done", (json_int_t)pg_get_int(rows, row, 4), "total",
        total < 0 ? json_null() : json_integer(total), "result",
        json_loads(pg_get_text(rows, row, 6), JSON_DECODE_ANY, NULL), "error", pg_get_text(rows, row, 7), "failures",
        (json_int_t)pg_get_int(rows, row, 8), "created_at", json_instant(pg_get_instant(rows, row, 9)), "started_at",
        json_instant(pg_get_instant(rows, row, 10)), "finished_at", json_instant(pg_get_instant(rows, row, 11)));
}

bool job_read(PgConnection *connection, int64_t job_id, const char *kind, json_t **ret_json, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!pg_run(connection, &sql_select_jobs, PG_PARAMS(pg_int(job_id), pg_text(kind), pg_int(INT64_MAX), pg_int(1)),
                &rows, err))
        return false;
    if (PQntuples(rows) == 0)
        return error_set(err, ERROR_NOT_FOUND, "there is no %s %lld", kind ? kind : "job", (long long)job_id);
    *ret_json = job_json(rows, 0);
    return true;
}

bool jobs_list(PgConnection *connection, const char *kind, int64_t before, int64_t limit, json_t **ret_jobs, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!pg_run(connection, &sql_select_jobs, PG_PARAMS(pg_null(), pg_text(kind), pg_int(before), pg_int(limit)), &rows,
                err))
        return false;
    json_t *jobs = json_array();
    for (int i = 0; i < PQntuples(rows); i++)
        json_array_append_new(jobs, job_json(rows, i));
    *ret_jobs = jobs;
    return true;
}
