/* One connection to a Redis server; for redis_node.c and redis_batch.c. */
#pragma once

#include <stdint.h>
#include "common/free_list.h"
#include "common/redis_slots.h"
#include "common/redis_tls.h"

/* How to connect to any node; the texts are never NULL. */
typedef struct RedisAccess {
    char *user, *password, *server_name;
    SSL_CTX *tls; /* NULL: none */
} RedisAccess;

typedef struct RedisConnection {
    FreeItem item;        /* in the list of a node's free ones */
    const char *address;  /* the node's */
    redisContext *handle; /* NULL: not connected */
    size_t replies_due;
    bool broken;
} RedisConnection;

/* Connects and logs in. Times are of clock_monotonic_ms(). On failure it is not connected. */
bool redis_connect(RedisConnection *connection, const RedisAccess *access, int64_t until_ms, Error *err) MUST_CHECK;
void redis_disconnect(RedisConnection *connection);
/* Whether it is connected and the server has not closed it. */
bool redis_is_alive(const RedisConnection *connection);

/* Queues a command. TOO_LARGE beyond 64 MiB. */
bool redis_append(RedisConnection *connection, int argc, const char **argv, const size_t *lengths_bytes,
                  Error *err) MUST_CHECK;
/* Sends what is queued. */
bool redis_send(RedisConnection *connection, int64_t until_ms, Error *err) MUST_CHECK;
/* The next reply, of any type; the caller frees it. */
bool redis_receive(RedisConnection *connection, int64_t until_ms, redisReply **ret_reply, Error *err) MUST_CHECK;
/* redis_send and redis_receive of one command; an error reply is an error. */
bool redis_call(RedisConnection *connection, int64_t until_ms, int argc, const char **argv, redisReply **ret_reply,
                Error *err) MUST_CHECK;

/* Whether another connection may lead to a server that can do what this one refused. */
bool redis_reply_drops(const redisReply *reply);
