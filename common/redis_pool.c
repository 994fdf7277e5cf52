#include "common/redis_pool.h"

#include <assert.h>
#include <errno.h>
#include <hiredis/sds.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/clock.h"
#include "common/free_list.h"

enum {
    PIPELINE_LIMIT_BYTES = 64 << 20, /* of commands queued and not yet sent */
    HOST_MAX_BYTES = 256,
};

struct RedisConnection {
    FreeItem item; /* in the list of free ones */
    RedisPool *pool;
    redisContext *handle; /* NULL: not connected */
    size_t replies_due;
    bool broken;
};

struct RedisPool {
    char *address, *password;
    unsigned size;
    int timeout_ms;
    FreeList free;
    RedisConnection *connections;
};

RedisPool *redis_pool_new(const char *address, const char *password, unsigned size, int timeout_ms)
{
    assert(size > 0 && timeout_ms > 0);
    RedisPool *pool = calloc(1, sizeof *pool);
    RedisConnection *connections = calloc(size, sizeof *connections);
    char *address_copy = strdup(address), *password_copy = strdup(password == NULL ? "" : password);
    if (pool == NULL || connections == NULL || address_copy == NULL || password_copy == NULL)
        abort();
    *pool = (RedisPool){.address = address_copy,
                        .password = password_copy,
                        .size = size,
                        .timeout_ms = timeout_ms,
                        .connections = connections};
    free_list_init(&pool->free);
    for (unsigned i = 0; i < size; i++) {
        connections[i].pool = pool;
        free_list_add(&pool->free, &connections[i].item);
    }
    return pool;
}

static void disconnect(RedisConnection *connection)
{
    if (connection->handle != NULL)
        redisFree(connection->handle);
    connection->handle = NULL;
    connection->replies_due = 0;
    connection->broken = false;
}

void redis_pool_free(RedisPool *pool)
{
    if (pool == NULL)
        return;
    for (unsigned i = 0; i < pool->size; i++)
        disconnect(&pool->connections[i]);
    free_list_fini(&pool->free);
    free(pool->connections);
    free(pool->password);
    free(pool->address);
    free(pool);
}

static bool fail_handle(RedisConnection *connection, Error *err)
{
    const redisContext *handle = connection->handle;
    connection->broken = true;
    if (handle->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ETIMEDOUT))
        return error_set(err, ERROR_DEADLINE, "Redis at %s did not answer within %d ms", connection->pool->address,
                         connection->pool->timeout_ms);
    return error_set(err, ERROR_UNAVAILABLE, "Redis at %s: %s", connection->pool->address, handle->errstr);
}

/* First word of an error reply -> how it is reported; anything else is a command of ours that is wrong. */
static const struct {
    const char *word;
    ErrorCode code;
    bool drop; /* another connection may lead to a server that can */
} replies[] = {
    {"LOADING", ERROR_UNAVAILABLE, false},    {"BUSY", ERROR_UNAVAILABLE, false},
    {"OOM", ERROR_UNAVAILABLE, false},        {"MISCONF", ERROR_UNAVAILABLE, false},
    {"TRYAGAIN", ERROR_UNAVAILABLE, false},   {"NOREPLICAS", ERROR_UNAVAILABLE, false},
    {"READONLY", ERROR_UNAVAILABLE, true},    {"MASTERDOWN", ERROR_UNAVAILABLE, true},
    {"CLUSTERDOWN", ERROR_UNAVAILABLE, true}, {"NOAUTH", ERROR_UPSTREAM, true},
    {"WRONGPASS", ERROR_UPSTREAM, true},      {"NOPERM", ERROR_UPSTREAM, false},
};

static bool fail_reply(RedisConnection *connection, const redisReply *reply, Error *err)
{
    ErrorCode code = ERROR_INTERNAL;
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        size_t length = strlen(replies[i].word);
        if (strncmp(reply->str, replies[i].word, length) == 0 && (reply->str[length] == ' ' || !reply->str[length])) {
            code = replies[i].code;
            connection->broken = connection->broken || replies[i].drop;
        }
    }
    return error_set(err, code, "Redis at %s: %s", connection->pool->address, reply->str);
}

static bool connect_to(RedisConnection *connection, int timeout_ms, Error *err)
{
    const char *address = connection->pool->address;
    struct timeval timeout = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    const char *colon = strrchr(address, ':');
    if (address[0] == '/') {
        connection->handle = redisConnectUnixWithTimeout(address, timeout);
    } else {
        char host[HOST_MAX_BYTES];
        int port = colon == NULL ? 0 : atoi(colon + 1);
        if (port <= 0 || port > 65535 || colon - address >= HOST_MAX_BYTES)
            return error_set(err, ERROR_INVALID_ARGUMENT,
                             "'%s' is no address of Redis: host:port or the path of a socket is needed", address);
        snprintf(host, sizeof host, "%.*s", (int)(colon - address), address);
        connection->handle = redisConnectWithTimeout(host, port, timeout);
    }
    if (connection->handle == NULL)
        abort();
    if (connection->handle->err != 0)
        return fail_handle(connection, err);
    timeout = (struct timeval){.tv_sec = connection->pool->timeout_ms / 1000,
                               .tv_usec = connection->pool->timeout_ms % 1000 * 1000};
    if (redisSetTimeout(connection->handle, timeout) != REDIS_OK ||
        (address[0] != '/' && redisEnableKeepAlive(connection->handle) != REDIS_OK))
        return fail_handle(connection, err);
    return connection->pool->password[0] == '\0' ||
           redis_run(connection, NULL, err, "AUTH %s", connection->pool->password);
}

/* An idle connection has nothing to read but its end. */
static bool is_alive(const RedisConnection *connection)
{
    if (connection->handle == NULL)
        return false;
    struct pollfd polled = {.fd = connection->handle->fd, .events = POLLIN};
    return poll(&polled, 1, 0) == 0;
}

bool redis_acquire(RedisPool *pool, int deadline_ms, RedisConnection **ret_connection, Error *err)
{
    int64_t until_ms = clock_monotonic_ms() + deadline_ms;
    RedisConnection *connection = (RedisConnection *)free_list_take(&pool->free, until_ms);
    if (connection == NULL)
        return error_set(err, ERROR_OVERLOADED, "all %u connections to Redis were in use for %d ms", pool->size,
                         deadline_ms);
    if (!is_alive(connection)) {
        int64_t left_ms = until_ms - clock_monotonic_ms();
        int timeout_ms = left_ms < 1 ? 1 : left_ms < pool->timeout_ms ? (int)left_ms : pool->timeout_ms;
        disconnect(connection);
        if (!connect_to(connection, timeout_ms, err)) {
            disconnect(connection);
            free_list_give_back(&pool->free, &connection->item);
            return false;
        }
    }
    *ret_connection = connection;
    return true;
}

void redis_release(RedisConnection *connection)
{
    if (connection == NULL)
        return;
    if (connection->broken || connection->replies_due > 0)
        disconnect(connection);
    free_list_give_back(&connection->pool->free, &connection->item);
}

void redis_release_cleanup(RedisConnection **connection)
{
    redis_release(*connection);
}

static bool queued(RedisConnection *connection, int result, Error *err)
{
    if (result != REDIS_OK)
        return fail_handle(connection, err);
    connection->replies_due++;
    if (sdslen(connection->handle->obuf) > PIPELINE_LIMIT_BYTES) {
        connection->broken = true;
        return error_set(err, ERROR_TOO_LARGE, "more than %d bytes of Redis commands at once", PIPELINE_LIMIT_BYTES);
    }
    return true;
}

bool redis_append(RedisConnection *connection, int argc, const char **argv, const size_t *lengths_bytes, Error *err)
{
    return queued(connection, redisAppendCommandArgv(connection->handle, argc, argv, lengths_bytes), err);
}

bool redis_reply(RedisConnection *connection, redisReply **ret_reply, Error *err)
{
    assert(connection->replies_due > 0);
    REDIS_REPLY_SCOPED redisReply *reply = NULL;
    void *received = NULL;
    if (connection->broken)
        return error_set(err, ERROR_UNAVAILABLE, "Redis at %s: connection lost", connection->pool->address);
    if (redisGetReply(connection->handle, &received) != REDIS_OK)
        return fail_handle(connection, err);
    reply = received;
    connection->replies_due--;
    if (reply->type == REDIS_REPLY_ERROR)
        return fail_reply(connection, reply, err);
    if (ret_reply != NULL) {
        *ret_reply = reply;
        reply = NULL;
    }
    return true;
}

bool redis_run(RedisConnection *connection, redisReply **ret_reply, Error *err, const char *format, ...)
{
    assert(connection->replies_due == 0);
    va_list args;
    va_start(args, format);
    int result = redisvAppendCommand(connection->handle, format, args);
    va_end(args);
    return queued(connection, result, err) && redis_reply(connection, ret_reply, err);
}

void redis_reply_cleanup(redisReply **reply)
{
    if (*reply != NULL)
        freeReplyObject(*reply);
}
