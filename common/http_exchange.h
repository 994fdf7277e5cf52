/* A request and its answer, from the first line to the last byte: what libmicrohttpd calls for http_server.c, and the
 * jobs of its blocking pool. */
#pragma once

#include <microhttpd.h>
#include <stdatomic.h>

#include "common/auth.h"
#include "common/http_metrics.h"
#include "common/job_pool.h"
#include "common/router.h"

/* What all exchanges of a server share; the server's. */
typedef struct HttpExchangeContext {
    Router *router;
    HttpMetrics *metrics;
    JobPool *pool; /* its jobs are exchanges */
    void *service;
    const Auth *auth; /* NULL: everyone may do everything */
    const char *spool_dir;
    atomic_bool stopping;     /* answers close their connections */
    atomic_uint in_flight;    /* requests begun and not yet ended */
    _Atomic uint64_t next_id; /* of requests that bring none */
} HttpExchangeContext;

/* Callbacks of libmicrohttpd; `cls` is the context. */
void http_exchange_on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                                 enum MHD_ConnectionNotificationCode code);
void *http_exchange_on_uri(void *cls, const char *uri, struct MHD_Connection *connection);
enum MHD_Result http_exchange_on_access(void *cls, struct MHD_Connection *connection, const char *url,
                                        const char *method, const char *version, const char *upload_data,
                                        size_t *upload_data_size, void **con_cls);
void http_exchange_on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                                enum MHD_RequestTerminationCode code);

/* JobFunctions: handles the request on a thread of the pool; answers 503 instead, when the server stops. */
void http_exchange_run(void *job);
void http_exchange_drop(void *job);
