#include "common/redis_pool.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/clock.h"
#include "tests/integration/support/test_servers.h"

static RedisPool *pool;
static RedisConnection *connection;
static char key[64];
static Error err;

#define OK(call) cr_assert((call), "%s", err.message)

static void set_up(void)
{
    pool = redis_pool_new(test_server("RUSHCAST_TEST_REDIS"), NULL, 2, 2000);
    OK(redis_acquire(pool, 2000, &connection, &err));
    snprintf(key, sizeof key, "test:%d", (int)getpid());
}

static void tear_down(void)
{
    if (connection != NULL)
        OK(redis_run(connection, NULL, &err, "DEL %s", key));
    redis_release(connection);
    redis_pool_free(pool);
}

TestSuite(redis_pool, .init = set_up, .fini = tear_down);

Test(redis_pool, commands_and_replies)
{
    REDIS_REPLY_SCOPED redisReply *reply = NULL, *missing = NULL;
    OK(redis_run(connection, NULL, &err, "SET %s %b", key, "a\0b", (size_t)3));
    OK(redis_run(connection, &reply, &err, "GET %s", key));
    cr_assert(reply->type == REDIS_REPLY_STRING && reply->len == 3 && memcmp(reply->str, "a\0b", 3) == 0);
    OK(redis_run(connection, &missing, &err, "GET %s:missing", key));
    cr_assert_eq(missing->type, REDIS_REPLY_NIL);
}

Test(redis_pool, pipeline_with_an_error_in_its_midst)
{
    enum { COUNT = 20000 };
    for (int i = 0; i < COUNT; i++) {
        const char *increase[] = {"INCR", key}, *wrong[] = {"LPUSH", key, "x"};
        if (i == COUNT / 2)
            OK(redis_append(connection, 3, wrong, NULL, &err));
        else
            OK(redis_append(connection, 2, increase, NULL, &err));
    }
    for (int i = 0; i < COUNT; i++) {
        REDIS_REPLY_SCOPED redisReply *reply = NULL;
        if (i == COUNT / 2) {
            cr_assert_not(redis_reply(connection, &reply, &err));
            cr_assert_eq(err.code, ERROR_INTERNAL);
            cr_assert_not_null(strstr(err.message, "WRONGTYPE"));
            continue;
        }
        OK(redis_reply(connection, &reply, &err));
        cr_assert_eq(reply->integer, i < COUNT / 2 ? i + 1 : i);
    }
}

Test(redis_pool, replies_left_unread_do_not_reach_the_next_user)
{
    const char *ping[] = {"PING"};
    OK(redis_append(connection, 1, ping, NULL, &err));
    redis_release(connection);
    OK(redis_acquire(pool, 1000, &connection, &err));
    REDIS_REPLY_SCOPED redisReply *reply = NULL;
    OK(redis_run(connection, &reply, &err, "ECHO %s", "mine"));
    cr_assert_str_eq(reply->str, "mine");
}

Test(redis_pool, a_full_pool_and_a_lost_connection)
{
    RedisConnection *second, *third;
    REDIS_REPLY_SCOPED redisReply *id = NULL;
    OK(redis_acquire(pool, 1000, &second, &err));
    cr_assert_not(redis_acquire(pool, 100, &third, &err));
    cr_assert_eq(err.code, ERROR_OVERLOADED);
    OK(redis_run(second, &id, &err, "CLIENT ID"));
    redis_release(second);
    OK(redis_run(connection, NULL, &err, "CLIENT KILL ID %lld", id->integer));
    OK(redis_acquire(pool, 1000, &second, &err)); /* made again unseen */
    OK(redis_run(second, NULL, &err, "PING"));
    REDIS_REPLY_SCOPED redisReply *again = NULL;
    OK(redis_run(second, &again, &err, "CLIENT ID"));
    OK(redis_run(connection, NULL, &err, "CLIENT KILL ID %lld", again->integer));
    cr_assert_not(redis_run(second, NULL, &err, "PING")); /* killed in use */
    cr_assert_eq(err.code, ERROR_UNAVAILABLE, "%s", err.message);
    redis_release(second);
    OK(redis_acquire(pool, 1000, &second, &err));
    OK(redis_run(second, NULL, &err, "PING"));
    redis_release(second);
}

Test(redis_pool, a_wrong_password)
{
    RedisPool *wrong = redis_pool_new(test_server("RUSHCAST_TEST_REDIS"), "guess", 1, 1000);
    RedisConnection *none;
    cr_assert_not(redis_acquire(wrong, 1000, &none, &err));
    cr_assert_not_null(strstr(err.message, "AUTH"), "%s", err.message);
    redis_pool_free(wrong);
}

Test(redis_pool, no_server_and_a_silent_one)
{
    static const char *const nowhere[] = {"127.0.0.1:1", "/nonexistent.sock"};
    static const char *const wrong[] = {"localhost", "localhost:x", "localhost:99999", ""};
    RedisConnection *none;
    for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++) {
        RedisPool *unreachable = redis_pool_new(nowhere[i], NULL, 1, 500);
        cr_assert_not(redis_acquire(unreachable, 500, &none, &err));
        cr_assert_eq(err.code, ERROR_UNAVAILABLE, "%s", err.message);
        redis_pool_free(unreachable);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        RedisPool *unusable = redis_pool_new(wrong[i], NULL, 1, 500);
        cr_assert_not(redis_acquire(unusable, 500, &none, &err));
        cr_assert_eq(err.code, ERROR_INVALID_ARGUMENT, "%s", err.message);
        redis_pool_free(unusable);
    }
    int listener = socket(AF_INET, SOCK_STREAM, 0); /* takes connections and says nothing */
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    cr_assert_eq(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    cr_assert_eq(listen(listener, 4), 0);
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&at, &length), 0);
    char address[64];
    snprintf(address, sizeof address, "127.0.0.1:%d", ntohs(at.sin_port));
    RedisPool *silent = redis_pool_new(address, NULL, 1, 300);
    RedisConnection *mute;
    OK(redis_acquire(silent, 300, &mute, &err));
    int64_t began_ms = clock_monotonic_ms();
    cr_assert_not(redis_run(mute, NULL, &err, "PING"));
    cr_assert_eq(err.code, ERROR_DEADLINE, "%s", err.message);
    cr_assert_lt(clock_monotonic_ms() - began_ms, 1500);
    redis_release(mute);
    redis_pool_free(silent);
    close(listener);
}
