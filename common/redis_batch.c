/* Batches of commands over the nodes: rounds of one pipeline to each node, until every command has its answer. */
#include "common/redis_batch.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include "common/arena.h"
#include "common/clock.h"

enum {
    ROUNDS_MAX = 16,    /* redirections */
    FAILURES_MAX = 6,   /* rounds in which a node of a cluster was not to be had */
    FIRST_REST_MS = 10, /* doubled with each failure */
    MGET_KEYS_MAX = 1000,
};

/* A command and where it goes in the next round. */
typedef struct Item {
    RedisCommand *command;
    struct Lane *lane; /* of this round; NULL: none */
    RedisNode *target; /* NULL: whoever has its slot */
    bool asking;       /* only here and now */
    bool done;
} Item;

/* What one node gets in a round. */
typedef struct Lane {
    RedisNode *node;
    RedisConnection *connection; /* NULL: none was to be had */
    Item **items;
    size_t count;
    bool failed; /* nothing more is to be expected of it */
} Lane;

typedef struct Batch {
    RedisTopology *topology;
    Arena *arena; /* of the round */
    Item *items;
    size_t count;
    bool cluster;
    unsigned generation;
    int64_t until_ms;
    Lane *lanes;
    size_t lanes_count;
    bool stale;   /* the map is */
    bool waiting; /* something may be there later that is not now: `why` says what */
    Error why;
} Batch;

static size_t length_of(const RedisCommand *command, int argument)
{
    return command->lengths_bytes == NULL ? strlen(command->argv[argument]) : command->lengths_bytes[argument];
}

static unsigned slot_of(const RedisCommand *command)
{
    return command->key == 0 ? 0 : redis_key_slot(command->argv[command->key], length_of(command, command->key));
}

static bool is_get(const Item *item)
{
    const RedisCommand *command = item->command;
    return command->argc == 2 && length_of(command, 0) == 3 && strncasecmp(command->argv[0], "GET", 3) == 0 &&
           !item->asking;
}

/* GETs from `first` on that go as one MGET; 1: the command goes as it is. */
static size_t run_length(const Batch *batch, const Lane *lane, size_t first)
{
    size_t length = 0;
    while (!batch->cluster && length < MGET_KEYS_MAX && first + length < lane->count &&
           is_get(lane->items[first + length]))
        length++;
    return length < 2 ? 1 : length;
}

/* Something that may be otherwise in a moment, or when the map is known better. */
static void come_back(Batch *batch, const Error *why)
{
    batch->waiting = true;
    batch->why = *why;
}

/* ---- A round: commands to lanes, all lanes sent, all lanes read ---- */

static Lane *find_lane(Batch *batch, RedisNode *node)
{
    for (size_t i = 0; i < batch->lanes_count; i++) {
        if (batch->lanes[i].node == node)
            return &batch->lanes[i];
    }
    Lane *lane = &batch->lanes[batch->lanes_count++];
    *lane = (Lane){.node = node};
    return lane;
}

static int compare_lanes(const void *a, const void *b)
{
    const RedisNode *left = ((const Lane *)a)->node, *right = ((const Lane *)b)->node;
    return left < right ? -1 : left > right;
}

static void assign(Batch *batch, Item *item)
{
    RedisNode *node = item->target;
    unsigned slot = batch->cluster ? slot_of(item->command) : 0;
    item->target = NULL;
    item->lane = NULL;
    if (node == NULL)
        node = redis_topology_owner(batch->topology, slot);
    if (node == NULL) {
        Error none;
        error_set(&none, ERROR_UNAVAILABLE, "no node of the Redis Cluster has slot %u", slot);
        come_back(batch, &none);
        batch->stale = true;
        return;
    }
    item->lane = find_lane(batch, node);
    if (item->lane->count++ > 0)
        redis_topology_leave(node); /* the lane holds it once */
}

static void deal_out(Batch *batch)
{
    batch->lanes = arena_array(batch->arena, (size_t)2 * REDIS_NODES_MAX, sizeof(*batch->lanes));
    batch->lanes_count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (!batch->items[i].done)
            assign(batch, &batch->items[i]);
    }
    for (size_t i = 0; i < batch->lanes_count; i++) {
        Lane *lane = &batch->lanes[i];
        lane->items = arena_array(batch->arena, lane->count, sizeof(*lane->items));
        lane->count = 0;
    }
    for (size_t i = 0; i < batch->count; i++) {
        Item *item = &batch->items[i];
        if (!item->done && item->lane != NULL)
            item->lane->items[item->lane->count++] = item;
    }
    /* Connections are always taken in the same order, so that no two batches wait for each other. */
    qsort(batch->lanes, batch->lanes_count, sizeof(*batch->lanes), compare_lanes);
}

static bool queue_mget(Batch *batch, Lane *lane, size_t first, size_t length, Error *err)
{
    const char **argv = arena_array(batch->arena, length + 1, sizeof(*argv));
    size_t *lengths_bytes = arena_array(batch->arena, length + 1, sizeof(*lengths_bytes));
    argv[0] = "MGET";
    lengths_bytes[0] = 4;
    for (size_t i = 0; i < length; i++) {
        argv[i + 1] = lane->items[first + i]->command->argv[1];
        lengths_bytes[i + 1] = length_of(lane->items[first + i]->command, 1);
    }
    return redis_append(lane->connection, (int)length + 1, argv, lengths_bytes, err);
}

static bool send_lane(Batch *batch, Lane *lane, Error *err)
{
    for (size_t i = 0; i < lane->count;) {
        size_t length = run_length(batch, lane, i);
        const Item *item = lane->items[i];
        const RedisCommand *command = item->command;
        if (length > 1 ? !queue_mget(batch, lane, i, length, err)
                       : (item->asking && !redis_append(lane->connection, 1, (const char *[]){"ASKING"}, NULL, err)) ||
                             !redis_append(lane->connection, command->argc, command->argv, command->lengths_bytes, err))
            return false;
        i += length;
    }
    return redis_send(lane->connection, batch->until_ms, err);
}

static void give(Item *item, redisReply *reply)
{
    item->command->reply = reply;
    item->done = true;
}

static bool starts_with(const char *text, const char *word)
{
    return strncmp(text, word, strlen(word)) == 0;
}

/* A command's reply, which is taken over: its answer, or where and when to ask again. */
static bool take_reply(Batch *batch, const Lane *lane, Item *item, redisReply *reply, Error *err)
{
    RedisRedirect redirect;
    if (reply->type != REDIS_REPLY_ERROR) {
        give(item, reply);
        return true;
    }
    if (redis_redirect_read(reply->str, lane->node->address, &redirect)) {
        freeReplyObject(reply);
        item->target = redis_topology_node(batch->topology, redirect.address);
        item->asking = redirect.ask;
        batch->stale = batch->stale || !redirect.ask;
        return item->target != NULL || error_set(err, ERROR_UNAVAILABLE, "more than %d Redis nodes, %s among them",
                                                 REDIS_NODES_MAX, redirect.address);
    }
    if (redis_reply_drops(reply))
        lane->connection->broken = true;
    if (batch->cluster && (starts_with(reply->str, "TRYAGAIN") || starts_with(reply->str, "CLUSTERDOWN"))) {
        Error down;
        (void)!redis_reply_check(reply, &down);
        come_back(batch, &down);
        batch->stale = true;
        item->asking = false;
        freeReplyObject(reply);
        return true;
    }
    give(item, reply);
    return true;
}

static bool take_mget(Lane *lane, size_t first, size_t length, redisReply *reply, Error *err)
{
    bool ok = true;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == length) {
        for (size_t i = 0; i < length; i++) {
            give(lane->items[first + i], reply->element[i]);
            reply->element[i] = NULL;
        }
    } else {
        if (redis_reply_drops(reply))
            lane->connection->broken = true;
        ok = redis_reply_check(reply, err) &&
             error_set(err, ERROR_UPSTREAM, "Redis answered MGET with something else than %zu values", length);
    }
    freeReplyObject(reply);
    return ok;
}

static bool read_lane(Batch *batch, Lane *lane, Error *err)
{
    for (size_t i = 0; i < lane->count;) {
        size_t length = run_length(batch, lane, i);
        redisReply *reply = NULL;
        if (lane->items[i]->asking) {
            if (!redis_receive(lane->connection, batch->until_ms, &reply, err))
                return false;
            freeReplyObject(reply);
        }
        if (!redis_receive(lane->connection, batch->until_ms, &reply, err) ||
            !(length > 1 ? take_mget(lane, i, length, reply, err)
                         : take_reply(batch, lane, lane->items[i], reply, err)))
            return false;
        i += length;
    }
    return true;
}

/* Whether the batch can go on without this lane: its commands come back in the next round. */
static bool lane_failed(Batch *batch, Lane *lane, const Error *err)
{
    lane->failed = true;
    if (!batch->cluster || (err->code != ERROR_UNAVAILABLE && err->code != ERROR_DEADLINE))
        return false;
    come_back(batch, err);
    batch->stale = true;
    for (size_t i = 0; i < lane->count; i++)
        lane->items[i]->asking = false;
    return true;
}

static bool run_lanes(Batch *batch, Error *err)
{
    bool ok = true;
    for (size_t i = 0; i < batch->lanes_count && ok; i++) {
        Lane *lane = &batch->lanes[i];
        ok = redis_node_acquire(lane->node, batch->until_ms, &lane->connection, err) || lane_failed(batch, lane, err);
    }
    for (size_t i = 0; i < batch->lanes_count && ok; i++) {
        Lane *lane = &batch->lanes[i];
        ok = lane->failed || send_lane(batch, lane, err) || lane_failed(batch, lane, err);
    }
    for (size_t i = 0; i < batch->lanes_count && ok; i++) {
        Lane *lane = &batch->lanes[i];
        ok = lane->failed || read_lane(batch, lane, err) || lane_failed(batch, lane, err);
    }
    for (size_t i = 0; i < batch->lanes_count; i++) {
        if (batch->lanes[i].connection != NULL)
            redis_node_release(batch->lanes[i].node, batch->lanes[i].connection);
        redis_topology_leave(batch->lanes[i].node);
    }
    return ok;
}

/* ---- Rounds ---- */

static bool all_done(const Batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (!batch->items[i].done)
            return false;
    }
    return true;
}

static void rest(const Batch *batch, int failures)
{
    int64_t rest_ms = (int64_t)FIRST_REST_MS << (failures - 1), left_ms = batch->until_ms - clock_monotonic_ms();
    if (rest_ms > left_ms)
        rest_ms = left_ms;
    if (rest_ms > 0)
        nanosleep(&(struct timespec){.tv_sec = rest_ms / 1000, .tv_nsec = rest_ms % 1000 * 1000000}, NULL);
}

static bool run_rounds(Batch *batch, Error *err)
{
    int failures = 0;
    for (int round = 0; round < ROUNDS_MAX; round++) {
        batch->stale = batch->waiting = false;
        arena_reset(batch->arena);
        if (!redis_topology_ready(batch->topology, batch->until_ms, &batch->cluster, &batch->generation, err))
            return false;
        deal_out(batch);
        if (!run_lanes(batch, err))
            return false;
        if (all_done(batch))
            return true;
        failures += batch->waiting;
        if (failures == FAILURES_MAX || clock_monotonic_ms() >= batch->until_ms)
            break;
        if (batch->waiting)
            rest(batch, failures);
        Error unknown; /* redirections are followed without it, and the next round fails when it is needed */
        if (batch->stale)
            (void)!redis_topology_refresh(batch->topology, batch->generation, batch->until_ms, &unknown);
    }
    if (failures > 0)
        *err = batch->why;
    else
        error_set(err, ERROR_UNAVAILABLE, "the Redis Cluster sent a command from node to node %d times", ROUNDS_MAX);
    return false;
}

bool redis_batch_run(RedisTopology *topology, RedisCommand *commands, size_t count, int64_t until_ms, Error *err)
{
    ARENA_SCOPED Arena *items = arena_new(), *rounds = arena_new();
    Batch batch = {
        .topology = topology,
        .arena = rounds,
        .items = arena_array(items, count, sizeof(Item)),
        .count = count,
        .until_ms = until_ms,
    };
    for (size_t i = 0; i < count; i++) {
        batch.items[i].command = &commands[i];
        commands[i].reply = NULL;
    }
    if (run_rounds(&batch, err))
        return true;
    for (size_t i = 0; i < count; i++)
        redis_topology_leave(batch.items[i].target);
    redis_commands_free(commands, count);
    return false;
}
