#include "common/http_exchange.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/http_body.h"
#include "common/log.h"
#include "common/response_parts.h"

enum {
    REFUSED_BODY_MAX_BYTES = 256 * 1024, /* of a refused body this much is read, so that the client sees the answer */
    REQUEST_ID_MAX_BYTES = 64,
    TRY_IN_FLIGHT_MAX = 2, /* with more requests at once the threads of the pool are awake anyway */
};

typedef enum Phase {
    PHASE_BEGIN,    /* request line and headers are there */
    PHASE_READY,    /* there is no body: to be handled at MHD's next call */
    PHASE_BODY,     /* the body is arriving */
    PHASE_REFUSED,  /* the body is arriving and thrown away; `err` says why */
    PHASE_WAITING,  /* suspended, in the blocking pool */
    PHASE_ANSWERED, /* `response` is complete */
    PHASE_QUEUED,
} Phase;

/* A request and its answer. One lives as long as its connection and is used for one request after the other. */
typedef struct Exchange {
    HttpExchangeContext *context;
    Request request;
    Response response;
    HttpBody body;
    Phase phase;
    bool is_open; /* between http_exchange_on_uri() and http_exchange_on_completed() */
    int status;   /* of the queued answer; 0: none yet */
    size_t route_index;
    size_t refused_bytes;
    const char *allowed_methods; /* of a 405 or an OPTIONS request */
    const char *raw_path;        /* NULL: no escapes in it, MHD's path is the one that was sent */
    double started_s;
    Error err; /* why the request failed; code ERROR_NONE: it did not */
    char id[REQUEST_ID_MAX_BYTES + 1];
} Exchange;

/* ---- request ids ------------------------------------------------------------------------------------------------- */

static bool is_good_id(const char *id)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:";
    size_t length_bytes = strspn(id, allowed);
    return id[length_bytes] == '\0' && length_bytes > 0 && length_bytes <= REQUEST_ID_MAX_BYTES;
}

static const char *sent_id(struct MHD_Connection *connection)
{
    static const char name[] = "X-Request-Id";
    const char *id = NULL;
    size_t length_bytes = 0;
    enum MHD_Result found =
        MHD_lookup_connection_value_n(connection, MHD_HEADER_KIND, name, sizeof(name) - 1, &id, &length_bytes);
    return found == MHD_YES && id != NULL && is_good_id(id) ? id : NULL;
}

static void need_id(Exchange *exchange)
{
    if (exchange->request.request_id != NULL)
        return;
    uint64_t number = atomic_fetch_add_explicit(&exchange->context->next_id, 1, memory_order_relaxed);
    snprintf(exchange->id, sizeof(exchange->id), "%016llx", (unsigned long long)number);
    exchange->request.request_id = exchange->id;
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

static void answer_problem(Exchange *exchange)
{
    Request *request = &exchange->request;
    Response *response = &exchange->response;
    assert(exchange->err.code != ERROR_NONE); /* a handler that returns false sets the error */
    need_id(exchange);
    response_reset(response);
    response_problem(response, request, &exchange->err);
    if (exchange->err.code == ERROR_UNAUTHENTICATED)
        response_header(response, request, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    if (exchange->err.code == ERROR_METHOD_NOT_ALLOWED && exchange->allowed_methods != NULL)
        response_header(response, request, MHD_HTTP_HEADER_ALLOW, exchange->allowed_methods);
    bool finished = response_finish(response, request, NULL);
    assert(finished); /* only spool files can fail */
    (void)finished;
    exchange->phase = PHASE_ANSWERED;
}

/* False when the handler has to be run again where it may wait. */
static bool run_handler(Exchange *exchange, bool may_wait)
{
    Request *request = &exchange->request;
    Response *response = &exchange->response;
    log_set_request_id(request->request_id);
    request->may_wait = may_wait;
    request->must_wait = false;
    bool ok = request->route->handler(request, response, &exchange->err);
    if (!ok && request->must_wait) {
        response_reset(response);
        exchange->err.code = ERROR_NONE;
        log_set_request_id(NULL);
        return false;
    }
    if (ok) {
        exchange->err.code = ERROR_NONE;
        if (!response->is_prepared)
            need_id(exchange);
        ok = response_finish(response, request, &exchange->err);
    }
    if (!ok)
        answer_problem(exchange);
    log_set_request_id(NULL);
    exchange->phase = PHASE_ANSWERED;
    return true;
}

static enum MHD_Result queue_answer(Exchange *exchange)
{
    Response *response = &exchange->response;
    assert(exchange->phase == PHASE_ANSWERED);
    if (!response->is_prepared && atomic_load_explicit(&exchange->context->stopping, memory_order_relaxed))
        MHD_add_response_header(response->mhd, MHD_HTTP_HEADER_CONNECTION, "close");
    exchange->status = response->status;
    exchange->phase = PHASE_QUEUED;
    enum MHD_Result queued =
        MHD_queue_response(exchange->request.connection, (unsigned)response->status, response->mhd);
    response_reset(response);
    return queued;
}

/* ---- blocking routes --------------------------------------------------------------------------------------------- */

static void suspend_exchange(void *job)
{
    Exchange *exchange = job;
    exchange->phase = PHASE_WAITING;
    MHD_suspend_connection(exchange->request.connection);
}

/* Once resumed, the exchange belongs to its event loop again. */
void http_exchange_run(void *job)
{
    Exchange *exchange = job;
    bool answered = run_handler(exchange, true);
    assert(answered);
    (void)answered;
    MHD_resume_connection(exchange->request.connection);
}

void http_exchange_drop(void *job)
{
    Exchange *exchange = job;
    error_set(&exchange->err, ERROR_UNAVAILABLE, "the service is stopping");
    exchange->err.retry_after_s = 1;
    answer_problem(exchange);
    MHD_resume_connection(exchange->request.connection);
}

static bool may_try(HttpExchangeContext *context)
{
    return atomic_load_explicit(&context->in_flight, memory_order_relaxed) <= TRY_IN_FLIGHT_MAX;
}

static enum MHD_Result handle(Exchange *exchange)
{
    RouteMode mode = exchange->request.route->mode;
    if (mode != ROUTE_FAST)
        need_id(exchange);
    if ((mode == ROUTE_FAST || (mode == ROUTE_FAST_OR_BLOCKING && may_try(exchange->context))) &&
        run_handler(exchange, false))
        return queue_answer(exchange);
    if (job_pool_push(exchange->context->pool, exchange, suspend_exchange))
        return MHD_YES;
    error_set(&exchange->err, ERROR_UNAVAILABLE, "too many requests wait already; try again in a second");
    exchange->err.retry_after_s = 1;
    answer_problem(exchange);
    return queue_answer(exchange);
}

/* ---- the body ---------------------------------------------------------------------------------------------------- */

typedef struct BodyHeaders {
    bool has_body;
    bool has_length; /* else it is chunked */
    unsigned long long length_bytes;
} BodyHeaders;

static const char *find_header(struct MHD_Connection *connection, const char *name, size_t name_bytes)
{
    const char *value = NULL;
    size_t value_bytes = 0;
    if (MHD_lookup_connection_value_n(connection, MHD_HEADER_KIND, name, name_bytes, &value, &value_bytes) != MHD_YES)
        return NULL;
    return value;
}
#define FIND_HEADER(connection, name) find_header((connection), (name), sizeof(name) - 1)

static BodyHeaders read_body_headers(struct MHD_Connection *connection)
{
    if (FIND_HEADER(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL)
        return (BodyHeaders){.has_body = true};
    const char *length = FIND_HEADER(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (length == NULL)
        return (BodyHeaders){.has_body = false};
    unsigned long long length_bytes = strtoull(length, NULL, 10); /* MHD has checked it */
    return (BodyHeaders){.has_body = length_bytes > 0, .has_length = true, .length_bytes = length_bytes};
}

static bool check_body_headers(const Route *route, const BodyHeaders *headers, Error *err)
{
    if (!headers->has_body)
        return true;
    if (route->body_limit_bytes == 0)
        return error_set(err, ERROR_INVALID_ARGUMENT, "%s %s takes no body", route->method, route->pattern);
    if (headers->has_length && headers->length_bytes > route->body_limit_bytes)
        return http_body_fail_too_large(route->body_limit_bytes, err);
    return true;
}

/* Without a body, or with a small one, which is read and thrown away, the connection can go on. Otherwise the answer is
 * sent at once: MHD closes the connection after an answer to its first call. */
static enum MHD_Result refuse(Exchange *exchange, const BodyHeaders *headers)
{
    struct MHD_Connection *connection = exchange->request.connection;
    bool is_short = !headers->has_body || (headers->has_length && headers->length_bytes <= REFUSED_BODY_MAX_BYTES &&
                                           FIND_HEADER(connection, MHD_HTTP_HEADER_EXPECT) == NULL);
    if (is_short) {
        exchange->phase = PHASE_REFUSED;
        return MHD_YES;
    }
    answer_problem(exchange);
    return queue_answer(exchange);
}

static enum MHD_Result take_body_part(Exchange *exchange, const char *data, size_t *data_bytes)
{
    size_t length_bytes = *data_bytes;
    *data_bytes = 0;
    if (exchange->phase == PHASE_BODY) {
        if (!http_body_append(&exchange->body, data, length_bytes, &exchange->err))
            exchange->phase = PHASE_REFUSED;
        return MHD_YES;
    }
    /* A chunked body has no announced end: MHD cannot answer in the middle of it, only close. */
    exchange->refused_bytes += length_bytes;
    return exchange->refused_bytes <= REFUSED_BODY_MAX_BYTES ? MHD_YES : MHD_NO;
}

static enum MHD_Result end_body(Exchange *exchange)
{
    Request *request = &exchange->request;
    if (exchange->phase == PHASE_BODY && http_body_finish(&exchange->body, &request->body, &exchange->err)) {
        request->body_length_bytes = exchange->body.length_bytes;
        return handle(exchange);
    }
    answer_problem(exchange);
    return queue_answer(exchange);
}

/* ---- the beginning ----------------------------------------------------------------------------------------------- */

static bool find_route(Exchange *exchange)
{
    Request *request = &exchange->request;
    const Router *router = exchange->context->router;
    if (router_find(router, request->method, request->path, request, &exchange->route_index, &exchange->err))
        return true;
    exchange->route_index = router_count(router);
    if (exchange->err.code == ERROR_METHOD_NOT_ALLOWED)
        exchange->allowed_methods = router_allowed_methods(router, request->path, request_arena(request));
    return false;
}

static bool check_scope(Exchange *exchange)
{
    const Auth *auth = exchange->context->auth;
    Scope scope = exchange->request.route->scope;
    if (auth == NULL || scope == SCOPE_PUBLIC)
        return true;
    const char *authorization = FIND_HEADER(exchange->request.connection, MHD_HTTP_HEADER_AUTHORIZATION);
    return auth_check(auth, authorization, scope, &exchange->err);
}

static bool is_options(const Exchange *exchange)
{
    return exchange->err.code == ERROR_METHOD_NOT_ALLOWED && strcmp(exchange->request.method, "OPTIONS") == 0;
}

static void answer_options(Exchange *exchange)
{
    exchange->err.code = ERROR_NONE;
    response_empty(&exchange->response, MHD_HTTP_NO_CONTENT);
    response_header(&exchange->response, &exchange->request, MHD_HTTP_HEADER_ALLOW, exchange->allowed_methods);
    bool finished = response_finish(&exchange->response, &exchange->request, NULL);
    assert(finished); /* only spool files can fail */
    (void)finished;
    exchange->phase = PHASE_ANSWERED;
}

static enum MHD_Result begin(Exchange *exchange, struct MHD_Connection *connection, const char *path,
                             const char *method)
{
    Request *request = &exchange->request;
    request->connection = connection;
    request->path = exchange->raw_path != NULL ? exchange->raw_path : path;
    request->method = method;
    request->request_id = sent_id(connection);
    BodyHeaders headers = read_body_headers(connection);
    if (!find_route(exchange)) {
        if (!is_options(exchange) || headers.has_body)
            return refuse(exchange, &headers);
        answer_options(exchange);
        return MHD_YES;
    }
    if (!check_scope(exchange) || !check_body_headers(request->route, &headers, &exchange->err))
        return refuse(exchange, &headers);
    if (headers.has_body)
        http_body_reset(&exchange->body, request->route->body_limit_bytes);
    exchange->phase = headers.has_body ? PHASE_BODY : PHASE_READY;
    return MHD_YES;
}

/* ---- what libmicrohttpd calls ------------------------------------------------------------------------------------ */

void http_exchange_on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                                 enum MHD_ConnectionNotificationCode code)
{
    (void)connection;
    HttpExchangeContext *context = cls;
    Exchange *exchange = *socket_context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        exchange = calloc(1, sizeof(*exchange));
        if (exchange == NULL)
            abort();
        exchange->context = context;
        http_body_init(&exchange->body, context->spool_dir);
        *socket_context = exchange;
    } else if (exchange != NULL) {
        http_body_fini(&exchange->body);
        arena_free(exchange->request.arena);
        free(exchange);
        *socket_context = NULL;
    }
}

/* MHD decodes the path afterwards; the router needs it as it was sent, so that %2F does not separate parts. */
static const char *copy_escaped_path(Request *request, const char *uri)
{
    size_t path_bytes = strcspn(uri, "?");
    if (memchr(uri, '%', path_bytes) == NULL)
        return NULL;
    return arena_strndup(request_arena(request), uri, path_bytes);
}

void *http_exchange_on_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
    HttpExchangeContext *context = cls;
    Exchange *exchange = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    exchange->request = (Request){
        .arena = exchange->request.arena, .service = context->service, .spool_dir = context->spool_dir, .body = ""};
    exchange->phase = PHASE_BEGIN;
    exchange->is_open = true;
    exchange->status = 0;
    exchange->refused_bytes = 0;
    exchange->allowed_methods = NULL;
    exchange->err.code = ERROR_NONE;
    exchange->started_s = clock_monotonic_s();
    exchange->raw_path = copy_escaped_path(&exchange->request, uri);
    atomic_fetch_add_explicit(&context->in_flight, 1, memory_order_relaxed);
    return exchange;
}

enum MHD_Result http_exchange_on_access(void *cls, struct MHD_Connection *connection, const char *url,
                                        const char *method, const char *version, const char *upload_data,
                                        size_t *upload_data_size, void **con_cls)
{
    (void)cls;
    (void)version;
    Exchange *exchange = *con_cls;
    switch (exchange->phase) {
    case PHASE_BEGIN:
        return begin(exchange, connection, url, method);
    case PHASE_READY:
        return handle(exchange);
    case PHASE_BODY:
    case PHASE_REFUSED:
        if (*upload_data_size > 0)
            return take_body_part(exchange, upload_data, upload_data_size);
        return end_body(exchange);
    case PHASE_ANSWERED:
        return queue_answer(exchange);
    case PHASE_WAITING:
    case PHASE_QUEUED:
        break;
    }
    return MHD_YES;
}

static const char *logged_path(const Request *request)
{
    const Route *route = request->route;
    return route != NULL && route->mode == ROUTE_BLOCKING_PERSONAL ? route->pattern : request->path;
}

static void log_request(const Exchange *exchange, double seconds)
{
    LogLevel level = exchange->status >= 500 ? LOG_ERROR : exchange->status >= 400 ? LOG_INFO : LOG_DEBUG;
    if (!log_enabled(level))
        return;
    const Request *request = &exchange->request;
    bool failed = exchange->err.code != ERROR_NONE;
    log_set_request_id(request->request_id);
    log_write(level, "http.request",
              (const LogField[]){log_text("method", request->method),
                                 log_text("path", logged_path(request)),
                                 log_int("status", exchange->status),
                                 log_real("seconds", seconds),
                                 failed ? log_text("error", exchange->err.message) : (LogField){0},
                                 log_text("code", error_name(exchange->err.code)),
                                 {0}});
    log_set_request_id(NULL);
}

void http_exchange_on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                                enum MHD_RequestTerminationCode code)
{
    (void)connection;
    (void)code;
    HttpExchangeContext *context = cls;
    Exchange *exchange = *con_cls;
    if (exchange == NULL || !exchange->is_open)
        return;
    exchange->is_open = false;
    if (exchange->status != 0) {
        double seconds = clock_monotonic_s() - exchange->started_s;
        http_metrics_count(context->metrics, exchange->route_index, exchange->status, seconds);
        log_request(exchange, seconds);
    }
    response_reset(&exchange->response);
    if (exchange->body.length_bytes > 0)
        http_body_reset(&exchange->body, 0);
    if (exchange->request.arena != NULL)
        arena_reset(exchange->request.arena);
    atomic_fetch_sub_explicit(&context->in_flight, 1, memory_order_release);
}
