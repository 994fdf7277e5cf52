/* Redis: a single server (TCP, TLS or unix socket) or a Redis Cluster, which is found out at the first use.
 * Thread-safe; connections are made when needed and made again when lost. */
#pragma once

#include <hiredis/hiredis.h>
#include "common/error.h"

typedef struct RedisClient RedisClient;

typedef struct RedisOptions {
    const char *address; /* host:port, several of them separated by commas (a cluster), or a unix socket's path */
    const char *user, *password; /* NULL or empty: none; a password alone is the default user's */
    bool tls;
    const char *ca_file;                     /* NULL or empty: the system's authorities */
    const char *certificate_file, *key_file; /* of the client; NULL or empty: none */
    const char *server_name;                 /* that certificates must be for; NULL or empty: the host connected to */
    unsigned connections;                    /* at most, to each node */
    int timeout_ms;                          /* for a batch as a whole: waiting, connecting, redirections, replies */
} RedisOptions;

/* INVALID_ARGUMENT names what is wrong with the address or the TLS files; nothing is connected yet. The texts are
 * copied. */
bool redis_client_new(const RedisOptions *options, RedisClient **ret_client, Error *err) MUST_CHECK;
void redis_client_free(RedisClient *client); /* accepts NULL */

enum { REDIS_BATCH_MAX = 32768 };

/* A command to be sent; all that it points to stays the caller's. */
typedef struct RedisCommand {
    const char **argv;
    const size_t *lengths_bytes; /* of each argument; NULL: they are texts */
    int argc;
    int key;           /* index in argv of the key, which decides the node; 0: any node will do */
    redisReply *reply; /* set by redis_run_batch; may be REDIS_REPLY_ERROR. redis_commands_free() */
} RedisCommand;

/* Sends up to REDIS_BATCH_MAX commands (64 MiB a node), one pipelined round trip to each node, all of them at the same
 * time; on a single server GETs in a row go as MGET. Each command gets its reply, also when that is an error (see
 * redis_reply_check). Commands to the same key are run in order. Redirections and failovers of a cluster are followed
 * within the time, so that a command may run twice: it must bear that.
 * UNAVAILABLE or DEADLINE when a node can't be reached or the cluster has none for a key, OVERLOADED when no connection
 * became free, UPSTREAM when the server refuses us; then all replies are NULL, though commands may have run. */
bool redis_run_batch(RedisClient *client, RedisCommand *commands, size_t count, Error *err) MUST_CHECK;
/* Frees the replies and sets them to NULL. */
void redis_commands_free(RedisCommand *commands, size_t count);
/* False when the reply is an error: UNAVAILABLE while the server loads, is out of memory or is no primary, UPSTREAM
 * when it refuses us, else INTERNAL. */
bool redis_reply_check(const redisReply *reply, Error *err) MUST_CHECK;

/* One command whose first argument is its key (or anything at all, when it has none); the format is hiredis': %s text,
 * %b bytes and their size_t length. An error reply is an error too. The caller frees the reply (REDIS_REPLY_SCOPED);
 * ret_reply may be NULL. */
bool redis_run(RedisClient *client, redisReply **ret_reply, Error *err, const char *format, ...) MUST_CHECK;

void redis_reply_cleanup(redisReply **reply);
#define REDIS_REPLY_SCOPED __attribute__((cleanup(redis_reply_cleanup)))
