#include "common/worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/deadline.h"
#include "common/log.h"
#include "common/metrics.h"

enum { BACKOFF_FIRST_MS = 100, BACKOFF_MAX_MS = 30000, FAILURE_LOG_EVERY_MS = 60000, THREAD_NAME_MAX_BYTES = 16 };

static const char not_yet[] = "has not succeeded yet";

static Metric runs_total = {
    .kind = METRIC_COUNTER,
    .name = "rushcast_worker_runs_total",
    .help = "Steps of background workers, by result.",
    .labels = {"worker", "result"},
};

typedef struct Worker {
    const WorkerDefinition *definition;
    void *service;
    MetricSeries *runs_ok, *runs_failed;
    pthread_t thread;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    bool woken;
    bool has_succeeded, is_failing;
    char problem[sizeof(((Error *)NULL)->message)];
} Worker;

struct Workers {
    size_t count;
    Worker items[];
};

static atomic_bool stopping;

bool workers_stopping(void)
{
    return atomic_load_explicit(&stopping, memory_order_relaxed);
}

/* What one worker thread remembers between steps. */
typedef struct Failures {
    int backoff_ms; /* 0: the last step succeeded */
    int64_t logged_at_ms;
    unsigned seed;
} Failures;

static int with_jitter(int ms, unsigned *seed)
{
    return ms / 2 + (int)((unsigned)rand_r(seed) % (unsigned)(ms / 2 + 1));
}

static void note_success(Worker *worker, Failures *failures)
{
    metric_add(worker->runs_ok, 1);
    pthread_mutex_lock(&worker->lock);
    bool recovered = worker->is_failing;
    worker->has_succeeded = true;
    worker->is_failing = false;
    pthread_mutex_unlock(&worker->lock);
    failures->backoff_ms = 0;
    if (recovered)
        log_info("worker.recovered", log_text("worker", worker->definition->name));
}

/* Returns how long to rest. */
static int note_failure(Worker *worker, Failures *failures, const Error *err)
{
    metric_add(worker->runs_failed, 1);
    pthread_mutex_lock(&worker->lock);
    bool changed = !worker->is_failing || strcmp(worker->problem, err->message) != 0;
    worker->is_failing = true;
    memcpy(worker->problem, err->message, sizeof(worker->problem));
    pthread_mutex_unlock(&worker->lock);

    int64_t now_ms = clock_monotonic_ms();
    if (changed || now_ms - failures->logged_at_ms >= FAILURE_LOG_EVERY_MS) {
        failures->logged_at_ms = now_ms;
        log_warn("worker.failed", log_text("worker", worker->definition->name), log_failure(err));
    }
    int next_ms = failures->backoff_ms == 0 ? BACKOFF_FIRST_MS : 2 * failures->backoff_ms;
    failures->backoff_ms = next_ms < BACKOFF_MAX_MS ? next_ms : BACKOFF_MAX_MS;
    return with_jitter(failures->backoff_ms, &failures->seed);
}

/* A hint ends a rest but not a backoff: a server that is down is not asked more often for it. */
static void rest(Worker *worker, int rest_ms, bool hints_end_it)
{
    int64_t until_ms = clock_monotonic_ms() + rest_ms;
    pthread_mutex_lock(&worker->lock);
    while (!workers_stopping() && !(worker->woken && hints_end_it) &&
           deadline_cond_wait(&worker->changed, &worker->lock, until_ms))
        ;
    worker->woken = false;
    pthread_mutex_unlock(&worker->lock);
}

static void *work(void *argument)
{
    Worker *worker = argument;
    Failures failures = {.backoff_ms = 0, .seed = (unsigned)clock_wall() ^ (unsigned)(uintptr_t)worker};
    while (!workers_stopping()) {
        WorkerStep step = {.rest_ms = 0};
        Error err = {.code = ERROR_NONE};
        if (worker->definition->step(worker->service, &step, &err)) {
            note_success(worker, &failures);
            if (step.rest_ms > 0)
                rest(worker, step.rest_ms, true);
        } else if (!workers_stopping()) {
            int backoff_ms = note_failure(worker, &failures, &err);
            if (step.is_waiting)
                failures.backoff_ms = 0;
            rest(worker, step.is_waiting ? step.rest_ms : backoff_ms, step.is_waiting);
        }
    }
    return NULL;
}

static void start_worker(Worker *worker, const WorkerDefinition *definition, void *service)
{
    worker->definition = definition;
    worker->service = service;
    worker->runs_ok = metric_with(&runs_total, definition->name, "ok");
    worker->runs_failed = metric_with(&runs_total, definition->name, "failed");
    pthread_mutex_init(&worker->lock, NULL);
    deadline_cond_init(&worker->changed);
    if (pthread_create(&worker->thread, NULL, work, worker) != 0)
        abort();
    char name[THREAD_NAME_MAX_BYTES];
    snprintf(name, sizeof(name), "%.*s", THREAD_NAME_MAX_BYTES - 1, definition->name);
    pthread_setname_np(worker->thread, name);
}

Workers *workers_start(const WorkerDefinition *table, void *service)
{
    size_t count = 0;
    while (table[count].name != NULL)
        count++;
    Workers *workers = calloc(1, sizeof(*workers) + count * sizeof(workers->items[0]));
    if (workers == NULL)
        abort();
    atomic_store(&stopping, false);
    workers->count = count;
    for (size_t i = 0; i < count; i++)
        start_worker(&workers->items[i], &table[i], service);
    return workers;
}

static void wake(Worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    worker->woken = true;
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
}

void workers_stop(Workers *workers)
{
    if (workers == NULL)
        return;
    atomic_store(&stopping, true);
    for (size_t i = 0; i < workers->count; i++)
        wake(&workers->items[i]);
    for (size_t i = 0; i < workers->count; i++)
        pthread_join(workers->items[i].thread, NULL);
    /* Only now: until it ended, a worker may have woken another. */
    for (size_t i = 0; i < workers->count; i++) {
        pthread_cond_destroy(&workers->items[i].changed);
        pthread_mutex_destroy(&workers->items[i].lock);
    }
    free(workers);
}

void workers_wake(Workers *workers, const char *name)
{
    for (size_t i = 0; workers != NULL && i < workers->count; i++) {
        if (strcmp(workers->items[i].definition->name, name) == 0)
            wake(&workers->items[i]);
    }
}

void workers_visit(Workers *workers, void (*visit)(void *context, const char *name, bool needed, const char *problem),
                   void *context)
{
    for (size_t i = 0; workers != NULL && i < workers->count; i++) {
        Worker *worker = &workers->items[i];
        bool needed = worker->definition->needed_for_ready;
        char problem[sizeof(worker->problem)];
        pthread_mutex_lock(&worker->lock);
        bool has_problem = worker->is_failing || (needed && !worker->has_succeeded);
        snprintf(problem, sizeof(problem), "%s", worker->is_failing ? worker->problem : not_yet);
        pthread_mutex_unlock(&worker->lock);
        visit(context, worker->definition->name, needed, has_problem ? problem : NULL);
    }
}
