#include "common/http_server.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/http_exchange.h"
#include "common/http_listener.h"
#include "common/log.h"

enum {
    EVENT_LOOPS_MAX = 64,
    /* Request line and headers, beyond: 431. MHD clears all of it after each request, which makes it a cost too. */
    CONNECTION_MEMORY_BYTES = 16 * 1024,
    STOP_POLL_MS = 5,
    STOP_FLUSH_MS = 1000, /* for the answers of requests that were waiting at the deadline */
    LOG_MESSAGE_MAX_BYTES = 512,
};

struct HttpServer {
    /* One for each event loop, with a listening socket of its own: loops that accept from the same socket leave most
     * connections to the one that is awake first. */
    struct MHD_Daemon *daemons[EVENT_LOOPS_MAX];
    size_t daemons_count;
    uint16_t port;
    HttpExchangeContext context;
};

static void __attribute__((format(printf, 2, 0))) on_mhd_message(void *cls, const char *format, va_list args)
{
    (void)cls;
    char message[LOG_MESSAGE_MAX_BYTES];
    vsnprintf(message, sizeof(message), format, args);
    message[strcspn(message, "\r\n")] = '\0';
    log_debug("http.library", log_text("message", message));
}

static void sleep_ms(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static void wait_idle(const HttpServer *server, int deadline_ms)
{
    int64_t end_ms = clock_monotonic_ms() + deadline_ms;
    while (atomic_load_explicit(&server->context.in_flight, memory_order_acquire) > 0 && clock_monotonic_ms() < end_ms)
        sleep_ms(STOP_POLL_MS);
}

static struct MHD_Daemon *start_daemon(HttpServer *server, const HttpServerOptions *options, int listen_fd)
{
    HttpExchangeContext *context = &server->context;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
    if (log_enabled(LOG_DEBUG))
        flags |= MHD_USE_ERROR_LOG;
    unsigned connection_limit = (options->connection_limit + options->event_loops - 1) / options->event_loops;
    return MHD_start_daemon(flags, server->port, NULL, NULL, http_exchange_on_access, context,
                            MHD_OPTION_EXTERNAL_LOGGER, on_mhd_message, NULL, MHD_OPTION_LISTEN_SOCKET, listen_fd,
                            MHD_OPTION_CONNECTION_LIMIT, connection_limit, MHD_OPTION_CONNECTION_TIMEOUT,
                            options->idle_timeout_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                            (size_t)CONNECTION_MEMORY_BYTES, MHD_OPTION_NOTIFY_COMPLETED, http_exchange_on_completed,
                            context, MHD_OPTION_NOTIFY_CONNECTION, http_exchange_on_connection, context,
                            MHD_OPTION_URI_LOG_CALLBACK, http_exchange_on_uri, context, MHD_OPTION_END);
}

/* A daemon that did not start leaves its socket, and those after it, to be closed. */
static bool start_daemons(HttpServer *server, const HttpServerOptions *options, const int *listen_fds, Error *err)
{
    size_t count = options->event_loops;
    while (server->daemons_count < count) {
        struct MHD_Daemon *daemon = start_daemon(server, options, listen_fds[server->daemons_count]);
        if (daemon == NULL)
            break;
        server->daemons[server->daemons_count++] = daemon;
    }
    if (server->daemons_count == count)
        return true;
    for (size_t i = server->daemons_count; i < count; i++)
        close(listen_fds[i]);
    return error_set(err, ERROR_INTERNAL, "libmicrohttpd did not start on %s port %u", options->listen,
                     (unsigned)server->port);
}

static void free_server(HttpServer *server)
{
    job_pool_free(server->context.pool);
    http_metrics_free(server->context.metrics);
    router_free(server->context.router);
    free(server);
}

bool http_server_start(const HttpServerOptions *options, HttpServer **ret_server, Error *err)
{
    assert(options->event_loops > 0 && options->event_loops <= EVENT_LOOPS_MAX);
    int listen_fds[EVENT_LOOPS_MAX];
    uint16_t port;
    if (!http_listen(options->listen, options->port, options->port_variable, options->event_loops, listen_fds, &port,
                     err))
        return false;
    HttpServer *server = calloc(1, sizeof(*server));
    if (server == NULL)
        abort();
    server->port = port;
    server->context.service = options->service;
    server->context.auth = options->auth;
    server->context.spool_dir = options->spool_dir;
    server->context.router = router_new(options->tables);
    server->context.metrics = http_metrics_new(server->context.router);
    /* Ids go on counting from the time of the start, so that they differ between runs and services. */
    server->context.next_id = (uint64_t)clock_wall() * 16 + (uint64_t)port % 16;
    server->context.pool = job_pool_new(options->blocking_threads, options->blocking_queue_limit, http_exchange_run);
    if (!start_daemons(server, options, listen_fds, err)) {
        http_server_stop(server, 0);
        return false;
    }
    *ret_server = server;
    return true;
}

uint16_t http_server_port(const HttpServer *server)
{
    return server->port;
}

void http_server_stop(HttpServer *server, int deadline_ms)
{
    if (server == NULL)
        return;
    atomic_store(&server->context.stopping, true);
    for (size_t i = 0; i < server->daemons_count; i++) {
        int listen_fd = MHD_quiesce_daemon(server->daemons[i]);
        if (listen_fd >= 0)
            close(listen_fd);
    }
    wait_idle(server, deadline_ms);
    job_pool_stop(server->context.pool, http_exchange_drop);
    wait_idle(server, STOP_FLUSH_MS);
    for (size_t i = 0; i < server->daemons_count; i++)
        MHD_stop_daemon(server->daemons[i]);
    free_server(server);
}
