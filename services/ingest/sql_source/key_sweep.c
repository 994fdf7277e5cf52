#include "services/ingest/sql_source/key_sweep.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "common/buffer.h"
#include "common/worker.h"
#include "services/ingest/entities/entity_sql.h"
#include "services/ingest/entities/entity_value.h"

enum { SQL_LIMIT_BYTES = 64 << 10, FETCH_KEYS = 10000 };

static const char *const type_names[] = {
    [ENTITY_TEXT] = "text",       [ENTITY_INTEGER] = "bigint",  [ENTITY_REAL] = "double precision",
    [ENTITY_DECIMAL] = "numeric", [ENTITY_BOOLEAN] = "boolean", [ENTITY_INSTANT] = "timestamptz",
    [ENTITY_DATE] = "date",       [ENTITY_JSON] = "jsonb",
};

static void append_definition(Buffer *sql, const EntityColumn *column)
{
    buffer_printf(sql, "\"%s\" text", column->name);
}

static void append_name(Buffer *sql, const EntityColumn *column)
{
    buffer_printf(sql, "\"%s\"", column->name);
}

static void append_text(Buffer *sql, const EntityColumn *column)
{
    buffer_printf(sql, "c.\"%s\"::text", column->name);
}

static void append_equality(Buffer *sql, const EntityColumn *column)
{
    buffer_printf(sql, "s.\"%s\"::%s = c.\"%s\"", column->name, type_names[column->type], column->name);
}

/* Something for each key column of the entity. */
static void append_keys(Buffer *sql, const Entity *entity, const char *between,
                        void (*append)(Buffer *sql, const EntityColumn *column))
{
    const char *before = "";
    for (size_t k = 0; k < entity->columns_count; k++) {
        if (!entity->columns[k].key)
            continue;
        buffer_append_text(sql, before);
        append(sql, &entity->columns[k]);
        before = between;
    }
}

static bool is_key(const Entity *entity, const PGresult *rows, int row)
{
    const char *why;
    int column = 0;
    for (size_t k = 0; k < entity->columns_count; k++) {
        if (!entity->columns[k].key)
            continue;
        const char *value = source_text(rows, row, column++);
        if (value == NULL || !entity_value_check_key(entity->columns[k].type, value, &why))
            return false;
    }
    return true;
}

/* Keys of one fetch into the staging table. Keys that can't be what the mapping says are not in the warehouse. */
static bool stage_keys(SqlReader *reader, const Entity *entity, const PGresult *rows, const char *target, Error *err)
{
    PgCopy *copy;
    if (!pg_copy_begin(reader->warehouse, target, &copy, err))
        return false;
    for (int i = 0; i < PQntuples(rows); i++) {
        if (!is_key(entity, rows, i))
            continue;
        pg_copy_row(copy, (int16_t)PQnfields(rows));
        for (int column = 0; column < PQnfields(rows); column++)
            pg_copy_text(copy, source_text(rows, i, column));
    }
    return pg_copy_end(copy, false, NULL, err);
}

static bool copy_keys(SqlReader *reader, const SourceTable *table, Error *err)
{
    const RowMap *map = table->map;
    BUFFER_SCOPED Buffer sql = {0}, target = {0};
    buffer_init(&sql, SQL_LIMIT_BYTES);
    buffer_init(&target, SQL_LIMIT_BYTES);
    buffer_append_text(&sql, "DROP TABLE IF EXISTS pg_temp.source_key; CREATE TEMP TABLE source_key (");
    append_keys(&sql, table->entity, ", ", append_definition);
    buffer_append_text(&sql, ")");
    if (!buffer_ok(&sql, err) || !pg_command(reader->warehouse, sql.data, err))
        return false;
    buffer_append_text(&target, "source_key (");
    append_keys(&target, table->entity, ", ", append_name);
    buffer_append_text(&target, ")");
    buffer_clear(&sql);
    buffer_append_text(&sql, "DECLARE rushcast_keys NO SCROLL CURSOR FOR SELECT ");
    const char *before = "";
    for (size_t k = 0; k < table->entity->columns_count; k++)
        if (table->entity->columns[k].key) {
            buffer_printf(&sql, "%s\"%s\"", before, map->columns[map->places[k]].name);
            before = ", ";
        }
    buffer_printf(&sql, " FROM %s", table->quoted);
    if (!buffer_ok(&sql, err) || !buffer_ok(&target, err) ||
        !source_command(&reader->source, sql.data, SOURCE_QUERY_DEADLINE_MS, NULL, err))
        return false;
    for (int got = FETCH_KEYS; got == FETCH_KEYS;) {
        PG_RESULT_SCOPED PGresult *rows = NULL;
        char fetch[64];
        snprintf(fetch, sizeof fetch, "FETCH %d FROM rushcast_keys", FETCH_KEYS);
        if (workers_stopping())
            return error_set(err, ERROR_UNAVAILABLE, "the service is stopping");
        if (!source_command(&reader->source, fetch, SOURCE_SCAN_DEADLINE_MS, &rows, err) ||
            !stage_keys(reader, table->entity, rows, target.data, err))
            return false;
        got = PQntuples(rows);
    }
    return source_command(&reader->source, "CLOSE rushcast_keys", SOURCE_QUERY_DEADLINE_MS, NULL, err);
}

static void append_missing(Buffer *sql, const Entity *entity)
{
    buffer_printf(sql, " FROM core.\"%s\" c WHERE NOT EXISTS (SELECT FROM pg_temp.source_key s WHERE ", entity->name);
    append_keys(sql, entity, " AND ", append_equality);
    buffer_append_text(sql, ")");
    entity_sql_append_not_erased(sql, entity, "c");
}

static bool count_missing(SqlReader *reader, const Entity *entity, int64_t *ret_missing, int64_t *ret_all, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    BUFFER_SCOPED Buffer sql = {0};
    buffer_init(&sql, SQL_LIMIT_BYTES);
    buffer_append_text(&sql, "SELECT (SELECT count(*)");
    append_missing(&sql, entity);
    buffer_printf(&sql, "), (SELECT count(*) FROM core.\"%s\")", entity->name);
    if (!buffer_ok(&sql, err) || !pg_query(reader->warehouse, sql.data, PG_PARAMS(), &rows, err))
        return false;
    *ret_missing = pg_get_int(rows, 0, 0);
    *ret_all = pg_get_int(rows, 0, 1);
    return true;
}

/* Deletes what the query finds, a batch at a time, until it finds nothing; it must not find what was deleted. */
static bool delete_found(SqlReader *reader, const Entity *entity, const char *query, Instant at, const char *stream,
                         char position[SQL_POSITION_MAX_BYTES], Error *err)
{
    char unmoved[SQL_POSITION_MAX_BYTES];
    snprintf(unmoved, sizeof unmoved, "%s", position);
    for (int64_t before = -1;;) {
        PG_RESULT_SCOPED PGresult *rows = NULL;
        if (workers_stopping())
            return error_set(err, ERROR_UNAVAILABLE, "the service is stopping");
        if (!pg_query(reader->warehouse, query, PG_PARAMS(pg_int(SQL_BATCH_CHANGES_MAX)), &rows, err))
            return false;
        if (PQntuples(rows) == 0)
            return true;
        if (PQntuples(rows) == before && before < SQL_BATCH_CHANGES_MAX)
            return error_set(err, ERROR_INTERNAL, "things of %s that are gone can't be deleted", entity->name);
        before = PQntuples(rows);
        for (int i = 0; i < PQntuples(rows); i++) {
            EntityValue *values = arena_array(reader->batch_arena, entity->columns_count, sizeof *values);
            int column = 0;
            for (size_t k = 0; k < entity->columns_count; k++)
                if (entity->columns[k].key)
                    values[k] = pg_get_text(rows, i, column++);
            *sql_reader_add(reader) =
                (EntityChange){.entity = entity, .kind = ENTITY_DELETE, .valid_from = at, .row.values = values};
        }
        if (!sql_reader_write(reader, stream, position, unmoved, err))
            return false;
    }
}

static bool delete_missing(SqlReader *reader, const Entity *entity, const char *stream,
                           char position[SQL_POSITION_MAX_BYTES], Error *err)
{
    BUFFER_SCOPED Buffer sql = {0};
    buffer_init(&sql, SQL_LIMIT_BYTES);
    buffer_append_text(&sql, "SELECT ");
    append_keys(&sql, entity, ", ", append_text);
    append_missing(&sql, entity);
    buffer_append_text(&sql, " LIMIT $1");
    return buffer_ok(&sql, err) && delete_found(reader, entity, sql.data, INSTANT_NONE, stream, position, err);
}

bool key_sweep(SqlReader *reader, const SourceTable *table, const char *stream, char position[SQL_POSITION_MAX_BYTES],
               const char **ret_problem, Error *err)
{
    int64_t missing, all;
    if (!copy_keys(reader, table, err) || !count_missing(reader, table->entity, &missing, &all, err))
        return false;
    const char *problem = NULL;
    if ((double)missing > reader->sweep_max_share * (double)all && !atomic_load(&reader->status->deletes_accepted))
        problem = arena_printf(reader->arena,
                               "%" PRId64 " of %" PRId64
                               " rows of %s are no longer in the source, which is too many to be deleted unasked; "
                               "POST /sources/%s/sync {\"snapshot\": true, \"accept_deletes\": true} deletes them",
                               missing, all, table->entity->from, reader->mapping->source);
    else if (missing > 0 && !delete_missing(reader, table->entity, stream, position, err))
        return false;
    if (!pg_command(reader->warehouse, "DROP TABLE pg_temp.source_key", err))
        return false;
    *ret_problem = problem;
    return true;
}

bool key_sweep_all(SqlReader *reader, const Entity *entity, Instant at, const char *stream,
                   char position[SQL_POSITION_MAX_BYTES], Error *err)
{
    BUFFER_SCOPED Buffer sql = {0};
    buffer_init(&sql, SQL_LIMIT_BYTES);
    buffer_append_text(&sql, "SELECT ");
    append_keys(&sql, entity, ", ", append_text);
    buffer_printf(&sql, " FROM core.\"%s\" c LIMIT $1", entity->name);
    return buffer_ok(&sql, err) && delete_found(reader, entity, sql.data, at, stream, position, err);
}
