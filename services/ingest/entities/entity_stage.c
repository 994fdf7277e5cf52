#include <assert.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "services/ingest/entities/entity_sql.h"
#include "services/ingest/entities/entity_write.h"
#include "services/ingest/sql_array.h"

static const char create_stage[] =
    "DROP TABLE IF EXISTS pg_temp.\"stage_{name}\", pg_temp.\"fresh_{name}\";"
    "CREATE TEMPORARY TABLE \"stage_{name}\" (change_no int NOT NULL, deleted boolean NOT NULL, valid_from timestamptz,"
    " kept bigint NOT NULL, extra text{all|, \"$c\" text COLLATE \"C\"|}{children|, \"#$c\" int|}) ON COMMIT DROP";

static const char copy_target[] = "\"stage_{name}\" (change_no, deleted, valid_from, kept, extra{all|, \"$c\"|}"
                                  "{children|, \"#$c\"|})";

static const char fill_kept[] =
    "UPDATE \"stage_{name}\" s SET kept = 0"
    "{values|, \"$c\" = CASE WHEN s.kept >> $i & 1 = 1 THEN p.\"$c\"::text ELSE s.\"$c\" END|}"
    " FROM core.\"{name}\" p WHERE s.kept <> 0 AND {keys|p.\"$c\" = s.\"$c\"::$t| AND }";

static const char fill_kept_with_personal[] =
    "UPDATE \"stage_{name}\" s SET kept = 0"
    "{values|, \"$c\" = CASE WHEN s.kept >> $i & 1 = 1 THEN p.\"$c\"::text ELSE s.\"$c\" END|}"
    "{personal|, \"$c\" = CASE WHEN s.kept >> $i & 1 = 1 THEN q.\"$c\"::text ELSE s.\"$c\" END|}"
    " FROM core.\"{name}\" p LEFT JOIN personal.\"{name}\" q ON {keys|q.\"$c\" = p.\"$c\"| AND }"
    " WHERE s.kept <> 0 AND {keys|p.\"$c\" = s.\"$c\"::$t| AND }";

bool entity_run(const EntityTransaction *transaction, const char *template, const Entity *entity, PgParams params,
                PGresult **ret_result, Error *err)
{
    return pg_query(transaction->connection, entity_sql_fill(template, entity, transaction->arena), params, ret_result,
                    err) ||
           error_prefix(err, "%s", entity->name);
}

/* Text of the key for finding earlier changes of the same thing. */
static char *key_text(const EntityChange *change)
{
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < change->entity->columns_count; i++) {
        if (change->entity->columns[i].key)
            g_string_append_printf(text, "%zu:%s", strlen(change->row.values[i]), change->row.values[i]);
    }
    return g_string_free(text, FALSE);
}

static bool has_kept(const EntityChange *change)
{
    for (size_t i = 0; change->kind == ENTITY_PUT && i < change->entity->columns_count; i++) {
        if (change->row.values[i] == entity_value_unchanged)
            return true;
    }
    return false;
}

/* Values that were not sent are those of the change before, if there is one in the batch. */
static void complete(EntityStaged *item, const EntityChange *before, Arena *arena)
{
    size_t count = item->change->entity->columns_count;
    item->completed = *item->change;
    item->completed.row.values = arena_array(arena, count, sizeof(EntityValue));
    for (size_t i = 0; i < count; i++) {
        EntityValue value = item->change->row.values[i];
        item->completed.row.values[i] = value == entity_value_unchanged ? before->row.values[i] : value;
    }
    item->change = &item->completed;
}

static void complete_all(EntityGroup *group, Arena *arena)
{
    size_t first = 0;
    while (first < group->count && !has_kept(group->items[first].change))
        first++;
    if (first == group->count)
        return;
    GHashTable *newest = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (size_t i = 0; i < group->count; i++) {
        EntityStaged *item = &group->items[i];
        if (item->faulty && item->fault.key_unreadable)
            continue;
        char *key = key_text(item->change);
        const EntityStaged *before = g_hash_table_lookup(newest, key);
        if (before && before->change->kind == ENTITY_PUT && has_kept(item->change))
            complete(item, before->change, arena);
        g_hash_table_replace(newest, key, item);
    }
    g_hash_table_destroy(newest);
}

static bool create_tables(const EntityTransaction *transaction, const Entity *entity, Error *err)
{
    if (!pg_command(transaction->connection, entity_sql_fill(create_stage, entity, transaction->arena), err))
        return error_prefix(err, "%s", entity->name);
    for (size_t c = 0; c < entity->children_count; c++) {
        if (!create_tables(transaction, &entity->children[c], err))
            return false;
    }
    return true;
}

static void copy_head(PgCopy *copy, const EntityStaged *item, bool deleted, int64_t kept, const char *extra)
{
    pg_copy_int4(copy, item->change_no);
    pg_copy_bool(copy, deleted);
    pg_copy_instant(copy, item->change->valid_from);
    pg_copy_int8(copy, kept);
    pg_copy_text(copy, extra);
}

static int64_t kept_bits(const EntityRow *row, size_t count)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < count; i++)
        bits |= (uint64_t)(row->values[i] == entity_value_unchanged) << i;
    return (int64_t)bits;
}

static void copy_values(PgCopy *copy, const EntityRow *row, const EntitySqlColumn *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        EntityValue value = row->values[columns[i].index];
        pg_copy_text(copy, value == entity_value_unchanged ? NULL : value);
    }
}

/* Columns as the stage has them. */
typedef struct StageColumns {
    EntitySqlColumn *keys, *values, *personal;
    size_t keys_count, values_count, personal_count;
} StageColumns;

static StageColumns stage_columns(const Entity *entity, Arena *arena)
{
    StageColumns columns;
    columns.keys = entity_sql_columns(entity, ENTITY_KEYS, arena, &columns.keys_count);
    columns.values = entity_sql_columns(entity, ENTITY_VALUES, arena, &columns.values_count);
    columns.personal = entity_sql_columns(entity, ENTITY_PERSONAL, arena, &columns.personal_count);
    return columns;
}

static void copy_change(PgCopy *copy, const EntityStaged *item, const StageColumns *columns, int16_t fields)
{
    static const EntityValue none[ENTITY_COLUMNS_MAX] = {NULL};
    const EntityChange *change = item->change;
    const Entity *entity = change->entity;
    bool deleted = change->kind == ENTITY_DELETE;
    EntityRow nothing = {.values = (EntityValue *)(uintptr_t)none};
    const EntityRow *row = deleted ? &nothing : &change->row;
    pg_copy_row(copy, fields);
    copy_head(copy, item, deleted, kept_bits(row, entity->columns_count), row->extra);
    copy_values(copy, &change->row, columns->keys, columns->keys_count);
    copy_values(copy, row, columns->values, columns->values_count);
    copy_values(copy, row, columns->personal, columns->personal_count);
    for (size_t c = 0; c < entity->children_count; c++) {
        if (deleted)
            pg_copy_int4(copy, 0);
        else if (!change->children)
            pg_copy_null(copy);
        else
            pg_copy_int4(copy, (int32_t)change->children[c].count);
    }
}

static bool copy_group(const EntityTransaction *transaction, const EntityGroup *group, Error *err)
{
    const Entity *entity = group->entity;
    StageColumns columns = stage_columns(entity, transaction->arena);
    size_t fields = 5 + columns.keys_count + columns.values_count + columns.personal_count + entity->children_count;
    PgCopy *copy;
    if (!pg_copy_begin(transaction->connection, entity_sql_fill(copy_target, entity, transaction->arena), &copy, err))
        return false;
    for (size_t i = 0; i < group->count; i++) {
        if (!group->items[i].faulty)
            copy_change(copy, &group->items[i], &columns, (int16_t)fields);
    }
    return pg_copy_end(copy, false, NULL, err);
}

static void copy_child(PgCopy *copy, const EntityStaged *item, size_t child_no, size_t position,
                       const StageColumns *parent, const StageColumns *columns)
{
    const EntityRow *row = &item->change->children[child_no].rows[position];
    char digits[24];
    snprintf(digits, sizeof digits, "%zu", position);
    pg_copy_row(copy, (int16_t)(5 + columns->keys_count + columns->values_count + columns->personal_count));
    copy_head(copy, item, false, 0, row->extra);
    copy_values(copy, &item->change->row, parent->keys, parent->keys_count);
    pg_copy_text(copy, digits);
    copy_values(copy, row, columns->values, columns->values_count);
    copy_values(copy, row, columns->personal, columns->personal_count);
}

static bool copy_children(const EntityTransaction *transaction, const EntityGroup *group, size_t child_no, Error *err)
{
    const Entity *child = &group->entity->children[child_no];
    StageColumns parent = stage_columns(group->entity, transaction->arena);
    StageColumns columns = stage_columns(child, transaction->arena);
    PgCopy *copy;
    if (!pg_copy_begin(transaction->connection, entity_sql_fill(copy_target, child, transaction->arena), &copy, err))
        return false;
    for (size_t i = 0; i < group->count; i++) {
        const EntityStaged *item = &group->items[i];
        if (item->faulty || item->change->kind == ENTITY_DELETE || !item->change->children)
            continue;
        for (size_t position = 0; position < item->change->children[child_no].count; position++)
            copy_child(copy, item, child_no, position, &parent, &columns);
    }
    return pg_copy_end(copy, false, NULL, err);
}

static int compare_number(const void *key, const void *item)
{
    int32_t number = *(const int32_t *)key, other = ((const EntityStaged *)item)->change_no;
    return (number > other) - (number < other);
}

/* Marks the changes whose numbers the rows begin with. A second column is the key of what is missing. */
static void mark(const EntityTransaction *transaction, EntityGroup *group, const PGresult *rows, const char *rule,
                 const EntityColumn *column)
{
    Arena *arena = transaction->arena;
    for (int row = 0; row < PQntuples(rows); row++) {
        int32_t change_no = (int32_t)pg_get_int(rows, row, 0);
        EntityStaged *item = bsearch(&change_no, group->items, group->count, sizeof *item, compare_number);
        assert(item && "the stages hold only changes of the group");
        if (item->faulty)
            continue;
        item->faulty = true;
        item->fault.rule = rule;
        if (!column) {
            item->fault.detail = "a value that was not sent is not known either: no version was recorded before";
            continue;
        }
        item->missing_entity = column->references;
        item->missing_key = arena_strdup(arena, pg_get_text(rows, row, 1));
        item->fault.detail =
            arena_printf(arena, "%s: there is no %s \"%.80s\"", column->name, column->references, item->missing_key);
    }
}

/* Takes what has become faulty out of the stages. */
static bool unstage(const EntityTransaction *transaction, const EntityGroup *group, const Entity *entity,
                    const PGresult *rows, Error *err)
{
    if (PQntuples(rows) == 0)
        return true;
    const char *numbers =
        SQL_ARRAY(transaction->arena, (size_t)PQntuples(rows), "%lld", (long long)pg_get_int(rows, (int)i, 0));
    if (!entity_run(transaction, "DELETE FROM \"stage_{name}\" WHERE change_no = ANY ($1::int[])", entity,
                    PG_PARAMS(pg_text(numbers)), NULL, err))
        return false;
    for (size_t c = 0; c < entity->children_count; c++) {
        if (!unstage(transaction, group, &entity->children[c], rows, err))
            return false;
    }
    return true;
}

static bool fill_unsent(const EntityTransaction *transaction, EntityGroup *group, Error *err)
{
    size_t first = 0, personal;
    while (first < group->count && (group->items[first].faulty || !has_kept(group->items[first].change)))
        first++;
    if (first == group->count)
        return true;
    entity_sql_columns(group->entity, ENTITY_PERSONAL, transaction->arena, &personal);
    PG_RESULT_SCOPED PGresult *unknown = NULL;
    if (!entity_run(transaction, personal > 0 ? fill_kept_with_personal : fill_kept, group->entity, PG_PARAMS(), NULL,
                    err) ||
        !entity_run(transaction, "SELECT change_no FROM \"stage_{name}\" WHERE kept <> 0", group->entity, PG_PARAMS(),
                    &unknown, err))
        return false;
    mark(transaction, group, unknown, "unknown_value", NULL);
    return unstage(transaction, group, group->entity, unknown, err);
}

/* What it refers to must be there, or have been there within this batch. */
static const char *reference_query(const EntityTransaction *transaction, const Entity *entity,
                                   const EntityColumn *column, const Entity *within)
{
    size_t count;
    const EntitySqlColumn *key = entity_sql_columns(column->referenced, ENTITY_KEYS, transaction->arena, &count);
    const char *self =
        column->referenced == within
            ? arena_printf(transaction->arena, " AND NOT EXISTS (SELECT FROM \"stage_%s\" o WHERE o.\"%s\" = s.\"%s\")",
                           within->name, key->name, column->name)
            : "";
    return arena_printf(transaction->arena,
                        "SELECT change_no, \"%2$s\" FROM \"stage_%1$s\" s WHERE NOT deleted AND \"%2$s\" IS NOT NULL"
                        " AND NOT EXISTS (SELECT FROM core.\"%3$s\" r WHERE r.\"%4$s\" = s.\"%2$s\"::%5$s)"
                        " AND NOT EXISTS (SELECT FROM core.\"%3$s_history\" h"
                        " WHERE h.\"%4$s\" = s.\"%2$s\"::%5$s AND h.batch_id = $1)%6$s",
                        entity->name, column->name, column->referenced->name, key->name, key->type, self);
}

static bool check_references(const EntityTransaction *transaction, EntityGroup *group, const Entity *entity, Error *err)
{
    for (size_t i = 0; i < entity->columns_count; i++) {
        const EntityColumn *column = &entity->columns[i];
        if (!column->referenced)
            continue;
        PG_RESULT_SCOPED PGresult *rows = NULL;
        if (!pg_query(transaction->connection, reference_query(transaction, entity, column, group->entity),
                      PG_PARAMS(pg_int(transaction->result.batch_id)), &rows, err))
            return error_prefix(err, "%s", entity->name);
        mark(transaction, group, rows, "reference", column);
        if (!unstage(transaction, group, group->entity, rows, err))
            return false;
    }
    for (size_t c = 0; c < entity->children_count; c++) {
        if (!check_references(transaction, group, &entity->children[c], err))
            return false;
    }
    return true;
}

bool entity_stage(EntityTransaction *transaction, EntityGroup *group, Error *err)
{
    for (size_t i = 0; i < group->count; i++) {
        EntityStaged *item = &group->items[i];
        item->faulty = !entity_rules_check(item->change, transaction->arena, &item->fault);
    }
    complete_all(group, transaction->arena);
    if (!create_tables(transaction, group->entity, err) || !copy_group(transaction, group, err))
        return false;
    for (size_t c = 0; c < group->entity->children_count; c++) {
        if (!copy_children(transaction, group, c, err))
            return false;
    }
    return fill_unsent(transaction, group, err) && check_references(transaction, group, group->entity, err);
}
