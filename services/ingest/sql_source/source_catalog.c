#include "services/ingest/sql_source/source_catalog.h"

#include <stdio.h>
#include <string.h>
#include "common/buffer.h"
#include "gen/ingest_sql.h"

enum { SQL_LIMIT_BYTES = 1 << 20, PROBLEMS_LIMIT_BYTES = 64 << 10 };

static void append_identifier(Buffer *sql, const char *name)
{
    buffer_append_char(sql, '"');
    for (; *name != '\0'; name++) {
        if (*name == '"')
            buffer_append_char(sql, '"');
        buffer_append_char(sql, *name);
    }
    buffer_append_char(sql, '"');
}

static const char *arena_text(Arena *arena, const Buffer *buffer)
{
    return arena_strndup(arena, buffer->length_bytes ? buffer->data : "", buffer->length_bytes);
}

static const char *column_list(const RowMap *map, Arena *arena)
{
    BUFFER_SCOPED Buffer sql = {0};
    buffer_init(&sql, SQL_LIMIT_BYTES);
    for (size_t i = 0; i < map->count; i++) {
        if (i > 0)
            buffer_append_char(&sql, ',');
        append_identifier(&sql, map->columns[i].name);
    }
    return arena_text(arena, &sql);
}

/* "schema.table"; without a schema it is in public. */
static void name_table(SourceTable *table, Arena *arena)
{
    const char *from = table->entity->from, *dot = strchr(from, '.');
    BUFFER_SCOPED Buffer quoted = {0};
    buffer_init(&quoted, SQL_LIMIT_BYTES);
    table->schema = dot == NULL ? "public" : arena_strndup(arena, from, (size_t)(dot - from));
    table->name = dot == NULL ? from : dot + 1;
    append_identifier(&quoted, table->schema);
    buffer_append_char(&quoted, '.');
    append_identifier(&quoted, table->name);
    table->quoted = arena_text(arena, &quoted);
}

static void judge(SourceTable *table, bool is_table, Arena *arena)
{
    const Entity *entity = table->entity;
    for (size_t k = 0; k < entity->columns_count; k++)
        if (entity->columns[k].key && table->map->places[k] < 0)
            table->problem = arena_printf(arena, "table %s has no column %s that can be read, which is its key",
                                          entity->from, entity->columns[k].from);
    if (!is_table)
        table->stream_problem = arena_printf(arena, "%s is not a permanent table", entity->from);
    else if (!row_map_identity_holds_key(table->map))
        table->stream_problem =
            arena_printf(arena,
                         "table %s has no replica identity with the mapping's key, so its changes can't be streamed; "
                         "its owner can run: ALTER TABLE %s REPLICA IDENTITY FULL; or give it a primary key",
                         entity->from, table->quoted);
}

static bool read_table(SourceConnection *connection, SourceTable *table, Arena *arena, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    name_table(table, arena);
    if (!source_run(connection, &sql_select_source_columns, (const char *const[]){table->schema, table->name}, 2, &rows,
                    err))
        return false;
    size_t count = 0;
    PgoutputColumn *columns = arena_array(arena, (size_t)PQntuples(rows) + 1, sizeof *columns);
    for (int i = 0; i < PQntuples(rows); i++)
        if (source_bool(rows, i, 4))
            columns[count++] = (PgoutputColumn){.name = source_text(rows, i, 0),
                                                .type_oid = (uint32_t)source_int(rows, i, 1, 0),
                                                .is_identity = source_bool(rows, i, 2)};
    if (count == 0) {
        table->problem =
            PQntuples(rows) == 0
                ? arena_printf(arena, "there is no table %s", table->entity->from)
                : arena_printf(arena, "table %s can't be read; its owner can run: GRANT SELECT ON %s TO the role",
                               table->entity->from, table->quoted);
        return true;
    }
    table->map = row_map_new(table->entity, columns, count, arena);
    table->columns = column_list(table->map, arena);
    judge(table, source_bool(rows, 0, 3), arena);
    return true;
}

static bool read_abilities(SourceConnection *connection, SourceCatalog *catalog, Arena *arena, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!source_run(connection, &sql_select_source_abilities, NULL, 0, &rows, err))
        return false;
    catalog->role = arena_strdup(arena, source_text(rows, 0, 3));
    catalog->database = arena_strdup(arena, source_text(rows, 0, 4));
    if (!source_bool(rows, 0, 0))
        catalog->stream_problem = "wal_level is not logical; its administrator can run: ALTER SYSTEM SET wal_level = "
                                  "logical; and restart the server";
    else if (source_bool(rows, 0, 2))
        catalog->stream_problem = "the server is a standby; connect to its primary";
    else if (!source_bool(rows, 0, 1))
        catalog->stream_problem =
            arena_printf(arena, "role %s may not replicate; an administrator can run: ALTER ROLE \"%s\" REPLICATION;",
                         catalog->role, catalog->role);
    return true;
}

bool source_catalog_read(SourceConnection *connection, const EntityMapping *mapping, Arena *arena,
                         SourceCatalog *ret_catalog, Error *err)
{
    SourceCatalog catalog = {.count = mapping->entities_count};
    catalog.tables = arena_array(arena, mapping->entities_count, sizeof *catalog.tables);
    if (!read_abilities(connection, &catalog, arena, err))
        return false;
    for (size_t i = 0; i < catalog.count; i++) {
        catalog.tables[i].entity = &mapping->entities[i];
        if (!read_table(connection, &catalog.tables[i], arena, err))
            return false;
    }
    *ret_catalog = catalog;
    return true;
}

const SourceTable *source_catalog_find(const SourceCatalog *catalog, const char *schema, const char *name)
{
    for (size_t i = 0; i < catalog->count; i++)
        if (strcmp(catalog->tables[i].schema, schema) == 0 && strcmp(catalog->tables[i].name, name) == 0)
            return &catalog->tables[i];
    return NULL;
}

static bool read_publication(SourceConnection *connection, SourceCatalog *catalog, const char *publication,
                             bool *ret_exists, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!source_run(connection, &sql_select_source_publication, &publication, 1, &rows, err))
        return false;
    for (size_t k = 0; k < catalog->count; k++)
        catalog->tables[k].is_published = false;
    for (int i = 0; i < PQntuples(rows); i++)
        for (size_t k = 0; k < catalog->count && !PQgetisnull(rows, i, 0); k++)
            if (strcmp(catalog->tables[k].schema, source_text(rows, i, 0)) == 0 &&
                strcmp(catalog->tables[k].name, source_text(rows, i, 1)) == 0)
                catalog->tables[k].is_published = true;
    *ret_exists = PQntuples(rows) > 0;
    return true;
}

static bool should_publish(const SourceTable *table)
{
    return table->problem == NULL && table->stream_problem == NULL && !table->is_published;
}

/* What makes the publication as it should be; empty: it is. */
static void publication_sql(const SourceCatalog *catalog, const char *publication, bool exists, Buffer *sql)
{
    for (size_t i = 0; i < catalog->count; i++) {
        if (!should_publish(&catalog->tables[i]))
            continue;
        if (sql->length_bytes == 0)
            buffer_printf(sql,
                          exists ? "ALTER PUBLICATION \"%s\" ADD TABLE %s" : "CREATE PUBLICATION \"%s\" FOR TABLE %s",
                          publication, catalog->tables[i].quoted);
        else
            buffer_printf(sql, ", %s", catalog->tables[i].quoted);
    }
    if (sql->length_bytes > 0 && !exists)
        buffer_append_text(sql, " WITH (publish_via_partition_root = true)");
}

bool source_catalog_publish(SourceConnection *connection, SourceCatalog *catalog, const char *publication, Arena *arena,
                            bool *ret_changed, Error *err)
{
    bool exists;
    BUFFER_SCOPED Buffer sql = {0};
    buffer_init(&sql, SQL_LIMIT_BYTES);
    if (!read_publication(connection, catalog, publication, &exists, err))
        return false;
    publication_sql(catalog, publication, exists, &sql);
    if (sql.length_bytes == 0) {
        *ret_changed = false;
        return exists || error_set(err, ERROR_FORBIDDEN, "no table of the mapping can be streamed");
    }
    if (source_command(connection, sql.data, SOURCE_QUERY_DEADLINE_MS, NULL, err)) {
        *ret_changed = true;
        return read_publication(connection, catalog, publication, &exists, err);
    }
    if (connection->state[0] == '\0')
        return false;
    if (!exists)
        return error_set(err, ERROR_FORBIDDEN, "the publication can't be made; the tables' owner can run: %.400s;",
                         sql.data);
    for (size_t i = 0; i < catalog->count; i++)
        if (should_publish(&catalog->tables[i]))
            catalog->tables[i].stream_problem = arena_printf(
                arena, "table %s is not published; its owner can run: ALTER PUBLICATION \"%s\" ADD TABLE %s;",
                catalog->tables[i].entity->from, publication, catalog->tables[i].quoted);
    *ret_changed = false;
    return true;
}

const char *source_catalog_problems(const SourceCatalog *catalog, bool streaming, Arena *arena)
{
    BUFFER_SCOPED Buffer text = {0};
    buffer_init(&text, PROBLEMS_LIMIT_BYTES);
    for (size_t i = 0; i < catalog->count; i++) {
        const SourceTable *table = &catalog->tables[i];
        const char *problem = table->problem ? table->problem : streaming ? table->stream_problem : NULL;
        if (problem != NULL)
            buffer_printf(&text, "%s%s", text.length_bytes > 0 ? "; " : "", problem);
    }
    return text.length_bytes > 0 ? arena_text(arena, &text) : NULL;
}

static Lsn lsn_or_zero(const char *text)
{
    Lsn lsn;
    return text != NULL && lsn_parse(text, &lsn, NULL) ? lsn : 0;
}

bool source_slot_read(SourceConnection *connection, const char *slot, SourceSlot *ret_slot, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!source_run(connection, &sql_select_source_slot, &slot, 1, &rows, err))
        return false;
    SourceSlot found = {
        .exists = !PQgetisnull(rows, 0, 0),
        .is_ours = source_bool(rows, 0, 1),
        .is_active = source_bool(rows, 0, 2),
        .confirmed = lsn_or_zero(source_text(rows, 0, 3)),
        .safe_bytes = source_int(rows, 0, 5, -1),
        .retained_bytes = source_int(rows, 0, 6, -1),
        .log_end = lsn_or_zero(source_text(rows, 0, 7)),
        .keep_bytes = source_int(rows, 0, 8, -1),
    };
    snprintf(found.wal_status, sizeof found.wal_status, "%s", PQgetvalue(rows, 0, 4));
    found.is_lost = strcmp(found.wal_status, "lost") == 0;
    *ret_slot = found;
    return true;
}
