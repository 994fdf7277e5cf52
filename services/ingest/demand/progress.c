#include "services/ingest/demand/progress.h"

#include "gen/ingest_sql.h"

bool progress_read(PgConnection *connection, Progress *ret_progress, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    if (!pg_run(connection, &sql_select_watermark, PG_PARAMS(), &row, err))
        return false;
    *ret_progress = (Progress){.watermark = pg_get_instant(row, 0, 0),
                               .first_hour = pg_get_hour(row, 0, 1),
                               .orders = pg_get_int(row, 0, 2),
                               .changed_seq = pg_get_int(row, 0, 3),
                               .as_of = pg_get_int(row, 0, 4),
                               .geo_version = (int32_t)pg_get_int(row, 0, 5)};
    return true;
}

bool progress_read_positions(PgConnection *connection, const char *topic, Arena *arena,
                             PartitionPosition **ret_positions, size_t *ret_count, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!pg_run(connection, &sql_select_kafka_offsets, PG_PARAMS(pg_text(topic)), &rows, err))
        return false;
    size_t count = (size_t)PQntuples(rows);
    PartitionPosition *positions = arena_array(arena, count, sizeof *positions);
    for (int i = 0; i < PQntuples(rows); i++)
        positions[i] = (PartitionPosition){.partition = (int32_t)pg_get_int(rows, i, 0),
                                           .next_offset = pg_get_int(rows, i, 1),
                                           .end_offset = pg_get_int(rows, i, 2),
                                           .latest_event_at = pg_get_instant(rows, i, 3),
                                           .events = pg_get_int(rows, i, 4),
                                           .duplicates = pg_get_int(rows, i, 5),
                                           .dead_letters = pg_get_int(rows, i, 6)};
    *ret_positions = positions;
    *ret_count = count;
    return true;
}
