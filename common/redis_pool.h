/* Redis connections (hiredis) with deadlines, re-made when lost. */
#pragma once

#include <hiredis/hiredis.h>
#include "common/error.h"

typedef struct RedisPool RedisPool;
typedef struct RedisConnection RedisConnection;

/* `address` is host:port or a unix socket's path. Connects at first use. */
RedisPool *redis_pool_new(const char *address, const char *password, unsigned size, int timeout_ms);
void redis_pool_free(RedisPool *pool);
bool redis_acquire(RedisPool *pool, int deadline_ms, RedisConnection **ret_connection, Error *err) MUST_CHECK;
void redis_release(RedisConnection *connection);
void redis_release_cleanup(RedisConnection **connection);
#define REDIS_SCOPED __attribute__((cleanup(redis_release_cleanup)))

/* Queues a command; the replies come in order by redis_reply(). */
bool redis_append(RedisConnection *connection, int argc, const char **argv, const size_t *lengths_bytes,
                  Error *err) MUST_CHECK;
/* Next reply of the pipeline; a Redis error reply is an error too. The caller frees it (REDIS_REPLY_SCOPED). */
bool redis_reply(RedisConnection *connection, redisReply **ret_reply, Error *err) MUST_CHECK;
/* One command, one reply; ret_reply may be NULL. */
bool redis_run(RedisConnection *connection, redisReply **ret_reply, Error *err, const char *format, ...) MUST_CHECK;

void redis_reply_cleanup(redisReply **reply);
#define REDIS_REPLY_SCOPED __attribute__((cleanup(redis_reply_cleanup)))
