#include "services/ingest/sql_source/snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include "common/worker.h"
#include "services/ingest/sql_source/key_sweep.h"

enum {
    FETCH_ROWS_FIRST = 200,
    FETCH_ROWS_MAX = SQL_BATCH_CHANGES_MAX,
    FETCH_TARGET_BYTES = 8 << 20, /* of one answer; rows may be of any size */
    SQL_MAX_BYTES = 64 << 10,
};

const char snapshot_stream[] = "snapshot";

static void put_rows(SqlReader *reader, const SourceTable *table, const PGresult *rows)
{
    const RowMap *map = table->map;
    for (int i = 0; i < PQntuples(rows); i++) {
        const char **values = arena_array(reader->batch_arena, map->count, sizeof *values);
        for (size_t k = 0; k < map->count; k++)
            values[k] = source_text(rows, i, (int)k);
        row_map_put(map, values, INSTANT_NONE, reader->batch_arena, reader->drift, sql_reader_add(reader));
    }
}

static int next_fetch(int rows, const PGresult *result)
{
    size_t size_bytes = PQresultMemorySize(result);
    double fitting = (double)rows * FETCH_TARGET_BYTES / (double)(size_bytes > 0 ? size_bytes : 1);
    return fitting < 1 ? 1 : fitting > FETCH_ROWS_MAX ? FETCH_ROWS_MAX : (int)fitting;
}

/* Fetches and writes until the cursor has no more. */
static bool copy_cursor(SqlReader *reader, const SourceTable *table, const char *stream, const char *meanwhile,
                        char position[SQL_POSITION_MAX_BYTES], Error *err)
{
    int fetch = FETCH_ROWS_FIRST, got;
    do {
        PG_RESULT_SCOPED PGresult *rows = NULL;
        char sql[80];
        snprintf(sql, sizeof sql, "FETCH %d FROM rushcast_rows", fetch);
        if (workers_stopping())
            return error_set(err, ERROR_UNAVAILABLE, "the service is stopping");
        if (!source_command(&reader->source, sql, SOURCE_SCAN_DEADLINE_MS, &rows, err))
            return false;
        got = PQntuples(rows);
        put_rows(reader, table, rows);
        if (got > 0 && !sql_reader_write(reader, stream, position, meanwhile, err))
            return false;
        source_status_add_snapshot(reader->status, 0, got);
        if (got == fetch)
            fetch = next_fetch(fetch, rows);
        else
            got = 0;
    } while (got > 0);
    return true;
}

bool snapshot_copy_table(SqlReader *reader, const SourceTable *table, const char *filter, const char *stream,
                         const char *meanwhile, char position[SQL_POSITION_MAX_BYTES], Error *err)
{
    const char *declare = arena_printf(reader->arena, "DECLARE rushcast_rows NO SCROLL CURSOR FOR SELECT %s FROM %s%s",
                                       table->columns, table->quoted, filter);
    return source_command(&reader->source, declare, SOURCE_QUERY_DEADLINE_MS, NULL, err) &&
           copy_cursor(reader, table, stream, meanwhile, position, err) &&
           source_command(&reader->source, "CLOSE rushcast_rows", SOURCE_QUERY_DEADLINE_MS, NULL, err);
}

bool snapshot_copy(SqlReader *reader, const char *begun, char position[SQL_POSITION_MAX_BYTES],
                   const char **ret_problem, Error *err)
{
    const SourceCatalog *catalog = &reader->catalog;
    const char *problem = NULL;
    source_status_begin_snapshot(reader->status, (int64_t)catalog->count);
    for (size_t i = 0; i < catalog->count; i++) {
        const SourceTable *table = &catalog->tables[i];
        if (table->problem == NULL && !snapshot_copy_table(reader, table, "", snapshot_stream, begun, position, err))
            return error_prefix(err, "snapshot of %s", table->entity->from);
        source_status_add_snapshot(reader->status, 1, 0);
    }
    /* What refers to others is deleted first. */
    for (size_t i = catalog->count; i-- > 0;) {
        const SourceTable *table = &catalog->tables[i];
        const char *found;
        if (table->problem != NULL)
            continue;
        if (!key_sweep(reader, table, snapshot_stream, position, &found, err))
            return error_prefix(err, "keys of %s", table->entity->from);
        if (found != NULL)
            problem = problem == NULL ? found : arena_printf(reader->arena, "%s; %s", problem, found);
    }
    *ret_problem = problem;
    return true;
}
