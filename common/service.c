#include "common/service.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>

#include "common/clock.h"
#include "common/http_listener.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/version.h"

enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    CONNECTION_LIMIT = 2048,
    DESCRIPTORS_BESIDE_CONNECTIONS = 512,
    BLOCKING_QUEUE_LIMIT = 256,
    IDLE_TIMEOUT_S = 60,
    STOP_DEADLINE_MS = 10000,
    READINESS_MAX_BYTES = 256 << 10,
    METRICS_MAX_BYTES = 8 << 20,
};

static Metric build_info = {
    .kind = METRIC_GAUGE,
    .name = "rushcast_build_info",
    .help = "Always 1; says what runs.",
    .labels = {"service", "version"},
};

/* One service runs in a process; its own handlers and the built-in ones ask for it from any thread. */
static Workers *_Atomic running_workers;
static atomic_bool stop_asked;

Workers *service_workers(void)
{
    return atomic_load(&running_workers);
}

/* ---- built-in routes --------------------------------------------------------------------------------------------- */

static bool handle_health(Request *request, Response *response, Error *err)
{
    (void)request;
    (void)err;
    response_text(response, "application/json", "{\"status\":\"ok\"}");
    return true;
}

typedef struct Readiness {
    Buffer waiting_for; /* JSON objects with commas between */
    bool ready;
} Readiness;

static void add_problem(Readiness *readiness, const char *name, const char *problem)
{
    Buffer *list = &readiness->waiting_for;
    buffer_append_text(list, list->length_bytes == 0 ? "{\"name\":" : ",{\"name\":");
    buffer_append_json_string(list, name);
    buffer_append_text(list, ",\"problem\":");
    buffer_append_json_string(list, problem);
    buffer_append_char(list, '}');
}

static void visit_worker(void *context, const char *name, bool needed, const char *problem)
{
    Readiness *readiness = context;
    if (problem == NULL)
        return;
    add_problem(readiness, name, problem);
    readiness->ready = readiness->ready && !needed;
}

static void find_problems(Readiness *readiness)
{
    if (atomic_load(&stop_asked))
        add_problem(readiness, "service", "is stopping");
    else if (service_workers() == NULL)
        add_problem(readiness, "service", "is starting");
    readiness->ready = readiness->waiting_for.length_bytes == 0;
    workers_visit(service_workers(), visit_worker, readiness);
}

static bool handle_ready(Request *request, Response *response, Error *err)
{
    (void)request;
    Readiness readiness;
    buffer_init(&readiness.waiting_for, READINESS_MAX_BYTES);
    buffer_append_text(&readiness.waiting_for, "");
    find_problems(&readiness);
    Buffer body;
    buffer_init(&body, READINESS_MAX_BYTES + 64);
    buffer_printf(&body, "{\"ready\":%s,\"waiting_for\":[%s]}", readiness.ready ? "true" : "false",
                  readiness.waiting_for.data);
    bool ok = buffer_ok(&readiness.waiting_for, err);
    response_status(response, readiness.ready ? 200 : 503);
    response_buffer(response, "application/json", &body);
    buffer_fini(&readiness.waiting_for);
    return ok;
}

static bool handle_metrics(Request *request, Response *response, Error *err)
{
    (void)request;
    BUFFER_SCOPED Buffer text;
    buffer_init(&text, METRICS_MAX_BYTES);
    metrics_write(&text);
    if (!buffer_ok(&text, err))
        return false;
    response_buffer(response, "text/plain; version=0.0.4; charset=utf-8", &text);
    return true;
}

static const Route service_routes[] = {
    {"GET", "/healthz", SCOPE_PUBLIC, ROUTE_FAST, 0, handle_health},
    {"GET", "/readyz", SCOPE_PUBLIC, ROUTE_FAST, 0, handle_ready},
    {"GET", "/metrics", SCOPE_PUBLIC, ROUTE_FAST, 0, handle_metrics},
    {0},
};

/* ---- life -------------------------------------------------------------------------------------------------------- */

static const CommonConfig *common_of(const ServiceDefinition *definition)
{
    return definition->config_target;
}

static int64_t port_of(const ServiceDefinition *definition)
{
    int64_t port;
    memcpy(&port, (const char *)definition->config_target + definition->port_offset, sizeof(port));
    return port;
}

static void print_help(const ServiceDefinition *definition, FILE *out)
{
    const ConfigEntry *const tables[] = {definition->config, common_config, NULL};
    fprintf(out, "%s\n\nUsage: rushcast-%s [--help | --version]\n\nConfiguration, by environment variables:\n\n",
            definition->summary, definition->name);
    config_print_help(tables, out);
}

/* Returns false when the process is to end with *ret_status. */
static bool read_arguments(int argc, char **argv, const ServiceDefinition *definition, int *ret_status)
{
    if (argc <= 1)
        return true;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        print_help(definition, stdout);
        *ret_status = EXIT_OK;
    } else if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("rushcast-%s %s\n", definition->name, RUSHCAST_VERSION);
        *ret_status = EXIT_OK;
    } else {
        fprintf(stderr, "rushcast-%s: unknown argument %s\n\n", definition->name, argv[1]);
        print_help(definition, stderr);
        *ret_status = EXIT_USAGE;
    }
    return false;
}

static bool configure(const ServiceDefinition *definition, Error *err)
{
    const ConfigEntry *const tables[] = {common_config, definition->config, NULL};
    if (!config_load(tables, definition->config_target, err))
        return false;
    const CommonConfig *config = common_of(definition);
    LogLevel level;
    if (!log_level_parse(config->log_level, &level, err))
        return error_prefix(err, "RUSHCAST_LOG_LEVEL");
    log_init(definition->name, level);
    if (!http_address_is_loopback(config->listen) && config->tokens_file[0] == '\0')
        return error_set(err, ERROR_INVALID_ARGUMENT,
                         "RUSHCAST_LISTEN is %s, which others can reach: RUSHCAST_TOKENS_FILE is needed",
                         config->listen);
    return clock_init(config->now, err);
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    const rlim_t wanted = CONNECTION_LIMIT + DESCRIPTORS_BESIDE_CONNECTIONS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        log_warn("service.descriptor_limit", log_text("error", strerror(errno)));
}

/* SIGINT and SIGTERM wait for sigwait() in every thread that is started from here on. */
static sigset_t block_signals(void)
{
    signal(SIGPIPE, SIG_IGN);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    return signals;
}

static bool start_server(const ServiceDefinition *definition, const Auth *auth, HttpServer **ret_server, Error *err)
{
    const CommonConfig *config = common_of(definition);
    static const Route *tables[3];
    tables[0] = definition->routes;
    tables[1] = service_routes;
    return http_server_start(
        &(HttpServerOptions){
            .listen = config->listen,
            .port = (uint16_t)port_of(definition),
            .port_variable = definition->port_variable,
            .event_loops = (unsigned)config->http_threads,
            .blocking_threads = (unsigned)config->blocking_threads,
            .blocking_queue_limit = BLOCKING_QUEUE_LIMIT,
            .connection_limit = CONNECTION_LIMIT,
            .idle_timeout_s = IDLE_TIMEOUT_S,
            .spool_dir = config->spool_dir,
            .tables = tables,
            .service = definition->state,
            .auth = auth,
        },
        ret_server, err);
}

static void wait_for_stop(const sigset_t *signals)
{
    int number = 0;
    while (sigwait(signals, &number) != 0) {
    }
    atomic_store(&stop_asked, true);
    log_info("service.stopping", log_text("reason", number == SIGINT ? "SIGINT" : "SIGTERM"));
}

static bool serve(const ServiceDefinition *definition, const Auth *auth, Error *err)
{
    static const WorkerDefinition no_workers[] = {{0}};
    sigset_t signals = block_signals();
    HttpServer *server = NULL;
    bool ok = (definition->start == NULL || definition->start(definition->state, err)) &&
              start_server(definition, auth, &server, err);
    if (ok) {
        Workers *workers =
            workers_start(definition->workers == NULL ? no_workers : definition->workers, definition->state);
        atomic_store(&running_workers, workers);
        log_info("service.started", log_text("address", common_of(definition)->listen),
                 log_int("port", http_server_port(server)), log_text("version", RUSHCAST_VERSION));
        wait_for_stop(&signals);
        http_server_stop(server, STOP_DEADLINE_MS);
        atomic_store(&running_workers, NULL);
        workers_stop(workers);
    }
    if (definition->stop != NULL)
        definition->stop(definition->state);
    return ok;
}

int service_main(int argc, char **argv, const ServiceDefinition *definition)
{
    int status;
    if (!read_arguments(argc, argv, definition, &status))
        return status;
    log_init(definition->name, LOG_INFO);
    Error err = {.code = ERROR_NONE};
    Auth *auth = NULL;
    bool ok = configure(definition, &err) && auth_load(common_of(definition)->tokens_file, &auth, &err);
    if (ok) {
        raise_descriptor_limit();
        metric_set(metric_with(&build_info, definition->name, RUSHCAST_VERSION), 1);
        ok = serve(definition, auth, &err);
    }
    auth_free(auth);
    if (!ok) {
        log_error("service.failed", log_failure(&err));
        return EXIT_FAILED;
    }
    log_info("service.stopped");
    return EXIT_OK;
}
