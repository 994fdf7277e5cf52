#include "common/redis_connection.h"

#include <assert.h>
#include <errno.h>
#include <hiredis/sds.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include "common/clock.h"

enum {
    PIPELINE_LIMIT_BYTES = 64 << 20, /* of commands queued and not yet sent */
    HOST_MAX_BYTES = 256,
};

static bool fail_handle(RedisConnection *connection, Error *err)
{
    const redisContext *handle = connection->handle;
    connection->broken = true;
    if (handle->err == REDIS_ERR_TIMEOUT ||
        (handle->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ETIMEDOUT)))
        return error_set(err, ERROR_DEADLINE, "Redis at %s did not answer in time", connection->address);
    return error_set(err, ERROR_UNAVAILABLE, "Redis at %s: %s", connection->address, handle->errstr);
}

/* First word of an error reply -> how it is reported; anything else is a command of ours that is wrong. */
static const struct {
    const char *word;
    ErrorCode code;
    bool drop;
} refusals[] = {
    {"LOADING", ERROR_UNAVAILABLE, false},    {"BUSY", ERROR_UNAVAILABLE, false},
    {"OOM", ERROR_UNAVAILABLE, false},        {"MISCONF", ERROR_UNAVAILABLE, false},
    {"TRYAGAIN", ERROR_UNAVAILABLE, false},   {"NOREPLICAS", ERROR_UNAVAILABLE, false},
    {"READONLY", ERROR_UNAVAILABLE, true},    {"MASTERDOWN", ERROR_UNAVAILABLE, true},
    {"CLUSTERDOWN", ERROR_UNAVAILABLE, true}, {"NOAUTH", ERROR_UPSTREAM, true},
    {"WRONGPASS", ERROR_UPSTREAM, true},      {"NOPERM", ERROR_UPSTREAM, false},
};
enum { REFUSALS = sizeof(refusals) / sizeof(refusals[0]) };

static size_t find_refusal(const redisReply *reply)
{
    size_t i = 0;
    for (; i < REFUSALS; i++) {
        size_t length = strlen(refusals[i].word);
        if (strncmp(reply->str, refusals[i].word, length) == 0 && (reply->str[length] == ' ' || !reply->str[length]))
            break;
    }
    return i;
}

bool redis_reply_drops(const redisReply *reply)
{
    size_t found = reply->type == REDIS_REPLY_ERROR ? find_refusal(reply) : REFUSALS;
    return found < REFUSALS && refusals[found].drop;
}

bool redis_reply_check(const redisReply *reply, Error *err)
{
    if (reply->type != REDIS_REPLY_ERROR)
        return true;
    size_t found = find_refusal(reply);
    return error_set(err, found < REFUSALS ? refusals[found].code : ERROR_INTERNAL, "Redis: %s", reply->str);
}

void redis_disconnect(RedisConnection *connection)
{
    if (connection->handle != NULL)
        redisFree(connection->handle);
    connection->handle = NULL;
    connection->replies_due = 0;
    connection->broken = false;
}

bool redis_is_alive(const RedisConnection *connection)
{
    if (connection->handle == NULL)
        return false;
    struct pollfd polled = {.fd = connection->handle->fd, .events = POLLIN};
    return poll(&polled, 1, 0) == 0; /* an idle connection has nothing to read but its end */
}

/* The time that is left; at least a millisecond, since none would mean no limit. */
static struct timeval time_left(int64_t until_ms)
{
    int64_t left_ms = until_ms - clock_monotonic_ms();
    if (left_ms < 1)
        left_ms = 1;
    return (struct timeval){.tv_sec = left_ms / 1000, .tv_usec = left_ms % 1000 * 1000};
}

static bool log_in(RedisConnection *connection, const RedisAccess *access, int64_t until_ms, Error *err)
{
    if (access->password[0] == '\0' && access->user[0] == '\0')
        return true;
    const char *argv[] = {"AUTH", access->user, access->password};
    bool named = access->user[0] != '\0';
    if (!named)
        argv[1] = access->password;
    return redis_call(connection, until_ms, named ? 3 : 2, argv, NULL, err);
}

static bool open_handle(RedisConnection *connection, const RedisAccess *access, int64_t until_ms, Error *err)
{
    struct timeval timeout = time_left(until_ms);
    redisOptions options = {.connect_timeout = &timeout, .command_timeout = &timeout};
    char host[HOST_MAX_BYTES];
    int port = 0;
    if (connection->address[0] == '/')
        REDIS_OPTIONS_SET_UNIX(&options, connection->address);
    else if (redis_address_split(connection->address, host, sizeof(host), &port))
        REDIS_OPTIONS_SET_TCP(&options, host, port);
    else
        return error_set(err, ERROR_UPSTREAM, "'%s' is no address of Redis", connection->address);
    errno = 0;
    connection->handle = redisConnectWithOptions(&options);
    if (connection->handle == NULL)
        abort();
    if (connection->handle->err != 0)
        return fail_handle(connection, err);
    if (connection->address[0] == '/')
        return true;
    if (redisEnableKeepAlive(connection->handle) != REDIS_OK)
        return fail_handle(connection, err);
    if (access->tls == NULL)
        return true;
    return redis_tls_start(connection->handle, access->tls, access->server_name[0] != '\0' ? access->server_name : host,
                           err) ||
           error_prefix(err, "Redis at %s", connection->address);
}

bool redis_connect(RedisConnection *connection, const RedisAccess *access, int64_t until_ms, Error *err)
{
    redis_disconnect(connection);
    if (open_handle(connection, access, until_ms, err) && log_in(connection, access, until_ms, err))
        return true;
    redis_disconnect(connection);
    return false;
}

bool redis_append(RedisConnection *connection, int argc, const char **argv, const size_t *lengths_bytes, Error *err)
{
    if (redisAppendCommandArgv(connection->handle, argc, argv, lengths_bytes) != REDIS_OK)
        return fail_handle(connection, err);
    connection->replies_due++;
    if (sdslen(connection->handle->obuf) <= PIPELINE_LIMIT_BYTES)
        return true;
    connection->broken = true;
    return error_set(err, ERROR_TOO_LARGE, "more than %d bytes of Redis commands at once", PIPELINE_LIMIT_BYTES);
}

bool redis_send(RedisConnection *connection, int64_t until_ms, Error *err)
{
    int done = 0;
    if (redisSetTimeout(connection->handle, time_left(until_ms)) != REDIS_OK)
        return fail_handle(connection, err);
    while (done == 0) {
        errno = 0;
        if (redisBufferWrite(connection->handle, &done) != REDIS_OK)
            return fail_handle(connection, err);
    }
    return true;
}

bool redis_receive(RedisConnection *connection, int64_t until_ms, redisReply **ret_reply, Error *err)
{
    assert(connection->replies_due > 0);
    void *received = NULL;
    for (;;) {
        if (redisGetReplyFromReader(connection->handle, &received) != REDIS_OK)
            return fail_handle(connection, err);
        if (received != NULL)
            break;
        if (clock_monotonic_ms() >= until_ms) {
            connection->broken = true;
            return error_set(err, ERROR_DEADLINE, "Redis at %s did not answer in time", connection->address);
        }
        errno = 0;
        if (redisSetTimeout(connection->handle, time_left(until_ms)) != REDIS_OK ||
            redisBufferRead(connection->handle) != REDIS_OK)
            return fail_handle(connection, err);
    }
    connection->replies_due--;
    *ret_reply = received;
    return true;
}

bool redis_call(RedisConnection *connection, int64_t until_ms, int argc, const char **argv, redisReply **ret_reply,
                Error *err)
{
    REDIS_REPLY_SCOPED redisReply *reply = NULL;
    if (!redis_append(connection, argc, argv, NULL, err) || !redis_send(connection, until_ms, err) ||
        !redis_receive(connection, until_ms, &reply, err))
        return false;
    if (!redis_reply_check(reply, err))
        return error_prefix(err, "%s at %s", argv[0], connection->address);
    if (ret_reply != NULL) {
        *ret_reply = reply;
        reply = NULL;
    }
    return true;
}

void redis_reply_cleanup(redisReply **reply)
{
    if (*reply != NULL)
        freeReplyObject(*reply);
}
