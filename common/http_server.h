/* libmicrohttpd with epoll event loops for ROUTE_FAST and a bounded pool of threads for ROUTE_BLOCKING (the connection
 * is suspended meanwhile, so nothing else waits). Logs, metrics (rushcast_http_requests_total{route,status},
 * rushcast_http_request_seconds{route}), request ids (X-Request-Id in and out; not out on prepared responses,
 * which are shared), limits and problem documents are here.
 */
#pragma once

#include "common/auth.h"
#include "common/router.h"

typedef struct HttpServer HttpServer;

/* Strings, tables and auth are kept by reference and must outlive the server. */
typedef struct HttpServerOptions {
    const char *listen;        /* numeric address */
    uint16_t port;             /* 0: any free one, see http_server_port() */
    const char *port_variable; /* named in the message when the port is in use */
    unsigned event_loops, blocking_threads;
    unsigned blocking_queue_limit; /* waiting requests beyond which 503 is answered */
    unsigned connection_limit;
    unsigned idle_timeout_s;
    const char *spool_dir;
    const Route *const *tables; /* NULL-terminated, up to 3 */
    void *service;
    const Auth *auth; /* NULL: everyone may do everything */
} HttpServerOptions;

bool http_server_start(const HttpServerOptions *options, HttpServer **ret_server, Error *err) MUST_CHECK;
uint16_t http_server_port(const HttpServer *server);
/* Stops listening, waits for requests in flight up to the deadline, answers 503 to those that have not been begun, and
 * closes. A handler that still runs is waited for: handlers have deadlines of their own. Accepts NULL. */
void http_server_stop(HttpServer *server, int deadline_ms);
