#include <criterion/criterion.h>

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/worker.h"

enum { WAIT_MAX_MS = 5000 };

static atomic_int steps, failures_left;

static bool steady_step(void *service, WorkerStep *step, Error *err)
{
    (void)service;
    (void)err;
    atomic_fetch_add(&steps, 1);
    step->rest_ms = 60000;
    return true;
}

static bool failing_step(void *service, WorkerStep *step, Error *err)
{
    (void)service;
    atomic_fetch_add(&steps, 1);
    step->rest_ms = 60000;
    if (atomic_fetch_sub(&failures_left, 1) > 0)
        return error_set(err, ERROR_UNAVAILABLE, "the database is down");
    return true;
}

static void wait_for_steps(int count)
{
    int64_t end_ms = clock_monotonic_ms() + WAIT_MAX_MS;
    while (atomic_load(&steps) < count && clock_monotonic_ms() < end_ms)
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    cr_assert_geq(atomic_load(&steps), count);
}

static char problem_seen[256];
static bool needed_seen;

static void note_problem(void *context, const char *name, bool needed, const char *problem)
{
    (void)context;
    cr_assert_str_eq(name, "test");
    needed_seen = needed;
    snprintf(problem_seen, sizeof(problem_seen), "%s", problem == NULL ? "" : problem);
}

/* The state changes a moment after the step has returned. */
static void wait_for_problem(Workers *workers, const char *problem)
{
    int64_t end_ms = clock_monotonic_ms() + WAIT_MAX_MS;
    do {
        workers_visit(workers, note_problem, NULL);
    } while (strcmp(problem_seen, problem) != 0 && clock_monotonic_ms() < end_ms);
    cr_assert_str_eq(problem_seen, problem);
}

Test(worker, a_hint_ends_the_rest)
{
    static const WorkerDefinition table[] = {{"test", steady_step, false}, {0}};
    Workers *workers = workers_start(table, NULL);
    wait_for_steps(1);
    wait_for_problem(workers, "");
    workers_wake(workers, "other");
    workers_wake(workers, "test");
    wait_for_steps(2);
    workers_stop(workers);
    cr_assert_leq(atomic_load(&steps), 3);
    cr_assert(workers_stopping());
}

Test(worker, a_failure_shows_and_is_retried_until_it_passes)
{
    static const WorkerDefinition table[] = {{"test", failing_step, true}, {0}};
    log_init("test", LOG_ERROR);
    atomic_store(&failures_left, 3);
    int64_t begin_ms = clock_monotonic_ms();
    Workers *workers = workers_start(table, NULL);
    wait_for_problem(workers, "the database is down");
    cr_assert(needed_seen);
    wait_for_steps(4);
    wait_for_problem(workers, "");
    /* At least half of 100, 200 and 400 ms */
    cr_assert_geq(clock_monotonic_ms() - begin_ms, 350);
    workers_stop(workers);
}

static bool slow_step(void *service, WorkerStep *step, Error *err)
{
    (void)service;
    (void)step;
    (void)err;
    while (!workers_stopping())
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return true;
}

Test(worker, one_that_never_succeeded_has_a_problem_when_it_is_needed)
{
    static const WorkerDefinition table[] = {{"test", slow_step, true}, {0}};
    Workers *workers = workers_start(table, NULL);
    workers_visit(workers, note_problem, NULL);
    cr_assert_str_eq(problem_seen, "has not succeeded yet");
    workers_stop(workers);
}

Test(worker, null_is_accepted)
{
    workers_stop(NULL);
    workers_wake(NULL, "x");
    workers_visit(NULL, note_problem, NULL);
}
