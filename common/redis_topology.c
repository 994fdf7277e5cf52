#include "common/redis_topology.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "common/clock.h"

enum { ASK_AT_MOST_MS = 1000 }; /* of one node, so that there is time for another */

void redis_topology_init(RedisTopology *topology)
{
    pthread_mutex_init(&topology->asking, NULL);
    pthread_rwlock_init(&topology->lock, NULL);
}

void redis_topology_fini(RedisTopology *topology)
{
    for (unsigned i = 0; i < REDIS_NODES_MAX; i++) {
        redis_node_free(topology->nodes[i]);
        redis_node_free(topology->seeds[i]);
    }
    pthread_rwlock_destroy(&topology->lock);
    pthread_mutex_destroy(&topology->asking);
}

static RedisNode *enter(RedisNode *node)
{
    if (node != NULL)
        atomic_fetch_add(&node->users, 1);
    return node;
}

void redis_topology_leave(RedisNode *node)
{
    if (node != NULL)
        atomic_fetch_sub(&node->users, 1);
}

RedisNode *redis_topology_owner(RedisTopology *topology, unsigned slot)
{
    pthread_rwlock_rdlock(&topology->lock);
    RedisNode *node = NULL;
    if (!topology->cluster)
        node = topology->seeds[0];
    else if (topology->owners[slot] >= 0)
        node = topology->nodes[topology->owners[slot]];
    enter(node);
    pthread_rwlock_unlock(&topology->lock);
    return node;
}

/* Under the write lock: index of the node, made when it is new. -1: no room. */
static int find_or_add(RedisTopology *topology, const char *address)
{
    int room = -1;
    for (int i = 0; i < REDIS_NODES_MAX; i++) {
        if (topology->nodes[i] == NULL)
            room = room < 0 ? i : room;
        else if (strcmp(topology->nodes[i]->address, address) == 0)
            return i;
    }
    if (room >= 0)
        topology->nodes[room] = redis_node_new(address, &topology->access, topology->connections);
    return room;
}

RedisNode *redis_topology_node(RedisTopology *topology, const char *address)
{
    pthread_rwlock_wrlock(&topology->lock);
    int found = find_or_add(topology, address);
    RedisNode *node = found < 0 ? NULL : enter(topology->nodes[found]);
    pthread_rwlock_unlock(&topology->lock);
    return node;
}

/* Under the write lock: forgets nodes that have no slot and that no one uses. */
static void drop_unused(RedisTopology *topology)
{
    bool used[REDIS_NODES_MAX] = {false};
    for (unsigned slot = 0; slot < REDIS_SLOTS; slot++) {
        if (topology->owners[slot] >= 0)
            used[topology->owners[slot]] = true;
    }
    for (int i = 0; i < REDIS_NODES_MAX; i++) {
        if (topology->nodes[i] != NULL && !used[i] && atomic_load(&topology->nodes[i]->users) == 0) {
            redis_node_free(topology->nodes[i]);
            topology->nodes[i] = NULL;
        }
    }
}

/* "127.0.0.1:7000" of a master as CLUSTER SLOTS tells it; without a host it is the one that was asked. */
static bool read_master(const redisReply *node, const char *asked, char address[REDIS_ADDRESS_MAX])
{
    if (node->type != REDIS_REPLY_ARRAY || node->elements < 2 || node->element[1]->type != REDIS_REPLY_INTEGER)
        return false;
    const redisReply *host = node->element[0];
    const char *colon = strrchr(asked, ':');
    int length;
    if (host->type == REDIS_REPLY_STRING && host->len > 0 && strcmp(host->str, "?") != 0)
        length = snprintf(address, REDIS_ADDRESS_MAX, "%s:%lld", host->str, node->element[1]->integer);
    else if (colon != NULL)
        length =
            snprintf(address, REDIS_ADDRESS_MAX, "%.*s:%lld", (int)(colon - asked), asked, node->element[1]->integer);
    else
        return false;
    return length > 0 && length < REDIS_ADDRESS_MAX;
}

int redis_slots_read(const redisReply *reply, const char *asked, char (*addresses)[REDIS_ADDRESS_MAX], int16_t *owners)
{
    int count = 0;
    memset(owners, -1, REDIS_SLOTS * sizeof(*owners));
    if (reply->type != REDIS_REPLY_ARRAY)
        return -1;
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *range = reply->element[i];
        if (range->type != REDIS_REPLY_ARRAY || range->elements < 3 || range->element[0]->type != REDIS_REPLY_INTEGER ||
            range->element[1]->type != REDIS_REPLY_INTEGER)
            return -1;
        long long first = range->element[0]->integer, last = range->element[1]->integer;
        char address[REDIS_ADDRESS_MAX];
        int master = 0;
        if (first < 0 || last >= REDIS_SLOTS || !read_master(range->element[2], asked, address))
            return -1;
        while (master < count && strcmp(addresses[master], address) != 0)
            master++;
        if (master == REDIS_NODES_MAX)
            return -1;
        if (master == count)
            memcpy(addresses[count++], address, sizeof(address));
        for (long long slot = first; slot <= last; slot++)
            owners[slot] = (int16_t)master;
    }
    return count;
}

static bool take_map(RedisTopology *topology, const redisReply *reply, const char *asked, Error *err)
{
    char(*addresses)[REDIS_ADDRESS_MAX] = calloc(REDIS_NODES_MAX, sizeof(*addresses));
    int16_t *owners = calloc(REDIS_SLOTS, sizeof(*owners)), renamed[REDIS_NODES_MAX];
    if (addresses == NULL || owners == NULL)
        abort();
    int count = redis_slots_read(reply, asked, addresses, owners);
    bool ok = count > 0;
    if (ok) {
        pthread_rwlock_wrlock(&topology->lock);
        topology->cluster = true;
        topology->generation++;
        for (int i = 0; i < count; i++)
            renamed[i] = (int16_t)find_or_add(topology, addresses[i]);
        for (unsigned slot = 0; slot < REDIS_SLOTS; slot++)
            topology->owners[slot] = owners[slot] < 0 ? -1 : renamed[owners[slot]];
        drop_unused(topology);
        pthread_rwlock_unlock(&topology->lock);
    } else {
        error_set(err, ERROR_UNAVAILABLE, "Redis Cluster at %s: %s", asked,
                  count == 0 ? "no node has any slot" : "CLUSTER SLOTS was answered with something else");
    }
    free(owners);
    free(addresses);
    return ok;
}

static bool take_single(RedisTopology *topology, const RedisNode *node, Error *err)
{
    if (topology->seeds_count > 1)
        return error_set(err, ERROR_UPSTREAM, "Redis at %s is no cluster, though several addresses are given",
                         node->address);
    pthread_rwlock_wrlock(&topology->lock);
    topology->cluster = false;
    topology->generation++;
    pthread_rwlock_unlock(&topology->lock);
    return true;
}

static bool ask_node(RedisTopology *topology, RedisNode *node, int64_t until_ms, Error *err)
{
    RedisConnection *connection = NULL;
    REDIS_REPLY_SCOPED redisReply *reply = NULL;
    if (!redis_node_acquire(node, until_ms, &connection, err))
        return false;
    bool ok = redis_append(connection, 2, (const char *[]){"CLUSTER", "SLOTS"}, NULL, err) &&
              redis_send(connection, until_ms, err) && redis_receive(connection, until_ms, &reply, err);
    redis_node_release(node, connection);
    if (!ok)
        return false;
    if (reply->type != REDIS_REPLY_ERROR)
        return take_map(topology, reply, node->address, err);
    /* "ERR This instance has cluster support disabled"; a user may be kept from asking, most of all where there is
     * nothing to ask. */
    if (strncmp(reply->str, "ERR", 3) == 0 || strncmp(reply->str, "NOPERM", 6) == 0)
        return take_single(topology, node, err);
    return redis_reply_check(reply, err) || error_prefix(err, "CLUSTER SLOTS at %s", node->address);
}

/* Who may know the map: the nodes of the last one, the seeds. All are entered. */
static unsigned list_candidates(RedisTopology *topology, RedisNode **candidates)
{
    unsigned count = 0;
    pthread_rwlock_rdlock(&topology->lock);
    for (unsigned i = 0; i < REDIS_NODES_MAX; i++) {
        if (topology->nodes[i] != NULL)
            candidates[count++] = enter(topology->nodes[i]);
    }
    for (unsigned i = 0; i < topology->seeds_count; i++)
        candidates[count++] = enter(topology->seeds[i]);
    pthread_rwlock_unlock(&topology->lock);
    return count;
}

static bool ask_any(RedisTopology *topology, int64_t until_ms, Error *err)
{
    RedisNode *candidates[2 * REDIS_NODES_MAX];
    unsigned count = list_candidates(topology, candidates);
    unsigned first = topology->generation + (unsigned)clock_monotonic_ms();
    bool ok = false;
    for (unsigned i = 0; i < count && !ok; i++) {
        int64_t now_ms = clock_monotonic_ms();
        if (i > 0 && now_ms >= until_ms)
            break;
        int64_t share_ms = count == 1 ? until_ms - now_ms : (until_ms - now_ms) / 2;
        if (count > 1 && share_ms > ASK_AT_MOST_MS)
            share_ms = ASK_AT_MOST_MS;
        ok = ask_node(topology, candidates[(first + i) % count], now_ms + share_ms, err);
    }
    for (unsigned i = 0; i < count; i++)
        redis_topology_leave(candidates[i]);
    return ok;
}

static bool know_more(RedisTopology *topology, unsigned generation)
{
    pthread_rwlock_rdlock(&topology->lock);
    bool more = topology->generation != generation;
    pthread_rwlock_unlock(&topology->lock);
    return more;
}

bool redis_topology_refresh(RedisTopology *topology, unsigned generation, int64_t until_ms, Error *err)
{
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    if (pthread_mutex_clocklock(&topology->asking, CLOCK_MONOTONIC, &until) != 0)
        return error_set(err, ERROR_DEADLINE, "no Redis node told in time which nodes there are");
    bool ok = know_more(topology, generation) || ask_any(topology, until_ms, err);
    pthread_mutex_unlock(&topology->asking);
    return ok;
}

bool redis_topology_ready(RedisTopology *topology, int64_t until_ms, bool *ret_cluster, unsigned *ret_generation,
                          Error *err)
{
    if (!know_more(topology, 0) && !redis_topology_refresh(topology, 0, until_ms, err))
        return false;
    pthread_rwlock_rdlock(&topology->lock);
    *ret_cluster = topology->cluster;
    *ret_generation = topology->generation;
    pthread_rwlock_unlock(&topology->lock);
    return true;
}
