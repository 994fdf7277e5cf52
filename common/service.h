/* Life of a service: configuration, log, clock, start, routes and workers, readiness, graceful stop. main.c of a
 * service is a ServiceDefinition and a call of service_main(). */
#pragma once

#include "common/config.h"
#include "common/http_client.h"
#include "common/http_server.h"
#include "common/worker.h"

typedef struct ServiceDefinition {
    const char *name;          /* "forecast-api" */
    const char *summary;       /* first line of --help */
    const ConfigEntry *config; /* beside common_config */
    void *config_target;       /* struct whose first member is CommonConfig */
    size_t port_offset;        /* of the int64_t port in it */
    const char *port_variable;
    const Route *routes;
    const WorkerDefinition *workers;
    void *state; /* passed to handlers, workers, start and stop */
    /* Called before routes and workers start; must not wait for other servers: connections are made by workers, so
     * that the service starts alone. */
    bool (*start)(void *state, Error *err);
    /* Called after workers and routes have stopped; frees what start made, also after a start that failed halfway. */
    void (*stop)(void *state);
} ServiceDefinition;

/* Runs until SIGINT or SIGTERM; returns the exit status. Adds /healthz, /readyz ({"ready", "waiting_for": [{"name",
 * "problem"}]}, 503 when not ready) and /metrics. */
int service_main(int argc, char **argv, const ServiceDefinition *definition);
/* The running service's workers, for hints from handlers. */
Workers *service_workers(void);
