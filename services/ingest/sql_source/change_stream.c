#include "services/ingest/sql_source/change_stream.h"

#include <assert.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include "common/buffer.h"
#include "common/clock.h"
#include "services/ingest/sql_source/key_sweep.h"

enum {
    RECEIVE_WAIT_MS = 200,
    RECORD_IDLE_EVERY_MS = 10000, /* how far an idle stream is recorded, so that the source may forget its log */
    SQL_LIMIT_BYTES = 4 << 20,
};

const char change_stream[] = "changes";

/* A table as the source last described it. */
typedef struct Relation {
    const SourceTable *table;
    RowMap *map;
    bool tells_old; /* old rows come with the key */
} Relation;

typedef struct Follower {
    SqlReader *reader;
    const ChangeStreamOptions *options;
    char *position;          /* recorded */
    StreamPosition recorded; /* the same */
    StreamPosition read;     /* with the changes that wait in the reader */
    GHashTable *relations;   /* id -> Relation; none: not in the mapping */

    bool in_transaction;
    Lsn transaction;
    Instant committed_at;
    int64_t seen, skipped; /* changes of the transaction: all, and those recorded before */
    int64_t first_at_ms;   /* when the batch got its first change; 0: it is empty */
    int64_t idle_at_ms;    /* when the position of an idle stream was recorded */
    Lsn idle_end;          /* all before was sent and there is nothing to be written; 0: not known */
} Follower;

static bool write_batch(Follower *follower, Error *err)
{
    char next[STREAM_POSITION_TEXT_MAX];
    stream_position_format(&follower->read, next);
    if (!sql_reader_write(follower->reader, change_stream, follower->position, next, err))
        return false;
    follower->recorded = follower->read;
    follower->first_at_ms = 0;
    atomic_store(follower->options->reached, follower->recorded.complete);
    replication_confirm(follower->options->replication, follower->recorded.complete);
    source_status_set_position(follower->reader->status, next);
    return true;
}

/* After the change that was seen last the batch may be written. */
static void mark(Follower *follower)
{
    follower->read.partial = follower->transaction;
    follower->read.changes = follower->seen;
    if (follower->first_at_ms == 0)
        follower->first_at_ms = clock_monotonic_ms();
}

static void append_literal(Follower *follower, Buffer *sql, const char *text)
{
    char *literal = PQescapeLiteral(follower->reader->source.handle, text, strlen(text));
    buffer_append_text(sql, literal == NULL ? "NULL" : literal);
    PQfreemem(literal);
}

/* Fills the values that were not sent from the row as the source has it now; it may be gone, then they become null.
 * What changed since comes with the stream. */
static bool read_again(Follower *follower, const Relation *relation, const char **values, Error *err)
{
    SqlReader *reader = follower->reader;
    const RowMap *map = relation->map;
    PG_RESULT_SCOPED PGresult *rows = NULL;
    BUFFER_SCOPED Buffer sql = {0};
    Error failed;
    const char *before = "SELECT ";
    buffer_init(&sql, SQL_LIMIT_BYTES);
    for (size_t i = 0; i < map->count; i++)
        if (values[i] == pgoutput_unchanged) {
            buffer_printf(&sql, "%s\"%s\"", before, map->columns[i].name);
            before = ", ";
        }
    buffer_printf(&sql, " FROM %s", relation->table->quoted);
    before = " WHERE ";
    for (size_t k = 0; k < map->entity->columns_count; k++)
        if (map->entity->columns[k].key) {
            const char *value = values[map->places[k]];
            buffer_printf(&sql, "%s\"%s\" = ", before, map->columns[map->places[k]].name);
            append_literal(follower, &sql, value == NULL || value == pgoutput_unchanged ? "" : value);
            before = " AND ";
        }
    if (!buffer_ok(&sql, err))
        return false;
    if (!source_command(&reader->source, sql.data, SOURCE_QUERY_DEADLINE_MS, &rows, &failed) &&
        reader->source.state[0] == '\0') {
        if (err != NULL)
            *err = failed;
        return false;
    }
    int column = 0;
    for (size_t i = 0; i < map->count; i++)
        if (values[i] == pgoutput_unchanged) {
            const char *value = PQntuples(rows) == 1 ? source_text(rows, 0, column) : NULL;
            values[i] = value == NULL ? NULL : arena_strdup(reader->batch_arena, value);
            column++;
        }
    return true;
}

static void fill_unchanged(const RowMap *map, const char **values, const PgoutputRow *old)
{
    for (size_t i = 0; i < map->count; i++)
        if (values[i] == pgoutput_unchanged)
            values[i] = old->values[i];
}

/* Whether a column that is kept only in `extra` was not sent: the object must be whole. */
static bool misses_extra(const RowMap *map, const char *const *values)
{
    for (size_t i = 0; i < map->count; i++)
        if (values[i] == pgoutput_unchanged && !map->is_mapped[i])
            return true;
    return false;
}

static bool put(Follower *follower, const Relation *relation, PgoutputMessage *message, Error *err)
{
    SqlReader *reader = follower->reader;
    const RowMap *map = relation->map;
    const char **values = message->row.values;
    bool moved =
        relation->tells_old && message->old_row.count > 0 && !row_map_same_key(map, message->old_row.values, values);
    if (message->old_is_whole && message->old_row.count > 0)
        fill_unchanged(map, values, &message->old_row);
    if (((moved && row_map_has_unchanged(map, values)) || misses_extra(map, values)) &&
        !read_again(follower, relation, values, err))
        return false;
    if (moved)
        row_map_delete(map, message->old_row.values, follower->committed_at, reader->batch_arena,
                       sql_reader_add(reader));
    row_map_put(map, values, follower->committed_at, reader->batch_arena, reader->drift, sql_reader_add(reader));
    return true;
}

static void take_delete(Follower *follower, const Relation *relation, const PgoutputMessage *message)
{
    SqlReader *reader = follower->reader;
    if (relation->tells_old)
        row_map_delete(relation->map, message->old_row.values, follower->committed_at, reader->batch_arena,
                       sql_reader_add(reader));
    else
        source_status_set_problem(reader->status,
                                  arena_printf(reader->batch_arena,
                                               "a row of %s was deleted that can't be told, since its replica identity "
                                               "has not the mapping's key: a new snapshot finds it",
                                               relation->map->entity->from));
}

static const Relation *find_relation(const Follower *follower, uint32_t id)
{
    return g_hash_table_lookup(follower->relations, GUINT_TO_POINTER(id));
}

static bool fits(const Relation *relation, const PgoutputRow *row)
{
    return row->count == 0 || row->count == relation->map->count;
}

static bool take_change(Follower *follower, PgoutputMessage *message, Error *err)
{
    const Relation *relation = find_relation(follower, message->relation_id);
    if (++follower->seen <= follower->skipped)
        return true;
    if (relation != NULL) {
        if (!fits(relation, &message->old_row) || !fits(relation, &message->row))
            return error_set(err, ERROR_UPSTREAM, "source: a row of %s has other columns than the table",
                             relation->map->entity->from);
        if (message->kind == PGOUTPUT_DELETE)
            take_delete(follower, relation, message);
        else if (!put(follower, relation, message, err))
            return false;
    }
    mark(follower);
    return !sql_reader_is_full(follower->reader) || write_batch(follower, err);
}

/* What came before is written first, since deletions here come from what the warehouse has. A crash in between leaves
 * the rest to be deleted by the same change. */
static bool take_truncate(Follower *follower, const PgoutputMessage *message, Error *err)
{
    if (++follower->seen <= follower->skipped)
        return true;
    if (!write_batch(follower, err))
        return false;
    for (size_t i = 0; i < message->truncated_count; i++) {
        const Relation *relation = find_relation(follower, message->truncated[i]);
        if (relation != NULL && !key_sweep_all(follower->reader, relation->map->entity, follower->committed_at,
                                               change_stream, follower->position, err))
            return false;
    }
    mark(follower);
    return true;
}

static void take_relation(Follower *follower, const PgoutputMessage *message)
{
    SqlReader *reader = follower->reader;
    const SourceTable *table = source_catalog_find(&reader->catalog, message->schema, message->table);
    Relation *relation = NULL;
    if (table != NULL && table->problem == NULL) {
        RowMap *map = row_map_new(table->entity, message->columns, message->columns_count, reader->arena);
        bool has_key = true;
        for (size_t k = 0; k < table->entity->columns_count; k++)
            has_key = has_key && (!table->entity->columns[k].key || map->places[k] >= 0);
        if (has_key) {
            relation = arena_zalloc(reader->arena, sizeof *relation);
            *relation = (Relation){.table = table, .map = map, .tells_old = row_map_identity_holds_key(map)};
        } else {
            source_status_set_problem(
                reader->status,
                arena_printf(reader->arena, "table %s lost a column of its key and is not read", table->entity->from));
        }
    }
    g_hash_table_insert(follower->relations, GUINT_TO_POINTER(message->relation_id), relation);
}

static void begin(Follower *follower, const PgoutputMessage *message)
{
    follower->in_transaction = true;
    follower->transaction = message->lsn;
    follower->committed_at = message->committed_at;
    follower->seen = 0;
    follower->skipped = follower->recorded.partial == message->lsn ? follower->recorded.changes : 0;
    follower->idle_end = 0;
}

static bool take_message(Follower *follower, const ReplicationData *data, Error *err)
{
    PgoutputMessage message;
    if (!pgoutput_read(data->data, data->length_bytes, follower->reader->batch_arena, &message, err))
        return false;
    switch (message.kind) {
    case PGOUTPUT_BEGIN:
        begin(follower, &message);
        return true;
    case PGOUTPUT_COMMIT:
        follower->in_transaction = false;
        follower->read = (StreamPosition){.complete = message.lsn};
        if (follower->first_at_ms == 0)
            follower->first_at_ms = clock_monotonic_ms();
        return true;
    case PGOUTPUT_RELATION:
        take_relation(follower, &message);
        return true;
    case PGOUTPUT_INSERT:
    case PGOUTPUT_UPDATE:
    case PGOUTPUT_DELETE:
        return take_change(follower, &message, err);
    case PGOUTPUT_TRUNCATE:
        return take_truncate(follower, &message, err);
    case PGOUTPUT_OTHER:
        return true;
    }
    return true;
}

static bool is_waiting(const Follower *follower)
{
    return follower->first_at_ms != 0;
}

/* Between transactions: small ones wait for more; what nothing waits for is recorded from time to time. */
static bool rest(Follower *follower, Error *err)
{
    const ChangeStreamOptions *options = follower->options;
    SourceStatus *status = follower->reader->status;
    int64_t now_ms = clock_monotonic_ms();
    if (is_waiting(follower) && now_ms - follower->first_at_ms >= options->batch_wait_ms && !write_batch(follower, err))
        return false;
    if (!is_waiting(follower) && follower->idle_end > follower->recorded.complete) {
        atomic_store(options->reached, follower->idle_end);
        if (atomic_exchange(&status->sync_wanted, false) || now_ms - follower->idle_at_ms >= RECORD_IDLE_EVERY_MS) {
            follower->read = (StreamPosition){.complete = follower->idle_end};
            follower->idle_at_ms = now_ms;
            if (!write_batch(follower, err))
                return false;
        }
    }
    bool caught_up = !is_waiting(follower) && atomic_load(options->reached) >= options->caught_up_at;
    if (caught_up)
        source_status_set_state(status, SOURCE_CONNECTED, "stream");
    return true;
}

static bool follow(Follower *follower, Error *err)
{
    SqlReader *reader = follower->reader;
    while (!sql_reader_should_end(reader)) {
        ReplicationData data = {0};
        int64_t left_ms = RECEIVE_WAIT_MS;
        if (is_waiting(follower)) {
            left_ms = follower->options->batch_wait_ms - (clock_monotonic_ms() - follower->first_at_ms);
            left_ms = left_ms < 0 ? 0 : left_ms > RECEIVE_WAIT_MS ? RECEIVE_WAIT_MS : left_ms;
        }
        if (!replication_receive(follower->options->replication, (int)left_ms, &data, err))
            return false;
        if (data.data != NULL && !take_message(follower, &data, err))
            return false;
        if (data.data == NULL && data.log_end != 0 && !follower->in_transaction)
            follower->idle_end = data.log_end;
        /* Messages that brought nothing to write fill the arena too. */
        if (sql_reader_is_full(reader) && !write_batch(follower, err))
            return false;
        if (!follower->in_transaction && !rest(follower, err))
            return false;
    }
    return true;
}

bool change_stream_follow(SqlReader *reader, const ChangeStreamOptions *options, char position[SQL_POSITION_MAX_BYTES],
                          Error *err)
{
    Follower follower = {.reader = reader, .options = options, .position = position};
    if (!stream_position_parse(position, &follower.recorded))
        return error_set(err, ERROR_INTERNAL, "raw.source_position has \"%.100s\" for stream %s", position,
                         change_stream);
    follower.read = follower.recorded;
    follower.relations = g_hash_table_new(NULL, NULL);
    source_status_set_position(reader->status, position);
    atomic_store(options->reached, follower.recorded.complete);
    bool ok = follow(&follower, err);
    g_hash_table_destroy(follower.relations);
    return ok;
}
