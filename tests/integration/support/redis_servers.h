/* Redis servers that a test starts for itself, with arguments of its own. Failures fail the test. */
#pragma once

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct TestRedis {
    pid_t pid;
    int port, bus_port;
    char address[64]; /* 127.0.0.1:<port> */
    char folder[256];
} TestRedis;

/* Starts a server with `arguments` (ended by NULL) and waits until it takes connections. With tls, `port` is the TLS
 * one. It ends with the test's process. */
void test_redis_start(TestRedis *server, bool tls, const char *const *arguments);
/* Kills it and removes its files; accepts a stopped or zeroed one. */
void test_redis_stop(TestRedis *server);
/* One command on a connection of its own, past the client under test; the caller frees the reply. */
redisReply *test_redis_command(const TestRedis *server, const char *format, ...);

enum { TEST_CLUSTER_NODES = 3 };
/* Masters 0, 1, 2 with slots 0-5460, 5461-10922, 10923-16383; usable in part when one is lost. */
void test_cluster_start(TestRedis servers[TEST_CLUSTER_NODES]);
void test_cluster_stop(TestRedis servers[TEST_CLUSTER_NODES]);
/* How often the server answered with such an error, "MOVED" or "ASK". */
long test_redis_errors(const TestRedis *server, const char *word);
