#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>
#include "gen/trainer_sql.h"
#include "services/trainer/run_queue.h"
#include "tests/integration/services/trainer/trainer_database.h"

TestSuite(run_queue, .init = trainer_database_begin, .fini = trainer_database_end);

static void add_runs(int runs)
{
    trainer_database_run("INSERT INTO training.run (kind, cutoff, planned_at) SELECT 'forecast',"
                         " timestamptz '2026-06-01T00:00:00Z' + hour * interval '1 hour', now()"
                         " FROM generate_series(1, %d) AS hour",
                         runs);
}

static bool take(PgConnection *connection, double lease_s, Run *ret_run)
{
    bool taken;
    Error err;
    cr_assert(run_queue_take(connection, "forecast,train", "test", lease_s, ret_run, &taken, &err), "%s", err.message);
    return taken;
}

enum { WORKERS = 2, RUNS = 60 };

typedef struct Worker {
    int64_t runs[RUNS];
    int count;
} Worker;

static void *work(void *context)
{
    Worker *worker = context;
    PG_SCOPED PgConnection *connection = NULL;
    Error err;
    Run run;
    bool taken = true;
    if (!pg_acquire(trainer_database.pool, 5000, &connection, &err)) {
        return NULL;
    }
    while (worker->count < RUNS && run_queue_take(connection, "forecast", "test", 60, &run, &taken, &err) && taken) {
        worker->runs[worker->count++] = run.run_id;
        if (!run_queue_finish(connection, &run, 1, NULL, false, &err)) {
            break;
        }
    }
    return NULL;
}

Test(run_queue, two_workers_never_take_the_same_run)
{
    Worker workers[WORKERS] = {0};
    pthread_t threads[WORKERS];
    int taken[RUNS + 1] = {0};
    add_runs(RUNS);
    for (int i = 0; i < WORKERS; i++) {
        pthread_create(&threads[i], NULL, work, &workers[i]);
    }
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < WORKERS; i++) {
        for (int j = 0; j < workers[i].count; j++) {
            taken[workers[i].runs[j]]++;
        }
    }
    for (int run = 1; run <= RUNS; run++) {
        cr_assert_eq(taken[run], 1, "run %d was taken %d times", run, taken[run]);
    }
    cr_assert_eq(trainer_database_number("SELECT count(*) FROM training.run WHERE status = 'succeeded'"
                                         " AND attempts = 1"),
                 RUNS);
}

Test(run_queue, a_run_that_is_just_being_taken_is_not_waited_for)
{
    PG_SCOPED PgConnection *other = NULL;
    Error err;
    Run first, second;
    add_runs(2);
    cr_assert(pg_acquire(trainer_database.pool, 5000, &other, &err), "%s", err.message);
    cr_assert(pg_begin(trainer_database.connection, &err));
    cr_assert(take(trainer_database.connection, 60, &first));
    cr_assert(take(other, 60, &second));
    cr_assert(pg_commit(trainer_database.connection, &err));
    cr_assert_neq(first.run_id, second.run_id);
    cr_assert_not(take(other, 60, &second));
}

Test(run_queue, a_run_whose_lease_ran_out_is_taken_again_and_the_first_worker_is_told)
{
    Run first, second;
    Error err;
    bool ours;
    add_runs(1);
    cr_assert(take(trainer_database.connection, 0.3, &first));
    cr_assert_eq(first.attempt, 1);
    cr_assert_not(take(trainer_database.connection, 0.3, &second));
    usleep(200 * 1000);
    cr_assert(run_queue_renew(trainer_database.connection, &first, 0.3, 0.5, "halfway", &ours, &err));
    cr_assert(ours);
    usleep(200 * 1000);
    cr_assert_not(take(trainer_database.connection, 0.3, &second), "the lease was renewed");
    cr_assert_str_eq(trainer_database_text("SELECT what FROM training.run"), "halfway");
    usleep(200 * 1000);
    cr_assert(take(trainer_database.connection, 60, &second));
    cr_assert_eq(second.run_id, first.run_id);
    cr_assert_eq(second.attempt, 2);

    cr_assert(run_queue_renew(trainer_database.connection, &first, 60, 0.6, "late", &ours, &err));
    cr_assert_not(ours);
    cr_assert_not(run_queue_finish(trainer_database.connection, &first, 1, "set", true, &err));
    cr_assert_eq(err.code, ERROR_CONFLICT);
    cr_assert(run_queue_finish(trainer_database.connection, &second, 1, "set", true, &err), "%s", err.message);
}

Test(run_queue, a_lease_from_a_clock_that_was_set_back_has_run_out)
{
    Run run;
    add_runs(1);
    cr_assert(take(trainer_database.connection, 60, &run));
    trainer_database_run("UPDATE training.run SET lease_until = now() + interval '1 day'");
    cr_assert(take(trainer_database.connection, 60, &run));
    cr_assert_eq(run.attempt, 2);
}

Test(run_queue, a_run_that_kills_its_workers_is_given_up)
{
    Run run;
    int taken = 0;
    add_runs(1);
    while (taken < 20 && take(trainer_database.connection, 60, &run)) {
        taken++;
        trainer_database_run("UPDATE training.run SET lease_until = now() - interval '1 second'");
    }
    cr_assert_eq(taken, 5, "taken %d times", taken);
    cr_assert_str_eq(trainer_database_text("SELECT status FROM training.run"), "failed");
}

Test(run_queue, a_run_is_put_back_and_fails_for_good_in_the_end)
{
    Run run;
    Error err;
    bool failed;
    add_runs(1);
    for (int i = 0; i < 10; i++) {
        cr_assert(take(trainer_database.connection, 60, &run));
        cr_assert(run_queue_release(trainer_database.connection, &run, 0, false, "not now", &failed, &err));
        cr_assert_not(failed, "what is not its fault does not count");
    }
    for (int i = 1; i <= RUN_FAILURES_MAX; i++) {
        cr_assert(take(trainer_database.connection, 60, &run));
        cr_assert(run_queue_release(trainer_database.connection, &run, 0, true, "broken", &failed, &err));
        cr_assert_eq(failed, i == RUN_FAILURES_MAX);
    }
    cr_assert_not(take(trainer_database.connection, 60, &run));
    cr_assert_str_eq(trainer_database_text("SELECT status || ' ' || error FROM training.run"), "failed broken");
}

Test(run_queue, a_wait_is_kept_unless_the_clock_was_set_back)
{
    Run run;
    Error err;
    add_runs(1);
    cr_assert(take(trainer_database.connection, 60, &run));
    cr_assert(run_queue_release(trainer_database.connection, &run, 30, false, "not now", NULL, &err));
    cr_assert_not(take(trainer_database.connection, 60, &run));
    trainer_database_run("UPDATE training.run SET due_at = now() + interval '1 day'");
    cr_assert(take(trainer_database.connection, 60, &run));
}

static bool ask_for_run(const char *kind, int64_t *ret_run_id)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    Error err;
    cr_assert(pg_run(trainer_database.connection, &sql_insert_requested_run,
                     PG_PARAMS(pg_text(kind), pg_hour(500000), pg_instant(hour_start(500001))), &rows, &err),
              "%s", err.message);
    cr_assert_eq(PQntuples(rows), 1);
    *ret_run_id = pg_get_int(rows, 0, 0);
    return pg_get_bool(rows, 0, 1);
}

Test(run_queue, the_same_run_asked_for_twice_is_one)
{
    int64_t first, again, other;
    cr_assert(ask_for_run("train", &first));
    cr_assert_not(ask_for_run("train", &again));
    cr_assert_eq(first, again);
    cr_assert(ask_for_run("backtest", &other));
    cr_assert_neq(first, other);
    trainer_database_run("UPDATE training.run SET status = 'failed', failures = 3");
    cr_assert(ask_for_run("train", &again), "a failed one is tried again");
    cr_assert_eq(first, again);
    cr_assert_str_eq(trainer_database_text("SELECT status FROM training.run WHERE kind = 'train'"), "due");
}
