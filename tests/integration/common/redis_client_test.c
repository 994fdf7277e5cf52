#include "common/redis_client.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/clock.h"
#include "tests/integration/support/redis_servers.h"
#include "tests/integration/support/test_servers.h"

static RedisClient *client;
static char key[64];
static Error err;

#define OK(call) cr_assert((call), "%s", err.message)

static RedisClient *open_client(const char *address, const char *user, const char *password, unsigned connections,
                                int timeout_ms)
{
    RedisClient *opened = NULL;
    RedisOptions options = {
        .address = address,
        .user = user,
        .password = password,
        .connections = connections,
        .timeout_ms = timeout_ms,
    };
    OK(redis_client_new(&options, &opened, &err));
    return opened;
}

static void set_up(void)
{
    client = open_client(test_server("RUSHCAST_TEST_REDIS"), NULL, NULL, 2, 2000);
    snprintf(key, sizeof key, "test:%d", (int)getpid());
}

static void tear_down(void)
{
    OK(redis_run(client, NULL, &err, "DEL %s", key));
    redis_client_free(client);
}

TestSuite(redis_client, .init = set_up, .fini = tear_down);

Test(redis_client, commands_and_replies)
{
    REDIS_REPLY_SCOPED redisReply *reply = NULL, *missing = NULL;
    OK(redis_run(client, NULL, &err, "SET %s %b", key, "a\0b", (size_t)3));
    OK(redis_run(client, &reply, &err, "GET %s", key));
    cr_assert(reply->type == REDIS_REPLY_STRING && reply->len == 3 && memcmp(reply->str, "a\0b", 3) == 0);
    OK(redis_run(client, &missing, &err, "GET %s:missing", key));
    cr_assert_eq(missing->type, REDIS_REPLY_NIL);
    cr_assert_not(redis_run(client, NULL, &err, "LPUSH %s x", key));
    cr_assert_eq(err.code, ERROR_INTERNAL, "%s", err.message);
    OK(redis_run_batch(client, NULL, 0, &err));
}

Test(redis_client, a_batch_with_an_error_in_its_midst)
{
    enum { COUNT = 20000 };
    static RedisCommand commands[COUNT];
    const char *increase[] = {"INCR", key}, *wrong[] = {"LPUSH", key, "x"};
    for (int i = 0; i < COUNT; i++)
        commands[i] = i == COUNT / 2 ? (RedisCommand){.argv = wrong, .argc = 3, .key = 1}
                                     : (RedisCommand){.argv = increase, .argc = 2, .key = 1};
    OK(redis_run_batch(client, commands, COUNT, &err));
    for (int i = 0; i < COUNT; i++) {
        if (i == COUNT / 2) {
            cr_assert_not(redis_reply_check(commands[i].reply, &err));
            cr_assert_eq(err.code, ERROR_INTERNAL);
            cr_assert_not_null(strstr(err.message, "WRONGTYPE"));
        } else {
            cr_assert_eq(commands[i].reply->integer, i < COUNT / 2 ? i + 1 : i);
        }
    }
    redis_commands_free(commands, COUNT);
}

Test(redis_client, many_gets_are_few_mgets_and_keep_their_order)
{
    enum { COUNT = 2503 };
    static RedisCommand commands[COUNT];
    static char keys[COUNT][80];
    static const char *arguments[COUNT][3];
    TestRedis own = {0};
    test_redis_start(&own, false, (const char *const[]){NULL});
    RedisClient *alone = open_client(own.address, NULL, NULL, 1, 5000);
    for (int i = 0; i < COUNT; i++) {
        snprintf(keys[i], sizeof keys[i], "k%d", i);
        arguments[i][0] = "SET", arguments[i][1] = arguments[i][2] = keys[i];
        commands[i] = (RedisCommand){.argv = arguments[i], .argc = 3, .key = 1};
    }
    OK(redis_run_batch(alone, commands, COUNT, &err));
    redis_commands_free(commands, COUNT);
    for (int i = 0; i < COUNT; i++) { /* one in 500 is no GET */
        arguments[i][0] = i % 500 == 7 ? "STRLEN" : "GET";
        commands[i].argc = 2;
    }
    OK(redis_run_batch(alone, commands, COUNT, &err));
    for (int i = 0; i < COUNT; i++) {
        if (i % 500 == 7)
            cr_assert_eq(commands[i].reply->integer, (long long)strlen(keys[i]));
        else
            cr_assert_str_eq(commands[i].reply->str, keys[i]);
    }
    redis_commands_free(commands, COUNT);
    redisReply *calls = test_redis_command(&own, "INFO commandstats");
    cr_assert_not_null(strstr(calls->str, "cmdstat_mget:calls=7,"), "%s", calls->str);
    cr_assert_null(strstr(calls->str, "cmdstat_get:"));
    freeReplyObject(calls);
    redis_client_free(alone);
    test_redis_stop(&own);
}

/* What a thread returns when it failed. */
static char work_failed;

static void *work(void *unused)
{
    (void)unused;
    for (int i = 0; i < 200; i++) {
        Error failure;
        if (!redis_run(client, NULL, &failure, "INCR %s", key))
            return &work_failed;
    }
    return NULL;
}

Test(redis_client, threads_share_few_connections)
{
    pthread_t threads[8];
    REDIS_REPLY_SCOPED redisReply *reply = NULL;
    for (int i = 0; i < 8; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, work, NULL), 0);
    for (int i = 0; i < 8; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        cr_assert_null(failed);
    }
    OK(redis_run(client, &reply, &err, "GET %s", key));
    cr_assert_str_eq(reply->str, "1600");
}

Test(redis_client, a_lost_connection_is_made_again)
{
    RedisClient *killer = open_client(test_server("RUSHCAST_TEST_REDIS"), NULL, NULL, 1, 1000);
    REDIS_REPLY_SCOPED redisReply *id = NULL, *again = NULL;
    OK(redis_run(client, &id, &err, "CLIENT ID"));
    OK(redis_run(killer, NULL, &err, "CLIENT KILL ID %lld", id->integer));
    OK(redis_run(client, &again, &err, "CLIENT ID"));
    cr_assert_neq(id->integer, again->integer);
    redis_client_free(killer);
}

static void *sleep_long(void *given)
{
    Error failure;
    (void)!redis_run(given, NULL, &failure, "BLPOP nothing 1");
    return NULL;
}

Test(redis_client, a_full_pool_is_overloaded)
{
    RedisClient *narrow = open_client(test_server("RUSHCAST_TEST_REDIS"), NULL, NULL, 1, 300);
    pthread_t thread;
    OK(redis_run(narrow, NULL, &err, "PING"));
    cr_assert_eq(pthread_create(&thread, NULL, sleep_long, narrow), 0);
    usleep(100000);
    int64_t began_ms = clock_monotonic_ms();
    bool ok = redis_run(narrow, NULL, &err, "PING"); /* 200 ms later the other's time is over too */
    cr_assert_lt(clock_monotonic_ms() - began_ms, 600);
    cr_assert(ok || err.code == ERROR_OVERLOADED || err.code == ERROR_DEADLINE, "%s", err.message);
    pthread_join(thread, NULL);
    OK(redis_run(narrow, NULL, &err, "PING"));
    redis_client_free(narrow);
}

Test(redis_client, passwords_and_users)
{
    TestRedis own = {0};
    test_redis_start(&own, false,
                     (const char *const[]){"--requirepass", "secret", "--user", "rushcast", "on", ">hers",
                                           "~rushcast:*", "+get", "+set", "+mget", "+evalsha", "+eval", NULL});
    static const struct {
        const char *user, *password;
        bool ok;
        const char *word;
    } cases[] = {
        {NULL, "secret", true, ""},
        {"default", "secret", true, ""},
        {"rushcast", "hers", true, ""},
        {NULL, NULL, false, "NOAUTH"},
        {NULL, "guess", false, "WRONGPASS"},
        {"rushcast", "secret", false, "WRONGPASS"},
        {"nobody", "hers", false, "WRONGPASS"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        RedisClient *user = open_client(own.address, cases[i].user, cases[i].password, 1, 2000);
        bool ok = redis_run(user, NULL, &err, "SET rushcast:a 1");
        cr_assert_eq(ok, cases[i].ok, "%zu: %s", i, err.message);
        cr_assert(ok || (err.code == ERROR_UPSTREAM && strstr(err.message, cases[i].word) != NULL), "%zu: %s", i,
                  err.message);
        redis_client_free(user);
    }
    RedisClient *hers = open_client(own.address, "rushcast", "hers", 1, 2000);
    cr_assert_not(redis_run(hers, NULL, &err, "SET another 1"));
    cr_assert_eq(err.code, ERROR_UPSTREAM, "%s", err.message);
    redis_client_free(hers);
    test_redis_stop(&own);
}

Test(redis_client, a_unix_socket)
{
    TestRedis own = {0};
    char path[100];
    snprintf(path, sizeof path, "/tmp/redis-test-%d.sock", (int)getpid());
    test_redis_start(&own, false, (const char *const[]){"--unixsocket", path, NULL});
    RedisClient *local = open_client(path, NULL, NULL, 1, 2000);
    OK(redis_run(local, NULL, &err, "PING"));
    redis_client_free(local);
    test_redis_stop(&own);
    unlink(path);
}

Test(redis_client, addresses_that_are_none)
{
    static const char *const wrong[] = {"localhost", "localhost:x", "localhost:99999", "", "a:1,", ",a:1", "a:1 b:1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        RedisClient *none = NULL;
        RedisOptions options = {.address = wrong[i], .connections = 1, .timeout_ms = 500};
        cr_assert_not(redis_client_new(&options, &none, &err), "%s", wrong[i]);
        cr_assert_eq(err.code, ERROR_INVALID_ARGUMENT, "%s", err.message);
    }
    RedisClient *two = NULL;
    char both[200];
    snprintf(both, sizeof both, "%s,%s", test_server("RUSHCAST_TEST_REDIS"), test_server("RUSHCAST_TEST_REDIS"));
    two = open_client(both, NULL, NULL, 1, 500);
    cr_assert_not(redis_run(two, NULL, &err, "PING"));
    cr_assert_not_null(strstr(err.message, "no cluster"), "%s", err.message);
    redis_client_free(two);
}

Test(redis_client, no_server_and_a_silent_one)
{
    static const char *const nowhere[] = {"127.0.0.1:1", "/nonexistent.sock", "127.0.0.1:1,127.0.0.1:2"};
    for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++) {
        RedisClient *unreachable = open_client(nowhere[i], NULL, NULL, 1, 500);
        cr_assert_not(redis_run(unreachable, NULL, &err, "PING"));
        cr_assert_eq(err.code, ERROR_UNAVAILABLE, "%s", err.message);
        redis_client_free(unreachable);
    }
    int listener = socket(AF_INET, SOCK_STREAM, 0); /* takes connections and says nothing */
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    cr_assert_eq(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    cr_assert_eq(listen(listener, 4), 0);
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&at, &length), 0);
    char address[64];
    snprintf(address, sizeof address, "127.0.0.1:%d", ntohs(at.sin_port));
    RedisClient *silent = open_client(address, NULL, NULL, 1, 300);
    int64_t began_ms = clock_monotonic_ms();
    cr_assert_not(redis_run(silent, NULL, &err, "PING"));
    cr_assert_eq(err.code, ERROR_DEADLINE, "%s", err.message);
    cr_assert_lt(clock_monotonic_ms() - began_ms, 1000);
    redis_client_free(silent);
    close(listener);
}
