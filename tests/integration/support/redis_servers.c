#include "tests/integration/support/redis_servers.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "common/clock.h"
#include "tests/integration/support/test_servers.h"

enum { READY_MS = 20000, PAUSE_MS = 10, ARGUMENTS_MAX = 48 };

static void pause_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000}, NULL);
}

/* Outside the range that the system gives to outgoing connections. */
static int free_port(void)
{
    for (;;) {
        int port = 20000 + (int)((unsigned)(clock_monotonic_s() * 1e6) * 2654435761u % 12000);
        int listener = socket(AF_INET, SOCK_STREAM, 0);
        struct sockaddr_in at = {
            .sin_family = AF_INET,
            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
            .sin_port = htons((uint16_t)port),
        };
        int bound = bind(listener, (struct sockaddr *)&at, sizeof(at));
        close(listener);
        if (bound == 0)
            return port;
    }
}

static bool takes_connections(int port)
{
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        .sin_port = htons((uint16_t)port),
    };
    int connected = connect(connection, (struct sockaddr *)&at, sizeof(at));
    close(connection);
    return connected == 0;
}

static void run_server(const TestRedis *server, bool tls, const char *const *arguments)
{
    char program[300], port[16], bus_port[16], log[300];
    const char *argv[ARGUMENTS_MAX] = {program, "--bind", "127.0.0.1", "--dir", server->folder, "--save", ""};
    int argc = 7;
    snprintf(program, sizeof(program), "%s/redis-server", server->folder);
    snprintf(log, sizeof(log), "%s/log", server->folder);
    snprintf(port, sizeof(port), "%d", server->port);
    snprintf(bus_port, sizeof(bus_port), "%d", server->bus_port);
    const char *fixed[] = {tls ? "--tls-port" : "--port", port, tls ? "--port" : "--cluster-port",
                           tls ? "0" : bus_port};
    for (size_t i = 0; i < 4; i++)
        argv[argc++] = fixed[i];
    for (size_t i = 0; arguments[i] != NULL; i++)
        argv[argc++] = arguments[i];
    int out = open(log, O_CREAT | O_WRONLY | O_APPEND, 0600);
    dup2(out, 1);
    dup2(out, 2);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    union { /* execv's array is of char *, which it does not change */
        const char **read;
        char **given;
    } list = {.read = argv};
    execv(program, list.given);
    _exit(127);
}

void test_redis_start(TestRedis *server, bool tls, const char *const *arguments)
{
    char program[300];
    snprintf(server->folder, sizeof(server->folder), "%s/redis-own.XXXXXX", test_server("RUSHCAST_TEST_FOLDER"));
    cr_assert_not_null(mkdtemp(server->folder));
    snprintf(program, sizeof(program), "%s/redis-server", server->folder);
    cr_assert_eq(symlink("/usr/bin/redis-check-rdb", program), 0); /* which goes by the name it is called with */
    server->port = free_port();
    do
        server->bus_port = free_port();
    while (server->bus_port == server->port);
    snprintf(server->address, sizeof(server->address), "127.0.0.1:%d", server->port);
    server->pid = fork();
    cr_assert_geq(server->pid, 0);
    if (server->pid == 0)
        run_server(server, tls, arguments);
    int64_t until_ms = clock_monotonic_ms() + READY_MS;
    while (!takes_connections(server->port)) {
        cr_assert_eq(waitpid(server->pid, NULL, WNOHANG), 0, "a Redis server ended; its log is in %s", server->folder);
        cr_assert_lt(clock_monotonic_ms(), until_ms, "a Redis server takes no connections");
        pause_a_little();
    }
}

void test_redis_stop(TestRedis *server)
{
    char command[300];
    if (server->pid == 0)
        return;
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
    snprintf(command, sizeof(command), "rm -rf '%s'", server->folder);
    cr_assert_eq(system(command), 0);
}

redisReply *test_redis_command(const TestRedis *server, const char *format, ...)
{
    redisContext *handle = redisConnectWithTimeout("127.0.0.1", server->port, (struct timeval){.tv_sec = 5});
    cr_assert(handle != NULL && handle->err == 0, "connecting to %s", server->address);
    redisSetTimeout(handle, (struct timeval){.tv_sec = 10});
    va_list args;
    va_start(args, format);
    redisReply *reply = redisvCommand(handle, format, args);
    va_end(args);
    cr_assert_not_null(reply, "%s: %s", format, handle->errstr);
    cr_assert_neq(reply->type, REDIS_REPLY_ERROR, "%s: %s", format, reply->str);
    redisFree(handle);
    return reply;
}

long test_redis_errors(const TestRedis *server, const char *word)
{
    char wanted[64];
    snprintf(wanted, sizeof(wanted), "errorstat_%s:count=", word);
    redisReply *reply = test_redis_command(server, "INFO errorstats");
    const char *found = strstr(reply->str, wanted);
    long count = found == NULL ? 0 : atol(found + strlen(wanted));
    freeReplyObject(reply);
    return count;
}

static bool knows_all(const TestRedis *server)
{
    redisReply *info = test_redis_command(server, "CLUSTER INFO");
    redisReply *slots = test_redis_command(server, "CLUSTER SLOTS");
    bool known = strstr(info->str, "cluster_state:ok") != NULL && slots->elements == TEST_CLUSTER_NODES;
    freeReplyObject(info);
    freeReplyObject(slots);
    return known;
}

void test_cluster_start(TestRedis servers[TEST_CLUSTER_NODES])
{
    static const char *const arguments[] = {
        "--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-require-full-coverage", "no", NULL};
    static const int bounds[] = {0, 5461, 10923, 16384};
    for (int i = 0; i < TEST_CLUSTER_NODES; i++)
        test_redis_start(&servers[i], false, arguments);
    for (int i = 0; i < TEST_CLUSTER_NODES; i++) {
        freeReplyObject(test_redis_command(&servers[i], "CLUSTER SET-CONFIG-EPOCH %d", i + 1));
        freeReplyObject(test_redis_command(&servers[i], "CLUSTER ADDSLOTSRANGE %d %d", bounds[i], bounds[i + 1] - 1));
    }
    for (int i = 1; i < TEST_CLUSTER_NODES; i++)
        freeReplyObject(
            test_redis_command(&servers[i], "CLUSTER MEET 127.0.0.1 %d %d", servers[0].port, servers[0].bus_port));
    int64_t until_ms = clock_monotonic_ms() + READY_MS;
    for (int i = 0; i < TEST_CLUSTER_NODES;) {
        cr_assert_lt(clock_monotonic_ms(), until_ms, "no cluster came to be");
        if (knows_all(&servers[i]))
            i++;
        else
            pause_a_little();
    }
}

void test_cluster_stop(TestRedis servers[TEST_CLUSTER_NODES])
{
    for (int i = 0; i < TEST_CLUSTER_NODES; i++)
        test_redis_stop(&servers[i]);
}
