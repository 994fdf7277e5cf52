#include "services/ingest/sql_source/watermark_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "services/ingest/sql_source/key_sweep.h"
#include "services/ingest/sql_source/snapshot.h"

enum { STREAM_MAX_BYTES = 256 };

/* Positions of a table that was not read to its end yet, and of one without a column that tells when rows changed,
 * which is read as a whole each time. */
static const char begun[] = "begun", whole[] = "whole";

typedef struct TablePoll {
    const SourceTable *table;
    bool has_watermark;
    char stream[STREAM_MAX_BYTES];
    char position[SQL_POSITION_MAX_BYTES];
} TablePoll;

/* The newest time in the table that is not in the future; empty: there is none. Read before the rows: what changes
 * meanwhile is read again the next time. */
static bool read_newest(SqlReader *reader, const SourceTable *table, char ret_newest[SQL_POSITION_MAX_BYTES],
                        Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    const char *column = table->entity->updated_at;
    const char *sql =
        arena_printf(reader->arena, "SELECT max(\"%s\") FROM %s WHERE \"%s\" <= now()", column, table->quoted, column);
    if (!source_command(&reader->source, sql, SOURCE_SCAN_DEADLINE_MS, &rows, err))
        return false;
    snprintf(ret_newest, SQL_POSITION_MAX_BYTES, "%s", PQgetvalue(rows, 0, 0));
    return true;
}

static bool read_changed(SqlReader *reader, TablePoll *poll, const WatermarkOptions *options, Error *err)
{
    const SourceTable *table = poll->table;
    char next[SQL_POSITION_MAX_BYTES];
    const char *filter = "", *column = table->entity->updated_at;
    snprintf(next, sizeof next, "%s", whole);
    if (poll->has_watermark && !read_newest(reader, table, next, err))
        return false;
    if (poll->has_watermark && !options->read_whole && source_instant(poll->position) != INSTANT_NONE)
        filter = arena_printf(reader->arena,
                              " WHERE \"%s\" >= timestamptz '%s' - interval '%" PRId64 " s' OR \"%s\" IS NULL", column,
                              poll->position, options->overlap_s, column);
    const char *meanwhile = arena_strdup(reader->arena, *filter == '\0' ? begun : poll->position);
    return snapshot_copy_table(reader, table, filter, poll->stream, meanwhile, poll->position, err) &&
           (next[0] == '\0' || strcmp(next, poll->position) == 0 ||
            sql_reader_write(reader, poll->stream, poll->position, next, err));
}

static bool read_and_sweep(SqlReader *reader, TablePoll *poll, const WatermarkOptions *options, const char **ret_swept,
                           Error *err)
{
    *ret_swept = NULL;
    return source_command(&reader->source, "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
                          SOURCE_QUERY_DEADLINE_MS, NULL, err) &&
           sql_reader_position(reader, poll->stream, poll->position, err) && read_changed(reader, poll, options, err) &&
           (!options->with_sweep || key_sweep(reader, poll->table, poll->stream, poll->position, ret_swept, err)) &&
           source_command(&reader->source, "COMMIT", SOURCE_QUERY_DEADLINE_MS, NULL, err);
}

static void add_problem(SqlReader *reader, const char **problems, const char *problem)
{
    if (problem != NULL)
        *problems = *problems == NULL ? problem : arena_printf(reader->arena, "%s; %s", *problems, problem);
}

bool watermark_poll(SqlReader *reader, const WatermarkOptions *options, const char **ret_problem,
                    const char **ret_swept, Error *err)
{
    const char *problems = NULL, *swept = NULL;
    source_status_begin_snapshot(reader->status, (int64_t)reader->catalog.count);
    for (size_t i = 0; i < reader->catalog.count; i++) {
        const SourceTable *table = &reader->catalog.tables[i];
        const char *found;
        Error failed;
        if (table->problem != NULL)
            continue;
        TablePoll poll = {.table = table, .has_watermark = row_map_has_watermark(table->map)};
        snprintf(poll.stream, sizeof poll.stream, "table %s", table->entity->from);
        if (read_and_sweep(reader, &poll, options, &found, &failed)) {
            add_problem(reader, &swept, found);
        } else if (reader->source.state[0] != '\0') {
            /* The source refused this table; the others can be read. */
            add_problem(reader, &problems, arena_printf(reader->arena, "%s: %s", table->entity->from, failed.message));
            if (!source_command(&reader->source, "ROLLBACK", SOURCE_QUERY_DEADLINE_MS, NULL, err))
                return false;
        } else {
            *err = failed;
            return false;
        }
        source_status_add_snapshot(reader->status, 1, 0);
    }
    *ret_problem = problems;
    *ret_swept = swept;
    return true;
}
