#include "common/redis_node.h"

#include <stdio.h>
#include <stdlib.h>

RedisNode *redis_node_new(const char *address, const RedisAccess *access, unsigned size)
{
    RedisNode *node = calloc(1, sizeof(*node));
    RedisConnection *connections = calloc(size, sizeof(*connections));
    if (node == NULL || connections == NULL)
        abort();
    snprintf(node->address, sizeof(node->address), "%s", address);
    node->access = access;
    node->size = size;
    node->connections = connections;
    free_list_init(&node->free);
    for (unsigned i = 0; i < size; i++) {
        connections[i].address = node->address;
        free_list_add(&node->free, &connections[i].item);
    }
    return node;
}

void redis_node_free(RedisNode *node)
{
    if (node == NULL)
        return;
    for (unsigned i = 0; i < node->size; i++)
        redis_disconnect(&node->connections[i]);
    free_list_fini(&node->free);
    free(node->connections);
    free(node);
}

bool redis_node_acquire(RedisNode *node, int64_t until_ms, RedisConnection **ret_connection, Error *err)
{
    RedisConnection *connection = (RedisConnection *)free_list_take(&node->free, until_ms);
    if (connection == NULL)
        return error_set(err, ERROR_OVERLOADED, "all %u connections to Redis at %s were in use for too long",
                         node->size, node->address);
    if (!redis_is_alive(connection) && !redis_connect(connection, node->access, until_ms, err)) {
        free_list_give_back(&node->free, &connection->item);
        return false;
    }
    *ret_connection = connection;
    return true;
}

void redis_node_release(RedisNode *node, RedisConnection *connection)
{
    if (connection->broken || connection->replies_due > 0)
        redis_disconnect(connection);
    free_list_give_back(&node->free, &connection->item);
}
