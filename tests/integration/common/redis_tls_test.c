#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/clock.h"
#include "common/redis_client.h"
#include "tests/integration/support/redis_servers.h"
#include "tests/integration/support/test_servers.h"

static char folder[200];
static TestRedis server;
static Error err;

static const char *file(const char *name)
{
    static char paths[8][300];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

/* An authority, a certificate of the server (127.0.0.1, redis.test) and one of a client, and another authority. */
static void make_certificates(void)
{
    char command[2500];
    snprintf(folder, sizeof(folder), "%s/tls.XXXXXX", test_server("RUSHCAST_TEST_FOLDER"));
    cr_assert_not_null(mkdtemp(folder));
    snprintf(
        command, sizeof(command),
        "cd %s && exec >log 2>&1 && set -e\n"
        "k='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'\n"
        "for ca in ca other; do openssl req -x509 $k -keyout $ca.key -out $ca.pem -subj /CN=$ca -days 2; done\n"
        "for who in server client; do\n"
        "  openssl req $k -keyout $who.key -out $who.csr -subj /CN=$who\n"
        "  printf 'subjectAltName=IP:127.0.0.1,DNS:redis.test\\n' >ext\n"
        "  openssl x509 -req -in $who.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out $who.pem -days 2 -extfile ext\n"
        "done\n",
        folder);
    cr_assert_eq(system(command), 0, "openssl failed; see %s/log", folder);
}

static void set_up(void)
{
    make_certificates();
}

static void tear_down(void)
{
    char command[300];
    test_redis_stop(&server);
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(redis_tls, .init = set_up, .fini = tear_down);

static void start_server(const char *client_certificates)
{
    test_redis_start(&server, true,
                     (const char *const[]){"--tls-cert-file", file("server.pem"), "--tls-key-file", file("server.key"),
                                           "--tls-ca-cert-file", file("ca.pem"), "--tls-auth-clients",
                                           client_certificates, NULL});
}

static bool ping(RedisOptions options)
{
    RedisClient *client = NULL;
    options.address = options.address == NULL ? server.address : options.address;
    options.connections = 1;
    options.timeout_ms = 2000;
    bool ok = redis_client_new(&options, &client, &err) && redis_run(client, NULL, &err, "SET a %s", "1") &&
              redis_run(client, NULL, &err, "GET a");
    redis_client_free(client);
    return ok;
}

#define REFUSED(error_code, word, ...)                                                                                 \
    do {                                                                                                               \
        cr_assert_not(ping((RedisOptions){__VA_ARGS__}), "%s", #__VA_ARGS__);                                          \
        cr_assert_eq(err.code, error_code, "%s: %s", #__VA_ARGS__, err.message);                                       \
        cr_assert_not_null(strstr(err.message, word), "%s: %s", #__VA_ARGS__, err.message);                            \
    } while (0)

Test(redis_tls, certificates_are_checked)
{
    start_server("no");
    cr_assert(ping((RedisOptions){.tls = true, .ca_file = file("ca.pem")}), "%s", err.message);
    cr_assert(ping((RedisOptions){.tls = true, .ca_file = file("ca.pem"), .server_name = "redis.test"}), "%s",
              err.message);
    REFUSED(ERROR_UNAVAILABLE, "hostname mismatch", .tls = true, .ca_file = file("ca.pem"), .server_name = "else.test");
    REFUSED(ERROR_UNAVAILABLE, "certificate", .tls = true, .ca_file = file("other.pem"));
    REFUSED(ERROR_UNAVAILABLE, "certificate", .tls = true);
    cr_assert_not(ping((RedisOptions){0}), "no TLS at the TLS port");
    cr_assert(error_is_transient(&err), "%s", err.message);
}

Test(redis_tls, client_certificates)
{
    start_server("yes");
    cr_assert_not(ping((RedisOptions){.tls = true, .ca_file = file("ca.pem")}));
    cr_assert(error_is_transient(&err), "%s", err.message);
    cr_assert(ping((RedisOptions){.tls = true,
                                  .ca_file = file("ca.pem"),
                                  .certificate_file = file("client.pem"),
                                  .key_file = file("client.key")}),
              "%s", err.message);
}

Test(redis_tls, many_replies_in_one_batch)
{
    enum { COUNT = 5000 };
    static RedisCommand commands[COUNT];
    const char *echo[] = {"ECHO", "a text of some length, so that it is many TLS records together"};
    RedisClient *client = NULL;
    start_server("no");
    RedisOptions options = {
        .address = server.address,
        .tls = true,
        .ca_file = file("ca.pem"),
        .connections = 1,
        .timeout_ms = 5000,
    };
    cr_assert(redis_client_new(&options, &client, &err), "%s", err.message);
    for (int i = 0; i < COUNT; i++)
        commands[i] = (RedisCommand){.argv = echo, .argc = 2};
    for (int round = 0; round < 3; round++) {
        cr_assert(redis_run_batch(client, commands, COUNT, &err), "%s", err.message);
        for (int i = 0; i < COUNT; i++)
            cr_assert_str_eq(commands[i].reply->str, echo[1]);
        redis_commands_free(commands, COUNT);
    }
    redisReply *stats = NULL;
    cr_assert(redis_run(client, &stats, &err, "INFO stats"), "%s", err.message);
    cr_assert_not_null(strstr(stats->str, "total_connections_received:1\r"), "one connection for all: %s", stats->str);
    freeReplyObject(stats);
    redis_client_free(client);
}

/* The nodes of a cluster tell their TLS ports to those who ask by TLS, and need the same password. */
Test(redis_tls, a_cluster_with_a_password)
{
    RedisClient *client = NULL;
    test_redis_start(&server, true,
                     (const char *const[]){"--tls-cert-file", file("server.pem"), "--tls-key-file", file("server.key"),
                                           "--tls-ca-cert-file", file("ca.pem"), "--tls-auth-clients", "no",
                                           "--cluster-enabled", "yes", "--tls-cluster", "yes", "--requirepass",
                                           "secret", NULL});
    RedisOptions options = {
        .address = server.address,
        .password = "secret",
        .tls = true,
        .ca_file = file("ca.pem"),
        .connections = 1,
        .timeout_ms = 3000,
    };
    cr_assert(redis_client_new(&options, &client, &err), "%s", err.message);
    cr_assert_not(redis_run(client, NULL, &err, "SET a 1"));
    cr_assert_not_null(strstr(err.message, "no node has any slot"), "%s", err.message);
    redis_client_free(client);
    char command[600];
    snprintf(
        command, sizeof(command),
        "timeout 10 redis-cli --no-auth-warning -a secret --tls --cacert %s -p %d cluster addslotsrange 0 16383 >%s",
        file("ca.pem"), server.port, file("log"));
    cr_assert_eq(system(command), 0);
    int64_t until_ms = clock_monotonic_ms() + 10000;
    cr_assert(redis_client_new(&options, &client, &err), "%s", err.message);
    while (!redis_run(client, NULL, &err, "SET a 1"))
        cr_assert_lt(clock_monotonic_ms(), until_ms, "%s", err.message);
    redisReply *reply = NULL;
    cr_assert(redis_run(client, &reply, &err, "GET a"), "%s", err.message);
    cr_assert_str_eq(reply->str, "1");
    freeReplyObject(reply);
    redis_client_free(client);
}

Test(redis_tls, a_server_without_tls)
{
    test_redis_start(&server, false, (const char *const[]){NULL});
    int64_t began_ms = clock_monotonic_ms();
    cr_assert_not(ping((RedisOptions){.tls = true, .ca_file = file("ca.pem")}));
    cr_assert(error_is_transient(&err), "%s", err.message);
    cr_assert_lt(clock_monotonic_ms() - began_ms, 3000);
}

Test(redis_tls, files_that_can_not_be_used)
{
    REFUSED(ERROR_INVALID_ARGUMENT, "nowhere.pem", .address = "h:1", .tls = true, .ca_file = file("nowhere.pem"));
    REFUSED(ERROR_INVALID_ARGUMENT, "or neither", .address = "h:1", .tls = true, .ca_file = file("ca.pem"),
            .certificate_file = file("client.pem"));
    REFUSED(ERROR_INVALID_ARGUMENT, "server.key", .address = "h:1", .tls = true, .ca_file = file("ca.pem"),
            .certificate_file = file("client.pem"), .key_file = file("server.key"));
    REFUSED(ERROR_INVALID_ARGUMENT, "unix socket", .address = "/a.sock", .tls = true, .ca_file = file("ca.pem"));
}
