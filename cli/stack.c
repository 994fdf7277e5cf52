#include "cli/stack.h"

#include <assert.h>
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/progress.h"
#include "common/clock.h"
#include "common/http_client.h"
#include "common/kafka_consumer.h"

/* What an earlier run left behind when it was killed takes a moment to end. */
enum { PORTS_DEADLINE_S = 5 };
enum { READY_DEADLINE_S = 60, POLL_MS = 200, STOP_SERVER_MS = 15000, STOP_SERVICE_MS = 10000, PARTITIONS = 8 };

static const struct {
    const char *variable, *fallback;
} ports[] = {
    {"RUSHCAST_POSTGRES_PORT", "15432"}, {"RUSHCAST_REDIS_PORT", "16379"},
    {"RUSHCAST_KAFKA_PORT", "19092"},    {"RUSHCAST_KAFKA_CONTROLLER_PORT", "19093"},
    {"RUSHCAST_MONGO_PORT", "17017"},    {"RUSHCAST_FORECAST_API_PORT", "8080"},
    {"RUSHCAST_INGEST_PORT", "8081"},    {"RUSHCAST_FEATURE_STORE_PORT", "8082"},
    {"RUSHCAST_TRAINER_PORT", "8083"},
};

/* "{NAME}" stands for the port of RUSHCAST_NAME_PORT. */
static const struct {
    const char *variable, *pattern;
} addresses[] = {
    {"RUSHCAST_POSTGRES", "host=127.0.0.1 port={POSTGRES} dbname=rushcast user=rushcast"},
    {"RUSHCAST_SOURCE_SQL", "host=127.0.0.1 port={POSTGRES} dbname=company user=rushcast"},
    {"RUSHCAST_SOURCE_MONGO", "mongodb://127.0.0.1:{MONGO}"},
    {"RUSHCAST_REDIS", "127.0.0.1:{REDIS}"},
    {"RUSHCAST_KAFKA_BROKERS", "127.0.0.1:{KAFKA}"},
    {"RUSHCAST_FORECAST_API_URL", "http://127.0.0.1:{FORECAST_API}"},
    {"RUSHCAST_INGEST_URL", "http://127.0.0.1:{INGEST}"},
    {"RUSHCAST_FEATURE_STORE_URL", "http://127.0.0.1:{FEATURE_STORE}"},
    {"RUSHCAST_TRAINER_URL", "http://127.0.0.1:{TRAINER}"},
};

static const struct {
    const char *name, *script, *port_variable;
    int stop_signal;
} servers[] = {
    /* Interrupt is Postgres' fast shutdown: terminate would wait for clients. */
    {"postgres", "deploy/local-stack/postgres.sh", "RUSHCAST_POSTGRES_PORT", SIGINT},
    {"redis", "deploy/local-stack/redis.sh", "RUSHCAST_REDIS_PORT", SIGTERM},
    {"kafka", "deploy/local-stack/kafka.sh", "RUSHCAST_KAFKA_PORT", SIGTERM},
    {"mongo", "deploy/local-stack/mongo.sh", "RUSHCAST_MONGO_PORT", SIGTERM},
};

static const struct {
    const char *name, *url_variable;
} services[] = {
    {"ingest", "RUSHCAST_INGEST_URL"},
    {"feature-store", "RUSHCAST_FEATURE_STORE_URL"},
    {"forecast-api", "RUSHCAST_FORECAST_API_URL"},
    {"trainer", "RUSHCAST_TRAINER_URL"},
};

enum {
    PORTS = sizeof ports / sizeof *ports,
    ADDRESSES = sizeof addresses / sizeof *addresses,
    SERVERS = sizeof servers / sizeof *servers,
    SERVICES = sizeof services / sizeof *services
};

static void fill_pattern(const char *pattern, char *out, size_t size)
{
    const char *open = strchr(pattern, '{'), *close = strchr(pattern, '}');
    char variable[64];
    snprintf(variable, sizeof variable, "RUSHCAST_%.*s_PORT", (int)(close - open - 1), open + 1);
    snprintf(out, size, "%.*s%s%s", (int)(open - pattern), pattern, getenv(variable), close + 1);
}

void stack_set_environment(void)
{
    for (size_t i = 0; i < PORTS; i++)
        setenv(ports[i].variable, cli_env(ports[i].variable, ports[i].fallback), 1);
    for (size_t i = 0; i < ADDRESSES; i++) {
        char text[256];
        fill_pattern(addresses[i].pattern, text, sizeof text);
        setenv(addresses[i].variable, cli_env(addresses[i].variable, text), 1);
    }
    setenv("RUSHCAST_STOP_WITH_PARENT", "1", 1);
}

bool stack_uses_default_ports(void)
{
    for (size_t i = 0; i < PORTS; i++)
        if (strcmp(cli_env(ports[i].variable, ports[i].fallback), ports[i].fallback) != 0)
            return false;
    return true;
}

bool stack_topic_end(int64_t *ret_end, Error *err)
{
    return kafka_topic_end(getenv("RUSHCAST_KAFKA_BROKERS"), cli_env("RUSHCAST_KAFKA_TOPIC", "orders.raw"), PARTITIONS,
                           READY_DEADLINE_S * 1000, ret_end, err);
}

static bool port_is_free(int port)
{
    int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool is_free = bind(handle, (const struct sockaddr *)&address, sizeof address) == 0;
    close(handle);
    return is_free;
}

bool stack_check_ports(Error *err)
{
    double deadline_s = clock_monotonic_s() + PORTS_DEADLINE_S;
    for (size_t i = 0; i < PORTS; i++) {
        const char *text = getenv(ports[i].variable);
        assert(text != NULL); /* each has a default in the environment by now */
        int port = atoi(text);
        if (port < 1 || port > 65535)
            return error_set(err, ERROR_INVALID_ARGUMENT, "%s is \"%s\": a port from 1 to 65535 is needed",
                             ports[i].variable, text);
        while (!port_is_free(port)) {
            if (clock_monotonic_s() > deadline_s)
                return error_set(err, ERROR_UNAVAILABLE, "port %d is in use; %s=PORT chooses another", port,
                                 ports[i].variable);
            nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
        }
    }
    return true;
}

static bool rest(bool (*tick)(void), Supervisor *supervisor)
{
    supervisor_tick(supervisor);
    nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    return tick();
}

/* Waits until probe(i) holds for all of the `count`. */
static bool wait_for_all(Supervisor *supervisor, size_t count, bool (*probe)(size_t index),
                         const char *(*name)(size_t index), bool (*tick)(void), Error *err)
{
    double deadline_s = clock_monotonic_s() + READY_DEADLINE_S;
    for (size_t i = 0; i < count; i++) {
        while (!probe(i)) {
            if (!rest(tick, supervisor))
                return error_set(err, ERROR_UNAVAILABLE, "interrupted");
            if (supervisor_fails(supervisor, name(i), err))
                return false;
            if (clock_monotonic_s() > deadline_s)
                return error_set(err, ERROR_UNAVAILABLE, "%s does not answer after %d s; see %s/%s.log", name(i),
                                 READY_DEADLINE_S, supervisor->log_dir, name(i));
        }
    }
    return true;
}

static char server_dirs[SERVERS][512];

static bool server_answers(size_t index)
{
    return supervisor_probe((const char *const[]){servers[index].script, "ready", server_dirs[index],
                                                  getenv(servers[index].port_variable), NULL});
}

static const char *server_name(size_t index)
{
    return servers[index].name;
}

bool stack_start_servers(Supervisor *supervisor, const char *data_dir, bool (*tick)(void), Error *err)
{
    Progress progress;
    progress_begin(&progress, "servers");
    for (size_t i = 0; i < SERVERS; i++) {
        snprintf(server_dirs[i], sizeof server_dirs[i], "%s/%s", data_dir, servers[i].name);
        const char *port = getenv(servers[i].port_variable);
        progress_text(&progress, "preparing %s", servers[i].name);
        if (!supervisor_run(supervisor, (const char *const[]){servers[i].script, "prepare", server_dirs[i], port, NULL},
                            servers[i].name, tick, err))
            return false;
        Process process = {.name = servers[i].name,
                           .argv = {servers[i].script, "run", server_dirs[i], port},
                           .stop_signal = servers[i].stop_signal,
                           .stop_deadline_ms = STOP_SERVER_MS};
        if (!supervisor_start(supervisor, &process, err))
            return false;
    }
    if (!wait_for_all(supervisor, SERVERS, server_answers, server_name, tick, err) ||
        !kafka_topic_ensure(getenv("RUSHCAST_KAFKA_BROKERS"), cli_env("RUSHCAST_KAFKA_TOPIC", "orders.raw"), PARTITIONS,
                            1, READY_DEADLINE_S * 1000, err))
        return false;
    progress_end(&progress, "Postgres, Redis, Kafka and a Mongo-wire server answer");
    return true;
}

static bool service_answers(size_t index)
{
    char url[256];
    snprintf(url, sizeof url, "%s/healthz", getenv(services[index].url_variable));
    HttpCall call = {.url = url, .deadline_ms = 1000, .attempts = 1};
    return http_call(&call, NULL, NULL);
}

static const char *service_name(size_t index)
{
    return services[index].name;
}

bool stack_start_services(Supervisor *supervisor, const char *program_dir, bool (*tick)(void), Error *err)
{
    static char programs[SERVICES][512];
    Progress progress;
    progress_begin(&progress, "services");
    for (size_t i = 0; i < SERVICES; i++) {
        snprintf(programs[i], sizeof programs[i], "%s/rushcast-%s", program_dir, services[i].name);
        Process process = {.name = services[i].name, .argv = {programs[i]}, .stop_deadline_ms = STOP_SERVICE_MS};
        if (!supervisor_start(supervisor, &process, err))
            return false;
    }
    if (!wait_for_all(supervisor, SERVICES, service_answers, service_name, tick, err))
        return false;
    progress_end(&progress, "ingest, feature-store, forecast-api and trainer answer");
    return true;
}
