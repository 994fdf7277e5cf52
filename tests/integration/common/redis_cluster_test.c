#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "common/clock.h"
#include "common/redis_client.h"
#include "common/redis_slots.h"
#include "tests/integration/support/redis_servers.h"

enum { TIMEOUT_MS = 2000, KEYS = 600 };

static TestRedis servers[TEST_CLUSTER_NODES];
static RedisClient *client;
static Error err;

#define OK(call) cr_assert((call), "%s", err.message)

static void set_up(void)
{
    char seeds[200];
    test_cluster_start(servers);
    snprintf(seeds, sizeof(seeds), "127.0.0.1:1, %s,%s", servers[0].address, servers[1].address);
    RedisOptions options = {.address = seeds, .connections = 4, .timeout_ms = TIMEOUT_MS};
    OK(redis_client_new(&options, &client, &err)); /* though the first seed is down */
}

static void tear_down(void)
{
    redis_client_free(client);
    test_cluster_stop(servers);
}

TestSuite(redis_cluster, .init = set_up, .fini = tear_down);

static int owner_of(const char *key)
{
    unsigned slot = redis_key_slot(key, strlen(key));
    return slot < 5461 ? 0 : slot < 10923 ? 1 : 2;
}

/* A key of the master's. */
static const char *key_of(int owner)
{
    static char keys[TEST_CLUSTER_NODES][32];
    for (int i = 0; i == 0 || owner_of(keys[owner]) != owner; i++)
        snprintf(keys[owner], sizeof(keys[0]), "mine%d", i);
    return keys[owner];
}

static void fill(RedisCommand *commands, const char *(*arguments)[3], char (*keys)[16])
{
    for (int i = 0; i < KEYS; i++) {
        snprintf(keys[i], sizeof(keys[0]), "key%d", i);
        arguments[i][0] = "SET", arguments[i][1] = arguments[i][2] = keys[i];
        commands[i] = (RedisCommand){.argv = arguments[i], .argc = 3, .key = 1};
    }
}

static long connections_of(const TestRedis *server)
{
    redisReply *reply = test_redis_command(server, "INFO clients");
    long count = atol(strstr(reply->str, "connected_clients:") + strlen("connected_clients:"));
    freeReplyObject(reply);
    return count;
}

Test(redis_cluster, batches_go_to_every_node_and_keep_their_order)
{
    static RedisCommand commands[KEYS];
    static const char *arguments[KEYS][3];
    static char keys[KEYS][16];
    fill(commands, arguments, keys);
    OK(redis_run_batch(client, commands, KEYS, &err));
    redis_commands_free(commands, KEYS);
    for (int i = 0; i < KEYS; i++) {
        arguments[i][0] = "GET";
        commands[i].argc = 2;
    }
    OK(redis_run_batch(client, commands, KEYS, &err));
    for (int i = 0; i < KEYS; i++)
        cr_assert_str_eq(commands[i].reply->str, keys[i]);
    redis_commands_free(commands, KEYS);
    for (int i = 0; i < TEST_CLUSTER_NODES; i++) {
        redisReply *size = test_redis_command(&servers[i], "DBSIZE");
        cr_assert_gt(size->integer, KEYS / 5);
        freeReplyObject(size);
        cr_assert_eq(test_redis_errors(&servers[i], "MOVED"), 0, "each command went to the right node at once");
        cr_assert_leq(connections_of(&servers[i]), 3);
    }
}

static void set_slot(unsigned slot, const char *state, const char *node, const TestRedis *server)
{
    freeReplyObject(test_redis_command(server, "CLUSTER SETSLOT %u %s %s", slot, state, node));
}

static void read_value(const char *key, const char *expected)
{
    REDIS_REPLY_SCOPED redisReply *reply = NULL;
    OK(redis_run(client, &reply, &err, "GET %s", key));
    cr_assert_eq(reply->type, REDIS_REPLY_STRING);
    cr_assert_str_eq(reply->str, expected);
}

Test(redis_cluster, a_slot_that_migrates)
{
    const char *old = "{moving}old", *new = "{moving}new";
    unsigned slot = redis_key_slot(old, strlen(old));
    const TestRedis *source = &servers[owner_of(old)], *target = &servers[(owner_of(old) + 1) % TEST_CLUSTER_NODES];
    redisReply *source_id = test_redis_command(source, "CLUSTER MYID");
    redisReply *target_id = test_redis_command(target, "CLUSTER MYID");
    OK(redis_run(client, NULL, &err, "SET %s 1", old));
    set_slot(slot, "IMPORTING", source_id->str, target);
    set_slot(slot, "MIGRATING", target_id->str, source);
    read_value(old, "1");
    cr_assert_eq(test_redis_errors(source, "ASK"), 0, "it is where it was");
    OK(redis_run(client, NULL, &err, "SET %s 2", new));
    cr_assert_eq(test_redis_errors(source, "ASK"), 1);
    freeReplyObject(test_redis_command(source, "MIGRATE 127.0.0.1 %d %s 0 5000", target->port, old));
    read_value(old, "1");
    read_value(new, "2");
    cr_assert_eq(test_redis_errors(source, "ASK"), 3, "ASK does not change the map");
    cr_assert_eq(test_redis_errors(source, "MOVED"), 0);
    for (int i = 0; i < TEST_CLUSTER_NODES; i++)
        set_slot(slot, "NODE", target_id->str, &servers[i]);
    RedisCommand both[] = {
        {.argv = (const char *[]){"GET", old}, .argc = 2, .key = 1},
        {.argv = (const char *[]){"GET", new}, .argc = 2, .key = 1},
    };
    for (int i = 0; i < 3; i++) {
        OK(redis_run_batch(client, both, 2, &err));
        cr_assert_str_eq(both[0].reply->str, "1");
        cr_assert_str_eq(both[1].reply->str, "2");
        redis_commands_free(both, 2);
    }
    cr_assert_eq(test_redis_errors(source, "MOVED"), 2, "one batch was sent on, the others knew");
    freeReplyObject(source_id);
    freeReplyObject(target_id);
}

static void fails_soon(const char *key)
{
    int64_t began_ms = clock_monotonic_ms();
    cr_assert_not(redis_run(client, NULL, &err, "GET %s", key));
    cr_assert(err.code == ERROR_UNAVAILABLE || err.code == ERROR_DEADLINE, "%s", err.message);
    cr_assert_lt(clock_monotonic_ms() - began_ms, TIMEOUT_MS + 500);
}

static bool is_marked_failed(const TestRedis *witness)
{
    redisReply *nodes = test_redis_command(witness, "CLUSTER NODES");
    bool failed = strstr(nodes->str, "master,fail ") != NULL;
    freeReplyObject(nodes);
    return failed;
}

Test(redis_cluster, a_master_that_is_killed)
{
    for (int i = 0; i < TEST_CLUSTER_NODES; i++)
        OK(redis_run(client, NULL, &err, "SET %s 1", key_of(i)));
    char address[64];
    snprintf(address, sizeof(address), "%s", servers[1].address);
    test_redis_stop(&servers[1]);
    fails_soon(key_of(1));
    cr_assert_eq(err.code, ERROR_UNAVAILABLE);
    cr_assert_not_null(strstr(err.message, address), "it says which: %s", err.message);
    read_value(key_of(0), "1");
    read_value(key_of(2), "1");
    RedisCommand mixed[] = {
        {.argv = (const char *[]){"GET", key_of(0)}, .argc = 2, .key = 1},
        {.argv = (const char *[]){"GET", key_of(1)}, .argc = 2, .key = 1},
    };
    cr_assert_not(redis_run_batch(client, mixed, 2, &err));
    cr_assert(err.code == ERROR_UNAVAILABLE && mixed[0].reply == NULL && mixed[1].reply == NULL, "%s", err.message);
    int64_t until_ms = clock_monotonic_ms() + 20000;
    do { /* until the others have found out too */
        cr_assert_lt(clock_monotonic_ms(), until_ms, "%s", err.message);
        fails_soon(key_of(1));
    } while (!is_marked_failed(&servers[0]));
    fails_soon(key_of(1));
    read_value(key_of(0), "1");
    read_value(key_of(2), "1");
}

Test(redis_cluster, a_master_that_is_silent)
{
    for (int i = 0; i < TEST_CLUSTER_NODES; i++)
        OK(redis_run(client, NULL, &err, "SET %s 1", key_of(i)));
    kill(servers[2].pid, SIGSTOP);
    fails_soon(key_of(2));
    read_value(key_of(0), "1");
    read_value(key_of(1), "1");
    kill(servers[2].pid, SIGCONT);
    int64_t until_ms = clock_monotonic_ms() + 20000;
    while (!redis_run(client, NULL, &err, "GET %s", key_of(2)))
        cr_assert_lt(clock_monotonic_ms(), until_ms, "%s", err.message);
}

Test(redis_cluster, a_replica_that_takes_over)
{
    TestRedis replica = {0};
    test_redis_start(&replica, false,
                     (const char *const[]){"--cluster-enabled", "yes", "--cluster-node-timeout", "1000",
                                           "--cluster-require-full-coverage", "no", NULL});
    redisReply *id = test_redis_command(&servers[0], "CLUSTER MYID");
    freeReplyObject(test_redis_command(&replica, "CLUSTER MEET 127.0.0.1 %d %d", servers[0].port, servers[0].bus_port));
    OK(redis_run(client, NULL, &err, "SET %s 1", key_of(0)));
    int64_t until_ms = clock_monotonic_ms() + 20000;
    for (bool known = false; !known;) {
        redisReply *nodes = test_redis_command(&replica, "CLUSTER NODES");
        known = strstr(nodes->str, id->str) != NULL;
        freeReplyObject(nodes);
        cr_assert_lt(clock_monotonic_ms(), until_ms);
    }
    freeReplyObject(test_redis_command(&replica, "CLUSTER REPLICATE %s", id->str));
    freeReplyObject(id);
    for (bool synced = false; !synced;) {
        redisReply *info = test_redis_command(&replica, "INFO replication");
        synced = strstr(info->str, "master_link_status:up") != NULL;
        freeReplyObject(info);
        cr_assert_lt(clock_monotonic_ms(), until_ms);
    }
    test_redis_stop(&servers[0]);
    until_ms = clock_monotonic_ms() + 30000;
    while (!redis_run(client, NULL, &err, "SET %s 2", key_of(0)))
        cr_assert_lt(clock_monotonic_ms(), until_ms, "%s", err.message);
    read_value(key_of(0), "2");
    test_redis_stop(&replica);
}
