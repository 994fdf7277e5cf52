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
    ROUTE_FAST,              /* memory only: runs on the event loop */
    ROUTE_FAST_OR_BLOCKING,  /* tried on the event loop while little else runs; see request_must_wait() */
    ROUTE_BLOCKING,          /* may wait for a database or a disk: runs on the bounded pool; a full pool answers 503 */
    ROUTE_BLOCKING_PERSONAL, /* the same, and its path names a person: the log has the pattern instead */
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

/* Routes prepared for look-up: literal paths by hash, patterns by their parts. */
typedef struct Router Router;

/* `tables` ends with NULL; its rows must outlive the router. Two rows with the same method and pattern are a bug. */
Router *router_new(const Route *const tables[]);
void router_free(Router *router); /* accepts NULL */

/* The route for method and path (as sent: still percent-encoded, without query). HEAD finds GET routes. On success
 * request->route and path_values are set, the values decoded in the request's arena; *ret_index is the route's place
 * over all tables. NOT_FOUND, or METHOD_NOT_ALLOWED naming the methods that are, or MALFORMED for a bad escape. */
bool router_find(const Router *router, const char *method, const char *path, Request *request, size_t *ret_index,
                 Error *err) MUST_CHECK;
size_t router_count(const Router *router);
const Route *router_route(const Router *router, size_t index);
/* "GET, HEAD, PUT, OPTIONS" for the path, in the arena; NULL when no route has it. */
const char *router_allowed_methods(const Router *router, const char *path, Arena *arena);
const char *scope_name(Scope scope);
