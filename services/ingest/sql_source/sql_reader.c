#include "services/ingest/sql_source/sql_reader.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/metrics.h"
#include "common/worker.h"

/* A change that replaces a key is two changes. */
enum { CHANGES_CAPACITY = SQL_BATCH_CHANGES_MAX + 2 };

static Metric changes_total = {.kind = METRIC_COUNTER,
                               .name = "rushcast_ingest_sql_changes_total",
                               .help = "Rows and changes read from the company's database, by what became of them",
                               .labels = {"result"}};

void sql_reader_init(SqlReader *reader, const EntityMapping *mapping, SourceStatus *status)
{
    *reader = (SqlReader){.mapping = mapping, .status = status};
    reader->drift = schema_drift_new(mapping->source);
    reader->arena = arena_new();
    reader->batch_arena = arena_new();
    reader->changes = calloc(CHANGES_CAPACITY, sizeof *reader->changes);
    if (reader->changes == NULL)
        abort();
}

void sql_reader_fini(SqlReader *reader)
{
    source_close(&reader->source);
    free(reader->changes);
    arena_free(reader->batch_arena);
    arena_free(reader->arena);
    schema_drift_free(reader->drift);
}

EntityChange *sql_reader_add(SqlReader *reader)
{
    assert(reader->count < CHANGES_CAPACITY);
    return &reader->changes[reader->count++];
}

bool sql_reader_is_full(const SqlReader *reader)
{
    return reader->count >= SQL_BATCH_CHANGES_MAX || arena_used_bytes(reader->batch_arena) >= SQL_BATCH_LIMIT_BYTES;
}

bool sql_reader_position(SqlReader *reader, const char *stream, char ret_position[SQL_POSITION_MAX_BYTES], Error *err)
{
    const char *position;
    if (!entity_store_position(reader->warehouse, reader->mapping->source, stream, reader->arena, &position, err))
        return false;
    snprintf(ret_position, SQL_POSITION_MAX_BYTES, "%s", position == NULL ? "" : position);
    return true;
}

static void count_result(const SqlReader *reader, const EntityResult *result)
{
    Instant changed_at = INSTANT_NONE;
    for (size_t i = 0; i < reader->count; i++)
        if (reader->changes[i].valid_from > changed_at)
            changed_at = reader->changes[i].valid_from;
    source_status_add_result(reader->status, result, changed_at);
    metric_add(metric_with(&changes_total, "recorded"), (double)result->recorded);
    metric_add(metric_with(&changes_total, "unchanged"), (double)result->unchanged);
    metric_add(metric_with(&changes_total, "quarantined"), (double)result->quarantined);
}

bool sql_reader_write(SqlReader *reader, const char *stream, char position[SQL_POSITION_MAX_BYTES], const char *next,
                      Error *err)
{
    EntityBatch batch = {
        .source = reader->mapping->source,
        .stream = stream,
        .expected_position = position[0] == '\0' ? NULL : position,
        .position = next,
        .changes = reader->changes,
        .count = reader->count,
    };
    EntityResult result = {0};
    if (!entity_store_apply(reader->warehouse, &batch, reader->locate, reader->locate_context, reader->drift, &result,
                            err))
        return false;
    count_result(reader, &result);
    snprintf(position, SQL_POSITION_MAX_BYTES, "%s", next);
    reader->count = 0;
    arena_reset(reader->batch_arena);
    return true;
}

bool sql_reader_should_end(const SqlReader *reader)
{
    return workers_stopping() || atomic_load(&reader->status->snapshot_wanted);
}
