#include "services/feature-store/online/online_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ORIGIN_MAX = 40 };

const char *online_store_key(const FeatureView *view, const char *entity, Arena *arena)
{
    return arena_printf(arena, "rushcast:%s:%" PRId64 ":%s", view->name, view->version, entity);
}

/* Queries of the rows of one view. Keys are put together by hand: formatting them would cost a third of the look-up. */
static void prepare_gets(const FeatureView *view, const char *const *entities, size_t count, Arena *arena,
                         RedisCommand *commands)
{
    const char *prefix = online_store_key(view, "", arena);
    size_t prefix_bytes = strlen(prefix);
    const char **argv = arena_array(arena, count * 2, sizeof(*argv));
    size_t *lengths_bytes = arena_array(arena, count * 2, sizeof(*lengths_bytes));
    for (size_t i = 0; i < count; i++) {
        size_t entity_bytes = strlen(entities[i]);
        char *key = arena_alloc(arena, prefix_bytes + entity_bytes + 1);
        memcpy(key, prefix, prefix_bytes);
        memcpy(key + prefix_bytes, entities[i], entity_bytes + 1);
        argv[2 * i] = "GET";
        argv[2 * i + 1] = key;
        lengths_bytes[2 * i] = 3;
        lengths_bytes[2 * i + 1] = prefix_bytes + entity_bytes;
        commands[i] = (RedisCommand){.argv = &argv[2 * i], .lengths_bytes = &lengths_bytes[2 * i], .argc = 2, .key = 1};
    }
}

static bool take_rows(const FeatureView *view, const RedisCommand *commands, size_t count, Arena *arena,
                      FeastEntityRow *rows, Error *err)
{
    FeatureValue *values = arena_array(arena, count * view->features_count, sizeof(*values));
    for (size_t i = 0; i < count; i++) {
        const redisReply *reply = commands[i].reply;
        if (!redis_reply_check(reply, err))
            return false;
        rows[i].row.values = &values[i * view->features_count];
        if (reply->type == REDIS_REPLY_STRING)
            rows[i].found = feature_row_unpack(view, reply->str, reply->len, arena, &rows[i].row, NULL);
    }
    return true;
}

bool online_store_read(RedisClient *redis, const FeastRequest *request, Arena *arena, FeastEntityRow **ret_rows,
                       Error *err)
{
    size_t count = request->entities_count, total = request->views_count * count, queued = 0;
    RedisCommand *commands = arena_array(arena, total, sizeof(*commands));
    FeastEntityRow *rows = arena_array(arena, total, sizeof(*rows));
    for (size_t i = 0; i < request->views_count; i++) {
        if (!feature_view_is_stored(request->views[i].view))
            continue;
        prepare_gets(request->views[i].view, request->views[i].entities, count, arena, &commands[queued]);
        queued += count;
    }
    bool ok = queued == 0 || redis_run_batch(redis, commands, queued, err);
    const RedisCommand *answered = commands;
    for (size_t i = 0; i < request->views_count && ok; i++) {
        if (!feature_view_is_stored(request->views[i].view))
            continue;
        ok = take_rows(request->views[i].view, answered, count, arena, &rows[i * count], err);
        answered += count;
    }
    redis_commands_free(commands, queued);
    if (ok)
        *ret_rows = rows;
    return ok;
}

bool online_store_get(RedisClient *redis, const FeatureView *view, const char *const *entities, size_t count,
                      Arena *arena, FeastEntityRow **ret_rows, Error *err)
{
    FeastEntityRow *rows = arena_array(arena, count, sizeof(*rows));
    RedisCommand *commands = arena_array(arena, count, sizeof(*commands));
    prepare_gets(view, entities, count, arena, commands);
    bool ok = true;
    for (size_t i = 0; i < count && ok; i += ONLINE_PIPELINE_ROWS) {
        size_t part = count - i < ONLINE_PIPELINE_ROWS ? count - i : ONLINE_PIPELINE_ROWS;
        ok = redis_run_batch(redis, &commands[i], part, err) &&
             take_rows(view, &commands[i], part, arena, &rows[i], err);
        redis_commands_free(&commands[i], part);
    }
    if (ok)
        *ret_rows = rows;
    return ok;
}

bool online_store_marker(RedisClient *redis, const FeatureView *view, const char *origin, int64_t *ret_recorded_seq,
                         Error *err)
{
    REDIS_REPLY_SCOPED redisReply *reply = NULL;
    if (!redis_run(redis, &reply, err, "GET rushcast:marker:%s:%lld", view->name, (long long)view->version))
        return false;
    uint32_t hash = 0;
    int64_t seq = 0;
    char known_origin[ORIGIN_MAX] = "";
    bool known = reply->type == REDIS_REPLY_STRING &&
                 sscanf(reply->str, "%" SCNx32 " %39s %" SCNd64, &hash, known_origin, &seq) == 3 &&
                 hash == view->schema_hash && strcmp(known_origin, origin) == 0;
    *ret_recorded_seq = known ? seq : 0;
    return true;
}

bool online_store_set_marker(RedisClient *redis, const FeatureView *view, const char *origin, int64_t recorded_seq,
                             Error *err)
{
    char value[96];
    snprintf(value, sizeof(value), "%" PRIx32 " %s %" PRId64, view->schema_hash, origin, recorded_seq);
    return redis_run(redis, NULL, err, "SET rushcast:marker:%s:%lld %s", view->name, (long long)view->version, value);
}
