/* Redis connections (hiredis) with deadlines, re-made when lost. */
#pragma once

#include <hiredis/hiredis.h>
#include "common/error.h"

typedef struct RedisPool RedisPool;
typedef struct RedisConnection RedisConnection;

/* `address` is host:port or a unix socket's path; `password` may be NULL or empty. Connects at first use. timeout_ms is
 * for connecting and for each wait for a reply. */
RedisPool *redis_pool_new(const char *address, const char *password, unsigned size, int timeout_ms);
void redis_pool_free(RedisPool *pool);
/* UNAVAILABLE or DEADLINE when the server can't be reached, OVERLOADED when no connection became free. */
bool redis_acquire(RedisPool *pool, int deadline_ms, RedisConnection **ret_connection, Error *err) MUST_CHECK;
/* Gives it back; one that broke, or whose replies were not all read, is closed. Accepts NULL. */
void redis_release(RedisConnection *connection);
void redis_release_cleanup(RedisConnection **connection);
#define REDIS_SCOPED __attribute__((cleanup(redis_release_cleanup)))

/* Queues a command; the replies come in order by redis_reply(). At most 64 MiB at once. */
bool redis_append(RedisConnection *connection, int argc, const char **argv, const size_t *lengths_bytes,
                  Error *err) MUST_CHECK;
/* Next reply of the pipeline; a Redis error reply is an error too (UNAVAILABLE while it loads, is out of memory or is
 * no primary, UPSTREAM when it refuses us, else INTERNAL), after which the other replies still come. The caller frees
 * it (REDIS_REPLY_SCOPED); ret_reply may be NULL. */
bool redis_reply(RedisConnection *connection, redisReply **ret_reply, Error *err) MUST_CHECK;
/* One command, one reply; ret_reply may be NULL. The format is hiredis': %s text, %b bytes and their size_t length. */
bool redis_run(RedisConnection *connection, redisReply **ret_reply, Error *err, const char *format, ...) MUST_CHECK;

void redis_reply_cleanup(redisReply **reply);
#define REDIS_REPLY_SCOPED __attribute__((cleanup(redis_reply_cleanup)))
