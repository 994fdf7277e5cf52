#include "services/feature-store/online/online_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ORIGIN_MAX = 40 };

static bool queue_reads(RedisConnection *connection, const FeastRequest *request, const FeastView *wanted, Arena *arena,
                        Error *err)
{
    const char **values = wanted->entities;
    size_t count = request->entities_count;
    const char **arguments = arena_array(arena, count + 1, sizeof(*arguments));
    size_t *lengths_bytes = arena_array(arena, count + 1, sizeof(*lengths_bytes));
    arguments[0] = "MGET";
    lengths_bytes[0] = 4;
    for (size_t i = 0; i < count; i++) {
        arguments[i + 1] =
            arena_printf(arena, "rushcast:%s:%" PRId64 ":%s", wanted->view->name, wanted->view->version, values[i]);
        lengths_bytes[i + 1] = strlen(arguments[i + 1]);
    }
    return redis_append(connection, (int)count + 1, arguments, lengths_bytes, err);
}

static bool read_rows(RedisConnection *connection, const FeatureView *view, size_t count, Arena *arena,
                      FeastEntityRow *rows, Error *err)
{
    REDIS_REPLY_SCOPED redisReply *reply = NULL;
    if (!redis_reply(connection, &reply, err))
        return false;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != count)
        return error_set(err, ERROR_UPSTREAM, "Redis answered MGET with something else than %zu values", count);
    FeatureValue *values = arena_array(arena, count * view->features_count, sizeof(*values));
    for (size_t i = 0; i < count; i++) {
        const redisReply *item = reply->element[i];
        rows[i].row.values = &values[i * view->features_count];
        if (item->type == REDIS_REPLY_STRING)
            rows[i].found = feature_row_unpack(view, item->str, (size_t)item->len, arena, &rows[i].row, NULL);
    }
    return true;
}

bool online_store_read(RedisConnection *connection, const FeastRequest *request, Arena *arena,
                       FeastEntityRow **ret_rows, Error *err)
{
    for (size_t i = 0; i < request->views_count; i++) {
        if (!queue_reads(connection, request, &request->views[i], arena, err))
            return false;
    }
    size_t count = request->entities_count;
    FeastEntityRow *rows = arena_array(arena, request->views_count * count, sizeof(*rows));
    for (size_t i = 0; i < request->views_count; i++) {
        if (!read_rows(connection, request->views[i].view, count, arena, &rows[i * count], err))
            return false;
    }
    *ret_rows = rows;
    return true;
}

bool online_store_put(RedisConnection *connection, const FeatureView *view, const char *entity, const Buffer *packed,
                      Error *err)
{
    char key[ONLINE_KEY_MAX];
    int length = snprintf(key, sizeof(key), "rushcast:%s:%" PRId64 ":%s", view->name, view->version, entity);
    if (length < 0 || (size_t)length >= sizeof(key))
        return error_set(err, ERROR_UNPROCESSABLE, "entity \"%.40s...\" of %s is longer than %d bytes", entity,
                         view->name, FEAST_ENTITY_VALUE_MAX);
    return redis_append(connection, 3, (const char *[]){"SET", key, packed->data},
                        (const size_t[]){3, (size_t)length, packed->length_bytes}, err);
}

bool online_store_flush(RedisConnection *connection, size_t count, Error *err)
{
    for (size_t i = 0; i < count; i++) {
        REDIS_REPLY_SCOPED redisReply *reply = NULL;
        if (!redis_reply(connection, &reply, err))
            return false;
    }
    return true;
}

bool online_store_marker(RedisConnection *connection, const FeatureView *view, const char *origin,
                         int64_t *ret_recorded_seq, Error *err)
{
    REDIS_REPLY_SCOPED redisReply *reply = NULL;
    if (!redis_run(connection, &reply, err, "GET rushcast:marker:%s:%lld", view->name, (long long)view->version))
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

bool online_store_set_marker(RedisConnection *connection, const FeatureView *view, const char *origin,
                             int64_t recorded_seq, Error *err)
{
    char value[96];
    snprintf(value, sizeof(value), "%" PRIx32 " %s %" PRId64, view->schema_hash, origin, recorded_seq);
    return redis_run(connection, NULL, err, "SET rushcast:marker:%s:%lld %s", view->name, (long long)view->version,
                     value);
}
