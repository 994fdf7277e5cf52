/* The nodes a client knows and which of them has which slot; for redis_client.c and redis_batch.c. Thread-safe. */
#pragma once

#include "common/redis_node.h"

enum { REDIS_NODES_MAX = 256 };

typedef struct RedisTopology {
    RedisAccess access;
    unsigned connections; /* to each node */
    RedisNode *seeds[REDIS_NODES_MAX];
    unsigned seeds_count;
    pthread_mutex_t asking; /* one thread asks the servers for the map */
    pthread_rwlock_t lock;  /* of everything below */
    unsigned generation;    /* counts the maps; 0: none yet */
    bool cluster;
    RedisNode *nodes[REDIS_NODES_MAX]; /* NULL: unused. Not the seeds. */
    int16_t owners[REDIS_SLOTS];       /* index into nodes, or -1; of a cluster */
} RedisTopology;

void redis_topology_init(RedisTopology *topology);
void redis_topology_fini(RedisTopology *topology);

/* Whether the servers are a cluster; finds that out when it is not known yet. */
bool redis_topology_ready(RedisTopology *topology, int64_t until_ms, bool *ret_cluster, unsigned *ret_generation,
                          Error *err) MUST_CHECK;
/* Asks for the map again, unless another thread got a newer one than `generation` meanwhile. */
bool redis_topology_refresh(RedisTopology *topology, unsigned generation, int64_t until_ms, Error *err) MUST_CHECK;
/* Who has the slot; redis_topology_leave() it. NULL: no one. On a single server it is that, whatever the slot. */
RedisNode *redis_topology_owner(RedisTopology *topology, unsigned slot);
/* The node with that address, added when it is new; NULL when there are too many. redis_topology_leave() it. */
RedisNode *redis_topology_node(RedisTopology *topology, const char *address);
void redis_topology_leave(RedisNode *node);

/* Reads the reply to CLUSTER SLOTS, which `asked` (host:port) gave: addresses of masters in order of their mention in
 * `addresses`, and for each slot its index there or -1. Returns the number of masters; -1 when it is no such reply. */
int redis_slots_read(const redisReply *reply, const char *asked, char (*addresses)[REDIS_ADDRESS_MAX], int16_t *owners);
