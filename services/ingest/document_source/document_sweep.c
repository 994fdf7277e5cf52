#include "services/ingest/document_source/document_sweep.h"

#include <stdlib.h>
#include <string.h>
#include "common/buffer.h"
#include "common/clock.h"
#include "common/worker.h"
#include "services/ingest/document_source/document_values.h"
#include "services/ingest/entities/entity_sql.h"

enum {
    COPY_ROWS = 50000,
    COPY_TIMEOUT_MS = 600000,
    TASKS_PAGE = 500,
    ID_MAX_BYTES = 16 << 10,
    SQL_MAX_BYTES = 16 << 10,
    OID_TEXT_LENGTH = 24,
    KEY_FIELDS = 3, /* beside the key columns */
};

static const char tables_sql[] =
    "CREATE TEMP TABLE IF NOT EXISTS swept_key (k0 text COLLATE \"C\", k1 text COLLATE \"C\", k2 text COLLATE \"C\", "
    "k3 text COLLATE \"C\", k4 text COLLATE \"C\", k5 text COLLATE \"C\", k6 text COLLATE \"C\", k7 text COLLATE "
    "\"C\", changed_at timestamptz, id bytea, read_again boolean);"
    "CREATE TEMP TABLE IF NOT EXISTS sweep_task (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id bytea, "
    "k0 text, k1 text, k2 text, k3 text, k4 text, k5 text, k6 text, k7 text);"
    "TRUNCATE swept_key; TRUNCATE sweep_task RESTART IDENTITY";
static const char copy_target[] = "swept_key (k0, k1, k2, k3, k4, k5, k6, k7, changed_at, id, read_again)";
static const PgStatement select_tasks = {
    "select_sweep_tasks",
    "SELECT n, id, k0, k1, k2, k3, k4, k5, k6, k7 FROM sweep_task WHERE n > $1 ORDER BY n LIMIT $2"};
static const PgStatement count_tasks = {"count_sweep_tasks", "SELECT count(*) FROM sweep_task"};

typedef struct Sweep {
    DocumentReader *reader;
    DocumentWriter *writer;
    PgConnection *connection;
    DocumentCollection *collection;
    size_t keys[ENTITY_KEY_COLUMNS_MAX]; /* columns of the entity */
    size_t keys_count;
    PgCopy *copy; /* NULL: none is open */
    int64_t copied, seen;
    Arena *arena; /* of one document */
    Instant now;
    Error failure;
} Sweep;

/* ---- staging the source's keys ---- */

/* What the row has beside its key: when the document says it changed, and whether that can be relied on. */
static void judge_time(Sweep *sweep, const bson_t *document, Instant *ret_changed_at, bool *ret_read_again)
{
    const char *path = sweep->collection->entity->updated_at;
    bson_iter_t value;
    DocumentLane lane;
    Instant instant;
    *ret_changed_at = INSTANT_NONE;
    *ret_read_again = true;
    if (!path || !document_find(document, path, &value) || !document_lane_of(&value, &lane, &instant) ||
        instant > sweep->now + DOCUMENT_FUTURE_S * INSTANT_PER_SECOND)
        return;
    sweep->collection->position.is_used[lane] = true;
    *ret_changed_at = instant;
    *ret_read_again = false;
}

static bool copy_row(Sweep *sweep, const bson_t *document)
{
    const Entity *entity = sweep->collection->entity;
    bson_t id = BSON_INITIALIZER;
    bson_iter_t value;
    Instant changed_at;
    bool read_again;
    EntityValue *values = arena_array(sweep->arena, entity->columns_count, sizeof *values);
    bool has_key = document_read_key(sweep->collection->plan, document, sweep->arena, values);
    judge_time(sweep, document, &changed_at, &read_again);
    if (bson_iter_init_find(&value, document, "_id"))
        bson_append_iter(&id, "", 0, &value);
    if (id.len <= ID_MAX_BYTES) {
        pg_copy_row(sweep->copy, ENTITY_KEY_COLUMNS_MAX + KEY_FIELDS);
        for (size_t i = 0; i < ENTITY_KEY_COLUMNS_MAX; i++)
            pg_copy_text(sweep->copy, has_key && i < sweep->keys_count ? values[sweep->keys[i]] : NULL);
        pg_copy_instant(sweep->copy, changed_at);
        pg_copy_bytes(sweep->copy, bson_get_data(&id), id.len);
        pg_copy_bool(sweep->copy, read_again);
        sweep->copied++;
    }
    bson_destroy(&id);
    sweep->seen++;
    return true;
}

static bool end_copy(Sweep *sweep, bool abandon, Error *err)
{
    PgCopy *copy = sweep->copy;
    sweep->copy = NULL;
    sweep->copied = 0;
    return !copy || pg_copy_end(copy, abandon, NULL, err);
}

static bool stage(void *context, const bson_t *document)
{
    Sweep *sweep = context;
    arena_reset(sweep->arena);
    if (sweep->copied >= COPY_ROWS && !end_copy(sweep, false, &sweep->failure))
        return false;
    if (!sweep->copy && !pg_copy_begin(sweep->connection, copy_target, &sweep->copy, &sweep->failure))
        return false;
    if (workers_stopping())
        return error_set(&sweep->failure, ERROR_UNAVAILABLE, "the service stops");
    return copy_row(sweep, document);
}

static void append_projection(const Sweep *sweep, bson_t *options)
{
    const Entity *entity = sweep->collection->entity;
    bson_t fields, order;
    bson_append_document_begin(options, "projection", -1, &fields);
    bson_append_int32(&fields, "_id", -1, 1);
    for (size_t i = 0; i < sweep->keys_count; i++) {
        const char *path = entity->columns[sweep->keys[i]].from;
        if (strcmp(path, "_id") != 0 && strncmp(path, "_id.", 4) != 0)
            bson_append_int32(&fields, path, -1, 1);
    }
    if (entity->updated_at)
        bson_append_int32(&fields, entity->updated_at, -1, 1);
    bson_append_document_end(options, &fields);
    bson_append_document_begin(options, "sort", -1, &order);
    bson_append_int32(&order, "_id", -1, 1);
    bson_append_document_end(options, &order);
}

static bool stage_all(Sweep *sweep, Error *err)
{
    bson_t all = BSON_INITIALIZER, options = BSON_INITIALIZER;
    append_projection(sweep, &options);
    bool ok = document_reader_find(sweep->reader, sweep->collection->entity->from, &all, &options, stage, sweep, err);
    if (ok && sweep->failure.code != ERROR_NONE) {
        *err = sweep->failure;
        ok = false;
    }
    Error ignored;
    ok = end_copy(sweep, !ok, ok ? err : &ignored) && ok;
    bson_destroy(&all);
    bson_destroy(&options);
    return ok;
}

/* ---- what is to be done ---- */

/* Of a key column. */
static const char *sql_type(EntityType type)
{
    return type == ENTITY_INTEGER ? "bigint" : type == ENTITY_DATE ? "date" : "text";
}

/* The names are the mapping's, which its parser has found fit for SQL. */
static void append_join(const Sweep *sweep, Buffer *sql)
{
    const Entity *entity = sweep->collection->entity;
    for (size_t i = 0; i < sweep->keys_count; i++) {
        const EntityColumn *column = &entity->columns[sweep->keys[i]];
        buffer_printf(sql, "%se.\"%s\" = s.k%zu::%s", i > 0 ? " AND " : "", column->name, i, sql_type(column->type));
    }
}

static bool run(Sweep *sweep, const Buffer *sql, Error *err)
{
    return buffer_ok(sql, err) && pg_command(sweep->connection, sql->data, err);
}

static bool plan_reading(Sweep *sweep, Error *err)
{
    const Entity *entity = sweep->collection->entity;
    BUFFER_SCOPED Buffer sql;
    buffer_init(&sql, SQL_MAX_BYTES);
    buffer_printf(
        &sql, "ANALYZE swept_key; INSERT INTO sweep_task (id) SELECT s.id FROM swept_key s LEFT JOIN core.\"%s\" e ON ",
        entity->name);
    append_join(sweep, &sql);
    buffer_printf(&sql, " WHERE s.read_again OR e.\"%s\" IS NULL OR e.valid_from IS DISTINCT FROM s.changed_at",
                  entity->columns[sweep->keys[0]].name);
    return run(sweep, &sql, err);
}

static bool plan_deletion(Sweep *sweep, Error *err)
{
    const Entity *entity = sweep->collection->entity;
    BUFFER_SCOPED Buffer sql;
    buffer_init(&sql, SQL_MAX_BYTES);
    buffer_append_text(&sql, "TRUNCATE sweep_task RESTART IDENTITY; INSERT INTO sweep_task (");
    for (size_t i = 0; i < sweep->keys_count; i++)
        buffer_printf(&sql, "%sk%zu", i > 0 ? ", " : "", i);
    buffer_append_text(&sql, ") SELECT ");
    for (size_t i = 0; i < sweep->keys_count; i++)
        buffer_printf(&sql, "%se.\"%s\"::text", i > 0 ? ", " : "", entity->columns[sweep->keys[i]].name);
    buffer_printf(&sql, " FROM core.\"%s\" e WHERE NOT EXISTS (SELECT FROM swept_key s WHERE ", entity->name);
    append_join(sweep, &sql);
    buffer_append_text(&sql, ")");
    entity_sql_append_not_erased(&sql, entity, "e");
    return run(sweep, &sql, err);
}

static bool count_rows(Sweep *sweep, int64_t *ret_rows, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    char text[256];
    snprintf(text, sizeof text, "SELECT count(*) FROM core.\"%s\"", sweep->collection->entity->name);
    row = PQexec(pg_handle(sweep->connection), text);
    if (PQresultStatus(row) != PGRES_TUPLES_OK)
        return error_set(err, ERROR_UNAVAILABLE, "the warehouse can't be asked: %s",
                         PQerrorMessage(pg_handle(sweep->connection)));
    *ret_rows = strtoll(PQgetvalue(row, 0, 0), NULL, 10);
    return true;
}

/* ---- doing it ---- */

typedef struct Gathering {
    DocumentWriter *writer;
    PgConnection *connection;
    DocumentCollection *collection;
    Error failure;
} Gathering;

static bool gather(void *context, const bson_t *document)
{
    Gathering *gathering = context;
    document_writer_add(gathering->writer, gathering->collection, document);
    return !document_writer_is_full(gathering->writer) ||
           document_writer_flush(gathering->writer, gathering->connection, gathering->collection, &gathering->failure);
}

bool document_read_by_ids(DocumentReader *reader, DocumentWriter *writer, PgConnection *connection,
                          DocumentCollection *collection, const bson_t *ids, Error *err)
{
    bson_t filter = BSON_INITIALIZER, among, options = BSON_INITIALIZER;
    Gathering gathering = {.writer = writer, .connection = connection, .collection = collection};
    bson_append_document_begin(&filter, "_id", -1, &among);
    bson_append_array(&among, "$in", -1, ids);
    bson_append_document_end(&filter, &among);
    bson_append_int32(&options, "batchSize", -1, (int32_t)collection->page_documents);
    bool ok = document_reader_find(reader, collection->entity->from, &filter, &options, gather, &gathering, err);
    bson_destroy(&filter);
    bson_destroy(&options);
    if (ok && gathering.failure.code != ERROR_NONE) {
        *err = gathering.failure;
        return false;
    }
    return ok && document_writer_flush(writer, connection, collection, err);
}

static bool next_tasks(Sweep *sweep, int64_t *after, int64_t limit, PGresult **ret_rows, Error *err)
{
    if (!pg_run(sweep->connection, &select_tasks, PG_PARAMS(pg_int(*after), pg_int(limit)), ret_rows, err))
        return false;
    int count = PQntuples(*ret_rows);
    if (count > 0)
        *after = pg_get_int(*ret_rows, count - 1, 0);
    return true;
}

static bool read_page(Sweep *sweep, const PGresult *rows, Error *err)
{
    bson_t ids = BSON_INITIALIZER;
    uint32_t count = 0;
    for (int i = 0; i < PQntuples(rows); i++) {
        size_t length_bytes;
        char buffer[16];
        const char *key;
        bson_t id;
        bson_iter_t value;
        const void *bytes = pg_get_bytes(rows, i, 1, &length_bytes);
        bson_uint32_to_string(count, &key, buffer, sizeof buffer);
        if (bson_init_static(&id, bytes, length_bytes) && bson_iter_init(&value, &id) && bson_iter_next(&value) &&
            bson_append_iter(&ids, key, -1, &value))
            count++;
    }
    bool ok = document_read_by_ids(sweep->reader, sweep->writer, sweep->connection, sweep->collection, &ids, err);
    bson_destroy(&ids);
    return ok;
}

static bool read_missed(Sweep *sweep, Error *err)
{
    for (int64_t after = 0;;) {
        PG_RESULT_SCOPED PGresult *rows = NULL;
        if (!next_tasks(sweep, &after, sweep->collection->page_documents, &rows, err))
            return false;
        if (PQntuples(rows) == 0)
            return true;
        if (!read_page(sweep, rows, err))
            return false;
    }
}

/* All values in the source that are the text in the warehouse. */
static void append_candidates(bson_t *out, const char *text)
{
    bson_t among;
    uint32_t count = 0;
    char *end;
    bson_append_array_begin(out, "$in", -1, &among);
    bson_append_utf8(&among, "0", -1, text, -1);
    count++;
    double number = strtod(text, &end);
    if (*text && *end == '\0') {
        bson_append_double(&among, "1", -1, number);
        bson_append_int64(&among, "2", -1, strtoll(text, NULL, 10));
        count += 2;
    }
    if (strlen(text) == OID_TEXT_LENGTH && bson_oid_is_valid(text, OID_TEXT_LENGTH)) {
        bson_oid_t oid;
        char buffer[16];
        const char *key;
        bson_oid_init_from_string(&oid, text);
        bson_uint32_to_string(count, &key, buffer, sizeof buffer);
        bson_append_oid(&among, key, -1, &oid);
    }
    bson_append_array_end(out, &among);
}

/* The keys of a page of deletions, and which of them are still there. */
typedef struct Doomed {
    Sweep *sweep;
    PGresult *rows;
    bool is_there[TASKS_PAGE];
} Doomed;

static bool is_row(const Doomed *doomed, int row, const EntityValue *values)
{
    for (size_t i = 0; i < doomed->sweep->keys_count; i++) {
        if (strcmp(pg_get_text(doomed->rows, row, 2 + (int)i), values[doomed->sweep->keys[i]]) != 0)
            return false;
    }
    return true;
}

static bool spare(void *context, const bson_t *document)
{
    Doomed *doomed = context;
    Sweep *sweep = doomed->sweep;
    arena_reset(sweep->arena);
    EntityValue *values = arena_array(sweep->arena, sweep->collection->entity->columns_count, sizeof *values);
    if (!document_read_key(sweep->collection->plan, document, sweep->arena, values))
        return true;
    for (int row = 0; row < PQntuples(doomed->rows); row++)
        doomed->is_there[row] = doomed->is_there[row] || is_row(doomed, row, values);
    return true;
}

/* Documents that came while the keys were being read are there. */
static bool look_again(Doomed *doomed, Error *err)
{
    Sweep *sweep = doomed->sweep;
    bson_t filter = BSON_INITIALIZER, options = BSON_INITIALIZER, ways, way, among;
    append_projection(sweep, &options);
    bson_append_array_begin(&filter, "$or", -1, &ways);
    for (int row = 0; row < PQntuples(doomed->rows); row++) {
        char buffer[16];
        const char *key;
        bson_uint32_to_string((uint32_t)row, &key, buffer, sizeof buffer);
        bson_append_document_begin(&ways, key, -1, &way);
        for (size_t i = 0; i < sweep->keys_count; i++) {
            bson_append_document_begin(&way, sweep->collection->entity->columns[sweep->keys[i]].from, -1, &among);
            append_candidates(&among, pg_get_text(doomed->rows, row, 2 + (int)i));
            bson_append_document_end(&way, &among);
        }
        bson_append_document_end(&ways, &way);
    }
    bson_append_array_end(&filter, &ways);
    bool ok =
        document_reader_find(sweep->reader, sweep->collection->entity->from, &filter, &options, spare, doomed, err);
    bson_destroy(&filter);
    bson_destroy(&options);
    return ok;
}

static bool delete_page(Doomed *doomed, Error *err)
{
    Sweep *sweep = doomed->sweep;
    Arena *arena = document_writer_arena(sweep->writer);
    for (int row = 0; row < PQntuples(doomed->rows); row++) {
        if (doomed->is_there[row])
            continue;
        EntityValue *values = arena_array(arena, sweep->collection->entity->columns_count, sizeof *values);
        for (size_t i = 0; i < sweep->keys_count; i++)
            values[sweep->keys[i]] = arena_strdup(arena, pg_get_text(doomed->rows, row, 2 + (int)i));
        document_writer_delete(sweep->writer, sweep->collection, values);
    }
    return document_writer_flush(sweep->writer, sweep->connection, sweep->collection, err);
}

static bool delete_gone(Sweep *sweep, Error *err)
{
    for (int64_t after = 0;;) {
        PG_RESULT_SCOPED PGresult *rows = NULL;
        Doomed doomed = {.sweep = sweep};
        if (!next_tasks(sweep, &after, TASKS_PAGE, &rows, err))
            return false;
        if (PQntuples(rows) == 0)
            return true;
        doomed.rows = rows;
        if (!look_again(&doomed, err) || !delete_page(&doomed, err))
            return false;
    }
}

static bool delete_if_allowed(Sweep *sweep, bool accept_deletes, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    int64_t rows;
    if (!count_rows(sweep, &rows, err) || !pg_run(sweep->connection, &count_tasks, PG_PARAMS(), &row, err))
        return false;
    int64_t gone = pg_get_int(row, 0, 0);
    bool too_many = rows >= SWEEP_FEW_ROWS && gone * 100 > rows * SWEEP_DELETES_MAX_PERCENT;
    sweep->collection->deletes_waiting = too_many && !accept_deletes ? gone : 0;
    return sweep->collection->deletes_waiting > 0 || delete_gone(sweep, err);
}

static void find_keys(Sweep *sweep)
{
    const Entity *entity = sweep->collection->entity;
    for (size_t i = 0; i < entity->columns_count && sweep->keys_count < ENTITY_KEY_COLUMNS_MAX; i++) {
        if (entity->columns[i].key)
            sweep->keys[sweep->keys_count++] = i;
    }
}

bool document_sweep(DocumentReader *reader, DocumentWriter *writer, PgConnection *connection,
                    DocumentCollection *collection, bool accept_deletes, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    Sweep sweep = {.reader = reader,
                   .writer = writer,
                   .connection = connection,
                   .collection = collection,
                   .arena = arena,
                   .now = clock_wall()};
    find_keys(&sweep);
    if (!pg_set_timeout(connection, COPY_TIMEOUT_MS, err) || !pg_command(connection, tables_sql, err) ||
        !stage_all(&sweep, err) || !plan_reading(&sweep, err) || !read_missed(&sweep, err) ||
        !plan_deletion(&sweep, err) || !delete_if_allowed(&sweep, accept_deletes, err) ||
        !pg_command(connection, "TRUNCATE swept_key, sweep_task", err))
        return false;
    collection->keys = sweep.seen;
    collection->position.swept_at = sweep.now;
    return document_writer_flush(writer, connection, collection, err);
}
