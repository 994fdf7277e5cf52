/* A Redis server and the bounded pool of connections to it; for redis_topology.c and redis_batch.c. Thread-safe. */
#pragma once

#include <stdatomic.h>
#include "common/redis_connection.h"

typedef struct RedisNode {
    char address[REDIS_ADDRESS_MAX];
    const RedisAccess *access;
    unsigned size;
    atomic_uint users; /* batches that hold a pointer to it */
    FreeList free;
    RedisConnection *connections;
} RedisNode;

RedisNode *redis_node_new(const char *address, const RedisAccess *access, unsigned size);
void redis_node_free(RedisNode *node); /* accepts NULL */
/* OVERLOADED when no connection comes free in time. */
bool redis_node_acquire(RedisNode *node, int64_t until_ms, RedisConnection **ret_connection, Error *err) MUST_CHECK;
/* Gives it back; one that broke, or whose replies were not all read, is closed. */
void redis_node_release(RedisNode *node, RedisConnection *connection);
