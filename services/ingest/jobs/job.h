/* Long work that a request asks for (a backfill, a replay, an erasure): a row in raw.job, taken by one worker of one
 * ingest process at a time under a lease, reported on, and taken again after whoever worked on it ended without a word.
 * A kind of job is a row in the table of kinds in main.c. */
#pragma once

#include "common/json.h"
#include "common/pg.h"

enum { JOB_LEASE_S = 30, JOB_FAILURES_MAX = 5, JOB_ACQUIRE_DEADLINE_MS = 5000 };

typedef struct Job {
    int64_t job_id;
    int64_t attempt;    /* the fence: whoever took it later has a higher one */
    json_t *parameters; /* an object; the job's own */
    int64_t done;       /* as reported last, also by an earlier attempt: where to go on from */
    int64_t total;      /* -1: not known */
    json_t *result;     /* an object that the job fills; as reported last */
} Job;

/* Does the whole job, or what an earlier attempt has left of it. Calls job_report() at least every JOB_LEASE_S / 2
 * seconds. An error of the caller's (INVALID_ARGUMENT, MALFORMED, UNPROCESSABLE, NOT_FOUND, TOO_LARGE) gives the job
 * up; others are tried again later: UNAVAILABLE, DEADLINE and UPSTREAM for ever, the rest JOB_FAILURES_MAX times.
 * Returns false with CONFLICT, as job_report() does, when the job is another worker's by now. */
typedef bool JobFunction(void *service, Job *job, Error *err);

typedef struct JobKind {
    const char *kind; /* NULL ends the table */
    JobFunction *run;
} JobKind;

/* Asks for a job. `parameters` is borrowed. */
bool job_create(PgConnection *connection, const char *kind, const json_t *parameters, int64_t *ret_job_id,
                Error *err) MUST_CHECK;
/* Stores job->done, total and result and renews the lease, in the connection's open transaction if it has one: then
 * what the transaction did and that it was done become true together. CONFLICT when the job was given to another. */
bool job_report(PgConnection *connection, const Job *job, Error *err) MUST_CHECK;
/* Takes a due job and does it; *ret_taken false: there was none. A job that fails is not a failure of this function,
 * it is logged. */
bool jobs_step(PgPool *pool, const JobKind *kinds, void *service, bool *ret_taken, Error *err) MUST_CHECK;
/* {"id", "kind", "state", "done", "total", "result", "error", ...}; NOT_FOUND. `kind` NULL: any. The caller owns it. */
bool job_read(PgConnection *connection, int64_t job_id, const char *kind, json_t **ret_json, Error *err) MUST_CHECK;
/* Newest first, those before job `before`. The caller owns the array. */
bool jobs_list(PgConnection *connection, const char *kind, int64_t before, int64_t limit, json_t **ret_jobs,
               Error *err) MUST_CHECK;
