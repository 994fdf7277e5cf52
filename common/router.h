/* Routes as a table: adding an endpoint is a row here, a handler, and a part of the OpenAPI document. */
#pragma once

#include "common/request.h"
#include "common/response.h"

/* Who may call a route. Without RUSHCAST_TOKENS_FILE everyone may (the services listen on loopback). */
typedef enum Scope {
    SCOPE_PUBLIC,   /* health, readiness, metrics */
    SCOPE_READ,     /* dispatch, dashboards, analysts, ML pipelines */
    SCOPE_WRITE,    /* producers of events and features */
    SCOPE_OPERATE,  /* operations: overrides, replays, promotion, rollback */
    SCOPE_INTERNAL, /* the other services of the platform */
} Scope;

typedef enum RouteMode {
    ROUTE_FAST,     /* memory only: runs on the event loop */
    ROUTE_BLOCKING, /* may wait for a database or a disk: runs on the bounded pool; a full pool answers 503 */
} RouteMode;

typedef bool RouteHandler(Request *request, Response *response, Error *err);

typedef struct Route {
    const char *method;  /* "GET" (HEAD is answered from it), "PUT", ... NULL ends the table */
    const char *pattern; /* "/runs/{id}": up to 4 {parts} */
    Scope scope;
    RouteMode mode;
    size_t body_limit_bytes; /* 0: no body */
    RouteHandler *handler;
} Route;

/* The route for method and path of up to 3 NULL-terminated tables, with its decoded path values in the request's arena.
 * NOT_FOUND, or METHOD_NOT_ALLOWED naming the methods that are. */
bool router_find(const Route *const tables[], const char *method, const char *path, Request *request,
                 const Route **ret_route, Error *err) MUST_CHECK;
const char *scope_name(Scope scope);
