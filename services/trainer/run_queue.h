/* Runs as a queue in Postgres: planned once, taken by one worker at a time with a lease, renewed, finished. */
#pragma once

#include "common/pg.h"

typedef enum RunKind { RUN_TRAIN, RUN_FORECAST, RUN_BACKTEST, RUN_KINDS } RunKind;

enum { RUN_WORKER_MAX = 96, RUN_WHAT_MAX = 96, RUN_FAILURES_MAX = 3 };

/* A run as it was taken; the attempt is the fence: whoever took it later has a higher one. */
typedef struct Run {
    int64_t run_id;
    RunKind kind;
    Hour cutoff;
    int64_t attempt, failures;
} Run;

/* What planning looks at, see training.plan_due_runs(). */
typedef struct RunInputs {
    Instant now;
    Hour complete_hour, first_hour; /* HOUR_NONE when unknown: nothing is planned */
    bool caught_up, restated;
} RunInputs;

extern const char *const run_kind_names[]; /* by RunKind, NULL-terminated */

/* Adds what is due; *ret_added: how many runs. */
bool run_queue_plan(PgConnection *connection, const RunInputs *inputs, size_t *ret_added, Error *err) MUST_CHECK;
/* The oldest due run of the kinds ("train,backtest"); *ret_taken false: none. */
bool run_queue_take(PgConnection *connection, const char *kinds, const char *worker, double lease_s, Run *ret_run,
                    bool *ret_taken, Error *err) MUST_CHECK;
/* *ret_ours false: the lease was lost and the run given to another worker; stop working on it. */
bool run_queue_renew(PgConnection *connection, const Run *run, double lease_s, double share, const char *what,
                     bool *ret_ours, Error *err) MUST_CHECK;
/* `set_id` NULL: none was made. CONFLICT when the run is not this worker's any more. */
bool run_queue_finish(PgConnection *connection, const Run *run, int64_t data_cursor, const char *set_id, bool published,
                      Error *err) MUST_CHECK;
/* Gives the run back: due again after the wait; with `counts`, it fails for good after RUN_FAILURES_MAX times.
 * *ret_failed says so; may be NULL. */
bool run_queue_release(PgConnection *connection, const Run *run, double wait_s, bool counts, const char *message,
                       bool *ret_failed, Error *err) MUST_CHECK;
