/* Writing rows to the online store; online_store.c reads them. */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "services/feature-store/online/online_store.h"

enum {
    BATCH_BYTES = 8 << 20, /* of packed rows, after which a batch is sent though it has few rows */
    BATCH_LIMIT_BYTES = 24 << 20,
    KEPT_AT_LEAST_S = 86400,
    ARGUMENTS_MAX = 6,
};

/* KEYS[1]: the row's key. ARGV: the packed row, milliseconds it is kept or 0. The first 8 bytes say how a row is laid
 * out, the next 8 its event time, whose halves are compared since Lua's numbers would round it. */
static const char newer_only[] = "local new, old = ARGV[1], redis.call('GET', KEYS[1])\n"
                                 "if old and #old >= 24 and string.sub(old, 1, 8) == string.sub(new, 1, 8) then\n"
                                 "  local old_low, old_high = struct.unpack('<I4i4', old, 9)\n"
                                 "  local new_low, new_high = struct.unpack('<I4i4', new, 9)\n"
                                 "  if old_high > new_high or (old_high == new_high and old_low >= new_low) then\n"
                                 "    return 0\n"
                                 "  end\n"
                                 "end\n"
                                 "if ARGV[2] == '0' then\n"
                                 "  redis.call('SET', KEYS[1], new)\n"
                                 "else\n"
                                 "  redis.call('SET', KEYS[1], new, 'PX', ARGV[2])\n"
                                 "end\n"
                                 "return 1\n";

typedef struct Write {
    const char *argv[ARGUMENTS_MAX];
    size_t lengths_bytes[ARGUMENTS_MAX];
} Write;

typedef struct Writer {
    RedisClient *redis;
    const FeatureView *view;
    OnlineWriteMode mode;
    Arena *arena; /* of the batch */
    Buffer packed;
    char sha[48], kept_ms[24];
    size_t applied;
} Writer;

static int put_arguments(const Writer *writer, const char *key, const char *row, size_t row_bytes, Write *write)
{
    bool kept_forever = strcmp(writer->kept_ms, "0") == 0;
    int argc;
    if (writer->mode == ONLINE_NEWER_ONLY) {
        *write = (Write){.argv = {"EVALSHA", writer->sha, "1", key, row, writer->kept_ms}};
        argc = 6;
    } else {
        *write = (Write){.argv = {"SET", key, row, "PX", writer->kept_ms}};
        argc = kept_forever ? 3 : 5;
    }
    for (int i = 0; i < argc; i++)
        write->lengths_bytes[i] = write->argv[i] == row ? row_bytes : strlen(write->argv[i]);
    return argc;
}

/* Packs rows until the batch is full; returns how many. */
static size_t pack_rows(Writer *writer, const OnlineRow *rows, size_t count, size_t *ends)
{
    size_t packed = 0;
    buffer_clear(&writer->packed);
    while (packed < count && packed < ONLINE_PIPELINE_ROWS && writer->packed.length_bytes < BATCH_BYTES) {
        feature_row_pack(writer->view, &rows[packed].row, &writer->packed);
        ends[packed++] = writer->packed.length_bytes;
    }
    return packed;
}

/* Rows whose node does not know the script take it along. */
static bool repeat_with_script(const Writer *writer, RedisCommand *commands, size_t count, Error *err)
{
    RedisCommand *again = arena_array(writer->arena, count, sizeof(*again));
    size_t *places = arena_array(writer->arena, count, sizeof(*places)), again_count = 0;
    for (size_t i = 0; i < count; i++) {
        const redisReply *reply = commands[i].reply;
        if (reply->type != REDIS_REPLY_ERROR || strncmp(reply->str, "NOSCRIPT", 8) != 0)
            continue;
        Write *write = arena_alloc(writer->arena, sizeof(*write));
        memcpy(write->argv, commands[i].argv, sizeof(write->argv));
        memcpy(write->lengths_bytes, commands[i].lengths_bytes, sizeof(write->lengths_bytes));
        write->argv[0] = "EVAL";
        write->lengths_bytes[0] = 4;
        write->argv[1] = newer_only;
        write->lengths_bytes[1] = sizeof(newer_only) - 1;
        again[again_count] = commands[i];
        again[again_count].argv = write->argv;
        again[again_count].lengths_bytes = write->lengths_bytes;
        places[again_count++] = i;
    }
    if (!redis_run_batch(writer->redis, again, again_count, err))
        return false;
    for (size_t i = 0; i < again_count; i++) {
        redis_commands_free(&commands[places[i]], 1);
        commands[places[i]].reply = again[i].reply;
    }
    return true;
}

static bool count_applied(Writer *writer, const RedisCommand *commands, size_t count, Error *err)
{
    for (size_t i = 0; i < count; i++) {
        const redisReply *reply = commands[i].reply;
        if (!redis_reply_check(reply, err))
            return false;
        writer->applied += reply->type == REDIS_REPLY_INTEGER ? (size_t)reply->integer : 1;
    }
    return true;
}

static bool write_batch(Writer *writer, const OnlineRow *rows, size_t count, size_t *ret_count, Error *err)
{
    arena_reset(writer->arena);
    size_t *ends = arena_array(writer->arena, ONLINE_PIPELINE_ROWS, sizeof(*ends));
    count = pack_rows(writer, rows, count, ends);
    if (!buffer_ok(&writer->packed, err))
        return error_prefix(err, "rows of %s", writer->view->name);
    Write *writes = arena_array(writer->arena, count, sizeof(*writes));
    RedisCommand *commands = arena_array(writer->arena, count, sizeof(*commands));
    for (size_t i = 0; i < count; i++) {
        const char *key = online_store_key(writer->view, rows[i].entity, writer->arena);
        size_t begin = i == 0 ? 0 : ends[i - 1];
        int argc = put_arguments(writer, key, writer->packed.data + begin, ends[i] - begin, &writes[i]);
        commands[i] = (RedisCommand){
            .argv = writes[i].argv,
            .lengths_bytes = writes[i].lengths_bytes,
            .argc = argc,
            .key = writer->mode == ONLINE_NEWER_ONLY ? 3 : 1,
        };
    }
    bool ok = redis_run_batch(writer->redis, commands, count, err) &&
              (writer->mode == ONLINE_OVERWRITE || repeat_with_script(writer, commands, count, err)) &&
              count_applied(writer, commands, count, err);
    redis_commands_free(commands, count);
    *ret_count = count;
    return ok;
}

static bool check_entities(const FeatureView *view, const OnlineRow *rows, size_t count, Error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(rows[i].entity) > FEAST_ENTITY_VALUE_MAX)
            return error_set(err, ERROR_UNPROCESSABLE, "entity \"%.40s...\" of %s is longer than %d bytes",
                             rows[i].entity, view->name, FEAST_ENTITY_VALUE_MAX);
    }
    return true;
}

bool online_store_write(RedisClient *redis, const FeatureView *view, const OnlineRow *rows, size_t count,
                        OnlineWriteMode mode, size_t *ret_applied, Error *err)
{
    if (!check_entities(view, rows, count, err))
        return false;
    ARENA_SCOPED Arena *arena = arena_new();
    Writer writer = {.redis = redis, .view = view, .mode = mode, .arena = arena};
    char *sha = g_compute_checksum_for_data(G_CHECKSUM_SHA1, (const guchar *)newer_only, sizeof(newer_only) - 1);
    snprintf(writer.sha, sizeof(writer.sha), "%s", sha);
    g_free(sha);
    int64_t kept_s = view->ttl_s > KEPT_AT_LEAST_S ? view->ttl_s : KEPT_AT_LEAST_S;
    snprintf(writer.kept_ms, sizeof(writer.kept_ms), "%" PRId64, view->ttl_s > 0 ? 2 * kept_s * 1000 : 0);
    buffer_init(&writer.packed, BATCH_LIMIT_BYTES);
    bool ok = true;
    for (size_t done = 0, part = 0; done < count && ok; done += part)
        ok = write_batch(&writer, &rows[done], count - done, &part, err);
    buffer_fini(&writer.packed);
    if (ok && ret_applied != NULL)
        *ret_applied = writer.applied;
    return ok;
}
