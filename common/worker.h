/* Background work as a table. A worker's step is called over and over: it returns how long to rest before the next
 * call; after a failure it is called again with exponential backoff and jitter (100 ms .. 30 s) and the failure is
 * logged once per change and shown in /readyz until the next success. */
#pragma once

#include <stdint.h>
#include "common/error.h"

typedef struct WorkerStep {
    int rest_ms; /* 0: again at once */
    /* With a step that fails: it only waits for what others will do, as the error says. Called again after rest_ms or
     * a hint instead of with backoff. */
    bool is_waiting;
} WorkerStep;

typedef bool WorkerFunction(void *service, WorkerStep *step, Error *err);

typedef struct WorkerDefinition {
    const char *name; /* NULL ends the table; also the name in /readyz and metrics */
    WorkerFunction *step;
    bool needed_for_ready; /* not ready before its first success and while it fails */
} WorkerDefinition;

typedef struct Workers Workers;

/* Starts one thread a row. */
Workers *workers_start(const WorkerDefinition *table, void *service);
/* Asks all to stop, wakes the resting ones and joins. Accepts NULL. */
void workers_stop(Workers *workers);
/* Ends the rest of that worker now (a hint came in); a hint during its step makes it go on at once, a backoff after a
 * failure is not shortened. Thread-safe; accepts NULL (not started yet). */
void workers_wake(Workers *workers, const char *name);
/* For long steps: true once the service is stopping. */
bool workers_stopping(void);
/* Calls `visit` for each worker: `problem` is NULL when it is well. */
void workers_visit(Workers *workers, void (*visit)(void *context, const char *name, bool needed, const char *problem),
                   void *context);
