#include "services/feature-store/offline/point_in_time.h"

#include <glib.h>
#include <inttypes.h>
#include <stdlib.h>
#include "common/buffer.h"
#include "gen/feature_store_sql.h"
#include "services/feature-store/offline/feature_columns.h"
#include "services/feature-store/offline/point_in_time_sql.h"
#include "services/feature-store/on_demand/on_demand.h"

enum {
    CHUNK_VALUES_MAX = 4 << 20, /* 64 MiB of values */
    CHUNK_ROWS_MAX = 100000,
    LIST_LIMIT_BYTES = 64 << 20,
    FIRST_FEATURE_COLUMN = 4,
};

/* A row of the request on its way to the database. */
typedef struct Lookup {
    int64_t entity_id;
    Instant moment;
    size_t index; /* in the chunk */
} Lookup;

typedef struct Chunk {
    const PointInTime *join;
    PgConnection *connection;
    Arena *arena; /* of the chunk */
    size_t first, count;
    FeastEntityRow *rows; /* [view * count + index] */
} Chunk;

typedef struct ViewChunk {
    Chunk *chunk;
    const FeatureView *view;
    FeastEntityRow *rows; /* of this view */
    int64_t *seqs;        /* recorded_seq of each row that was found */
    int *features;        /* those wanted */
    size_t features_count;
} ViewChunk;

static int compare_lookups(const void *one, const void *other)
{
    const Lookup *a = one, *b = other;
    if (a->entity_id != b->entity_id)
        return a->entity_id < b->entity_id ? -1 : 1;
    return (a->moment > b->moment) - (a->moment < b->moment);
}

/* The numbers of the chunk's entities: text -> entity_id. */
static bool read_entity_ids(const ViewChunk *part, const char *const *entities, GHashTable *ret_ids, Error *err)
{
    BUFFER_SCOPED Buffer list;
    PG_RESULT_SCOPED PGresult *result = NULL;
    buffer_init(&list, LIST_LIMIT_BYTES);
    buffer_append_char(&list, '[');
    for (size_t i = 0; i < part->chunk->count; i++) {
        if (!g_hash_table_insert(ret_ids, (gpointer)(uintptr_t)entities[i], NULL))
            continue;
        if (list.length_bytes > 1)
            buffer_append_char(&list, ',');
        buffer_append_json_string(&list, entities[i]);
    }
    buffer_append_char(&list, ']');
    if (!buffer_ok(&list, err) ||
        !pg_run(part->chunk->connection, &sql_select_entities_listed,
                PG_PARAMS(pg_text(part->view->entity_kind), pg_text(list.data)), &result, err))
        return false;
    for (int row = 0; row < PQntuples(result); row++)
        g_hash_table_insert(ret_ids, arena_strdup(part->chunk->arena, pg_get_text(result, row, 0)),
                            GINT_TO_POINTER((int)pg_get_int(result, row, 1)));
    return true;
}

/* Those rows of the chunk whose entity is known, in the order in which the table's index has them. */
static bool find_lookups(const ViewChunk *part, const char *const *entities, Lookup **ret_lookups, size_t *ret_count,
                         Error *err)
{
    const Chunk *chunk = part->chunk;
    Lookup *lookups = arena_array(chunk->arena, chunk->count, sizeof(*lookups));
    size_t count = 0;
    GHashTable *ids = g_hash_table_new(g_str_hash, g_str_equal);
    bool ok = read_entity_ids(part, entities, ids, err);
    for (size_t i = 0; ok && i < chunk->count; i++) {
        int id = GPOINTER_TO_INT(g_hash_table_lookup(ids, entities[i]));
        if (id != 0)
            lookups[count++] = (Lookup){id, chunk->join->moments[chunk->first + i], i};
    }
    g_hash_table_destroy(ids);
    qsort(lookups, count, sizeof(*lookups), compare_lookups);
    *ret_lookups = lookups;
    *ret_count = count;
    return ok;
}

static bool take_rows(void *context, const PGresult *result, Error *err)
{
    (void)err;
    const ViewChunk *part = context;
    for (int i = 0; i < PQntuples(result); i++) {
        size_t index = (size_t)pg_get_int(result, i, 0);
        FeastEntityRow *row = &part->rows[index];
        Instant recorded_at = pg_get_instant(result, i, 2);
        int64_t seq = pg_get_int(result, i, 3);
        if (row->found &&
            (recorded_at < row->row.created || (recorded_at == row->row.created && seq < part->seqs[index])))
            continue;
        row->found = true;
        row->row.event_timestamp = pg_get_instant(result, i, 1);
        row->row.created = recorded_at;
        part->seqs[index] = seq;
        for (size_t k = 0; k < part->features_count; k++) {
            FeatureType type = part->view->features[part->features[k]].type;
            FeatureValue value = feature_value_get(type, result, i, FIRST_FEATURE_COLUMN + (int)k);
            if (type == FEATURE_TEXT && !value.null)
                value.text = arena_strdup(part->chunk->arena, value.text);
            row->row.values[part->features[k]] = value;
        }
    }
    return true;
}

static bool query_lookups(ViewChunk *part, const Lookup *lookups, size_t count, Error *err)
{
    BUFFER_SCOPED Buffer indices, ids, moments;
    Buffer *lists[] = {&indices, &ids, &moments};
    for (size_t i = 0; i < 3; i++) {
        buffer_init(lists[i], LIST_LIMIT_BYTES);
        buffer_append_char(lists[i], '{');
    }
    for (size_t i = 0; i < count; i++) {
        const char *separator = i > 0 ? "," : "";
        buffer_printf(&indices, "%s%zu", separator, lookups[i].index);
        buffer_printf(&ids, "%s%" PRId64, separator, lookups[i].entity_id);
        buffer_printf(&moments, "%s%" PRId64, separator, lookups[i].moment);
    }
    for (size_t i = 0; i < 3; i++) {
        buffer_append_char(lists[i], '}');
        if (!buffer_ok(lists[i], err))
            return false;
    }
    PgStatement statement = {
        .name = "point_in_time",
        .sql = point_in_time_sql(part->view, part->features, part->features_count, part->chunk->join->any_recorded,
                                 part->chunk->arena),
    };
    return pg_each(part->chunk->connection, &statement,
                   PG_PARAMS(pg_text(indices.data), pg_text(ids.data), pg_text(moments.data)), take_rows, part, err);
}

static void compute_rows(const ViewChunk *part, const char *const *entities)
{
    const Chunk *chunk = part->chunk;
    for (size_t i = 0; i < chunk->count; i++)
        part->rows[i].found = on_demand_compute(part->view, chunk->join->places, entities[i],
                                                chunk->join->moments[chunk->first + i], &part->rows[i].row);
}

static bool join_view(Chunk *chunk, size_t index, Error *err)
{
    const FeastRequest *wanted = chunk->join->wanted;
    const FeatureView *view = wanted->views[index].view;
    const char *const *entities = wanted->views[index].entities + chunk->first;
    ViewChunk part = {.chunk = chunk, .view = view, .rows = &chunk->rows[index * chunk->count]};
    part.features = arena_array(chunk->arena, wanted->columns_count, sizeof(*part.features));
    for (size_t i = 0; i < wanted->columns_count; i++) {
        if (wanted->columns[i].view == index)
            part.features[part.features_count++] = (int)wanted->columns[i].feature;
    }
    FeatureValue *values = arena_array(chunk->arena, chunk->count * view->features_count, sizeof(*values));
    for (size_t i = 0; i < chunk->count; i++)
        part.rows[i].row.values = &values[i * view->features_count];
    if (!feature_view_is_stored(view)) {
        compute_rows(&part, entities);
        return true;
    }
    Lookup *lookups = NULL;
    size_t count = 0;
    part.seqs = arena_array(chunk->arena, chunk->count, sizeof(*part.seqs));
    return find_lookups(&part, entities, &lookups, &count, err) &&
           (count == 0 || query_lookups(&part, lookups, count, err));
}

static bool join_chunk(PgConnection *connection, const PointInTime *join, size_t first, size_t count,
                       PointInTimeVisit *visit, void *context, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    Chunk chunk = {.join = join, .connection = connection, .arena = arena, .first = first, .count = count};
    chunk.rows = arena_array(arena, join->wanted->views_count * count, sizeof(*chunk.rows));
    for (size_t i = 0; i < join->wanted->views_count; i++) {
        if (!join_view(&chunk, i, err))
            return false;
    }
    return visit(context, first, count, chunk.rows, err);
}

static size_t chunk_rows(const FeastRequest *wanted)
{
    size_t values = 0;
    for (size_t i = 0; i < wanted->views_count; i++)
        values += wanted->views[i].view->features_count;
    size_t rows = CHUNK_VALUES_MAX / values;
    return rows > CHUNK_ROWS_MAX ? CHUNK_ROWS_MAX : rows;
}

bool point_in_time_each(PgConnection *connection, const PointInTime *join, PointInTimeVisit *visit, void *context,
                        Error *err)
{
    if (!pg_begin(connection, err))
        return false;
    /* a look-up of each row is the plan, whatever the planner guesses of the lists' lengths */
    bool ok = pg_command(connection,
                         "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL jit = off;"
                         " SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;"
                         " SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off",
                         err);
    size_t step = chunk_rows(join->wanted);
    for (size_t first = 0; ok && first < join->wanted->entities_count; first += step) {
        size_t left = join->wanted->entities_count - first;
        ok = join_chunk(connection, join, first, left < step ? left : step, visit, context, err);
    }
    pg_rollback(connection);
    return ok;
}
