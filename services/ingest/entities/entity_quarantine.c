#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include "common/buffer.h"
#include "common/json.h"
#include "gen/ingest_sql.h"
#include "services/ingest/entities/entity_sql.h"
#include "services/ingest/entities/entity_write.h"
#include "services/ingest/sql_array.h"

enum { CHANGE_MAX_BYTES = 128 << 20 };

static const char supersede_by_good[] =
    "UPDATE raw.quarantine q SET resolved_at = now(),"
    " resolution = CASE WHEN q.quarantine_id = ANY ($3::bigint[]) THEN 'recorded' ELSE 'superseded' END"
    " FROM (SELECT DISTINCT jsonb_build_array({keys|\"$c\"|, }) AS key FROM \"stage_{name}\") s"
    " WHERE q.source = $1 AND q.entity = $2 AND q.resolved_at IS NULL AND md5(q.key::text) = md5(s.key::text)";

static const char create_received[] =
    "DROP TABLE IF EXISTS pg_temp.received_quarantine, pg_temp.staged_quarantine;"
    "CREATE TEMPORARY TABLE received_quarantine (change_no int, quarantine_id bigint, key text, rule text, detail text,"
    " missing_entity text, missing_key text, change text, original text) ON COMMIT DROP";

/* Of several of one thing only the last stays open. */
static const char type_faulty[] =
    "CREATE TEMPORARY TABLE staged_quarantine ON COMMIT DROP AS"
    " SELECT change_no, quarantine_id, key::jsonb AS key, rule, detail, missing_entity, missing_key,"
    " change::jsonb AS change, original,"
    " key IS NOT NULL AND lead(1) OVER (PARTITION BY key ORDER BY change_no) IS NOT NULL AS resolved"
    " FROM received_quarantine";

/* A good change of the same thing that came after a faulty one. */
static const char close_faulty[] =
    "UPDATE staged_quarantine n SET resolved = true FROM (SELECT jsonb_build_array({keys|\"$c\"|, }) AS key,"
    " max(change_no) AS change_no FROM \"stage_{name}\" GROUP BY 1) s"
    " WHERE n.key = s.key AND n.change_no < s.change_no";

static const char note_another_try[] =
    "WITH again AS (DELETE FROM staged_quarantine WHERE quarantine_id <> 0 RETURNING *)"
    " UPDATE raw.quarantine q SET attempts = attempts + 1, tried_at = now(), rule = a.rule, detail = a.detail,"
    " missing_entity = a.missing_entity, missing_key = a.missing_key"
    " FROM again a WHERE q.quarantine_id = a.quarantine_id AND q.resolved_at IS NULL";

/* What is read once more and is in quarantine already. */
static const char drop_known[] =
    "DELETE FROM staged_quarantine n USING raw.quarantine q WHERE q.source = $1 AND q.entity = $2"
    " AND q.resolved_at IS NULL AND md5(q.key::text) IS NOT DISTINCT FROM md5(n.key::text) AND q.rule = n.rule"
    " AND q.change = n.change AND q.original IS NOT DISTINCT FROM n.original";

static const char supersede_by_faulty[] =
    "UPDATE raw.quarantine q SET resolved_at = now(), resolution = 'superseded' FROM staged_quarantine n"
    " WHERE q.source = $1 AND q.entity = $2 AND q.resolved_at IS NULL AND NOT n.resolved"
    " AND md5(q.key::text) = md5(n.key::text)";

static const char insert_faulty[] =
    "INSERT INTO raw.quarantine (source, stream, entity, key, rule, detail, missing_entity, missing_key, change,"
    " original, batch_id, resolved_at, resolution)"
    " SELECT $1, $2, $3, key, rule, detail, missing_entity, missing_key, change, original, $4,"
    " CASE WHEN resolved THEN now() END, CASE WHEN resolved THEN 'superseded' END"
    " FROM staged_quarantine ORDER BY change_no";

static void append_row(Buffer *json, const Entity *entity, const EntityRow *row)
{
    buffer_append_text(json, "{\"values\":{");
    for (size_t i = 0; i < entity->columns_count; i++) {
        if (i > 0)
            buffer_append_char(json, ',');
        buffer_append_json_string(json, entity->columns[i].name);
        buffer_append_char(json, ':');
        if (row->values[i] == entity_value_unchanged)
            buffer_append_text(json, "false");
        else
            buffer_append_json_string(json, row->values[i]);
    }
    buffer_append_text(json, "},\"extra\":");
    buffer_append_json_string(json, row->extra);
    buffer_append_char(json, '}');
}

/* The change for another try; texts that are not UTF-8 are repaired, but such a row is never tried again. */
static void append_change(Buffer *json, const EntityChange *change)
{
    const Entity *entity = change->entity;
    buffer_printf(json, "{\"deleted\":%s,\"valid_from\":", change->kind == ENTITY_DELETE ? "true" : "false");
    if (change->valid_from == INSTANT_NONE)
        buffer_append_text(json, "null");
    else
        buffer_append_int(json, change->valid_from);
    buffer_append_text(json, ",\"row\":");
    append_row(json, entity, &change->row);
    for (size_t c = 0; change->children && c < entity->children_count; c++) {
        buffer_append_text(json, c == 0 ? ",\"children\":{" : ",");
        buffer_append_json_string(json, entity->children[c].name);
        buffer_append_text(json, ":[");
        for (size_t i = 0; i < change->children[c].count; i++) {
            if (i > 0)
                buffer_append_char(json, ',');
            append_row(json, &entity->children[c], &change->children[c].rows[i]);
        }
        buffer_append_text(json, c + 1 == entity->children_count ? "]}" : "]");
    }
    buffer_append_char(json, '}');
}

static void append_key(Buffer *json, const EntityChange *change)
{
    bool any = false;
    buffer_append_char(json, '[');
    for (size_t i = 0; i < change->entity->columns_count; i++) {
        if (!change->entity->columns[i].key)
            continue;
        if (any)
            buffer_append_char(json, ',');
        buffer_append_json_string(json, change->row.values[i]);
        any = true;
    }
    buffer_append_char(json, ']');
}

static const char *valid_text(const char *text, Arena *arena)
{
    if (!text || g_utf8_validate(text, -1, NULL))
        return text;
    char *valid = g_utf8_make_valid(text, -1);
    const char *copy = arena_strdup(arena, valid);
    g_free(valid);
    return copy;
}

/* What is about an erased customer is not kept as it was received. */
static bool is_quarantined(const EntityStaged *item)
{
    return item->faulty && !item->change->subject_erased;
}

static bool copy_item(PgCopy *copy, const EntityStaged *item, Arena *arena, Error *err)
{
    BUFFER_SCOPED Buffer key = {0}, change = {0};
    buffer_init(&key, CHANGE_MAX_BYTES);
    buffer_init(&change, CHANGE_MAX_BYTES);
    append_key(&key, item->change);
    append_change(&change, item->change);
    if (!buffer_ok(&key, err) || !buffer_ok(&change, err))
        return false;
    pg_copy_row(copy, 9);
    pg_copy_int4(copy, item->change_no);
    pg_copy_int8(copy, item->quarantine_id);
    pg_copy_text(copy, item->fault.key_unreadable ? NULL : key.data);
    pg_copy_text(copy, item->fault.rule);
    pg_copy_text(copy, valid_text(item->fault.detail, arena));
    pg_copy_text(copy, item->missing_entity);
    pg_copy_text(copy, item->missing_key);
    pg_copy_text(copy, change.data);
    pg_copy_text(copy, valid_text(item->change->original, arena));
    return true;
}

static bool copy_faulty(const EntityTransaction *transaction, const EntityGroup *group, Error *err)
{
    PgCopy *copy;
    if (!pg_command(transaction->connection, create_received, err) ||
        !pg_copy_begin(transaction->connection,
                       "received_quarantine (change_no, quarantine_id, key, rule, detail, missing_entity, missing_key,"
                       " change, original)",
                       &copy, err))
        return false;
    for (size_t i = 0; i < group->count; i++) {
        const EntityStaged *item = &group->items[i];
        if (is_quarantined(item) && !copy_item(copy, item, transaction->arena, err)) {
            (void)!pg_copy_end(copy, true, NULL, NULL);
            return false;
        }
    }
    return pg_copy_end(copy, false, NULL, err);
}

static bool write_faulty(EntityTransaction *transaction, const EntityGroup *group, Error *err)
{
    const Entity *entity = group->entity;
    const PgParam source = pg_text(transaction->source), name = pg_text(entity->name);
    PG_RESULT_SCOPED PGresult *inserted = NULL;
    if (!copy_faulty(transaction, group, err) ||
        !entity_run(transaction, type_faulty, entity, PG_PARAMS(), NULL, err) ||
        !entity_run(transaction, close_faulty, entity, PG_PARAMS(), NULL, err) ||
        !entity_run(transaction, note_another_try, entity, PG_PARAMS(), NULL, err) ||
        !entity_run(transaction, drop_known, entity, PG_PARAMS(source, name), NULL, err) ||
        !entity_run(transaction, supersede_by_faulty, entity, PG_PARAMS(source, name), NULL, err) ||
        !entity_run(transaction, insert_faulty, entity,
                    PG_PARAMS(source, pg_text(transaction->stream), name, pg_int(transaction->result.batch_id)),
                    &inserted, err))
        return false;
    transaction->result.quarantined += strtoll(PQcmdTuples(inserted), NULL, 10);
    return true;
}

bool entity_quarantine_write(EntityTransaction *transaction, EntityGroup *group, Error *err)
{
    const PgParam source = pg_text(transaction->source), entity = pg_text(group->entity->name);
    size_t faulty = 0;
    for (size_t i = 0; i < group->count; i++)
        faulty += is_quarantined(&group->items[i]);
    PG_RESULT_SCOPED PGresult *open = NULL, *closed = NULL;
    if (!pg_run(transaction->connection, &sql_select_open_quarantine, PG_PARAMS(source, entity), &open, err))
        return false;
    if (PQntuples(open) > 0) {
        const char *tried =
            SQL_ARRAY(transaction->arena, group->count, "%lld", (long long)group->items[i].quarantine_id);
        if (!entity_run(transaction, supersede_by_good, group->entity, PG_PARAMS(source, entity, pg_text(tried)),
                        &closed, err))
            return false;
        transaction->resolved += strtoll(PQcmdTuples(closed), NULL, 10);
    }
    return faulty == 0 || write_faulty(transaction, group, err);
}

static EntityValue read_value(const json_t *values, const char *name, Arena *arena)
{
    const json_t *value = json_object_get(values, name);
    if (json_is_false(value))
        return entity_value_unchanged;
    return json_is_string(value) ? arena_strdup(arena, json_string_value(value)) : NULL;
}

static EntityRow read_row(const json_t *json, const Entity *entity, Arena *arena)
{
    const json_t *values = json_object_get(json, "values"), *extra = json_object_get(json, "extra");
    EntityRow row = {.values = arena_array(arena, entity->columns_count, sizeof *row.values)};
    for (size_t i = 0; i < entity->columns_count; i++)
        row.values[i] = read_value(values, entity->columns[i].name, arena);
    if (json_is_string(extra))
        row.extra = arena_strdup(arena, json_string_value(extra));
    return row;
}

static EntityRows *read_children(const json_t *json, const Entity *entity, Arena *arena)
{
    const json_t *children = json_object_get(json, "children");
    if (!children)
        return NULL;
    EntityRows *rows = arena_array(arena, entity->children_count, sizeof *rows);
    for (size_t c = 0; c < entity->children_count; c++) {
        const json_t *items = json_object_get(children, entity->children[c].name);
        rows[c].count = json_array_size(items);
        rows[c].rows = arena_array(arena, rows[c].count, sizeof *rows[c].rows);
        for (size_t i = 0; i < rows[c].count; i++)
            rows[c].rows[i] = read_row(json_array_get(items, i), &entity->children[c], arena);
    }
    return rows;
}

static const EntityChange *read_change(const char *text, const char *original, const Entity *entity, Arena *arena)
{
    JSON_SCOPED json_t *json = json_loads(text, 0, NULL);
    const json_t *valid_from = json_object_get(json, "valid_from");
    EntityChange *change = arena_zalloc(arena, sizeof *change);
    *change = (EntityChange){
        .entity = entity,
        .kind = json_is_true(json_object_get(json, "deleted")) ? ENTITY_DELETE : ENTITY_PUT,
        .valid_from = json_is_integer(valid_from) ? json_integer_value(valid_from) : INSTANT_NONE,
        .row = read_row(json_object_get(json, "row"), entity, arena),
        .children = read_children(json, entity, arena),
        .original = original ? arena_strdup(arena, original) : NULL,
    };
    return change;
}

bool entity_quarantine_read(const EntityTransaction *transaction, const Entity *arrived, EntityStaged **ret_items,
                            size_t *ret_count, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    size_t keys = 1;
    if (arrived)
        entity_sql_columns(arrived, ENTITY_KEYS, transaction->arena, &keys);
    if (keys > 1) { /* nothing can refer to it */
        *ret_count = 0;
        return true;
    }
    bool ok = arrived
                  ? entity_run(
                        transaction,
                        "SELECT q.quarantine_id, q.entity, q.change::text, q.original FROM raw.quarantine q"
                        " WHERE q.source = $1 AND q.missing_entity = '{name}' AND q.resolved_at IS NULL"
                        " AND q.missing_key IN (SELECT {keys|\"$c\"::text|, } FROM core.\"{name}\" WHERE batch_id = $3)"
                        " ORDER BY q.entity, q.quarantine_id LIMIT $2",
                        arrived,
                        PG_PARAMS(pg_text(transaction->source), pg_int(ENTITY_RETRY_MAX),
                                  pg_int(transaction->result.batch_id)),
                        &rows, err)
                  : pg_run(transaction->connection, &sql_select_quarantine_to_retry,
                           PG_PARAMS(pg_text(transaction->source), pg_int(ENTITY_RETRY_MAX)), &rows, err);
    if (!ok)
        return false;
    EntityStaged *items = arena_array(transaction->arena, (size_t)PQntuples(rows), sizeof *items);
    size_t count = 0;
    for (int row = 0; row < PQntuples(rows); row++) {
        const Entity *entity = entity_find(transaction->mapping, pg_get_text(rows, row, 1));
        if (!entity || entity->parent) /* the mapping does not name it any more */
            continue;
        items[count++] = (EntityStaged){
            .quarantine_id = pg_get_int(rows, row, 0),
            .change = read_change(pg_get_text(rows, row, 2), pg_get_text(rows, row, 3), entity, transaction->arena)};
    }
    *ret_items = items;
    *ret_count = count;
    return true;
}
