#include "common/buffer.h"
#include "gen/ingest_sql.h"
#include "services/ingest/entities/entity_write.h"
#include "services/ingest/sql_array.h"

static int subject_index(const Entity *entity)
{
    return entity->subject ? entity_column_index(entity, entity->subject) : -1;
}

static EntityValue subject_of(const EntityChange *change)
{
    int index = subject_index(change->entity);
    EntityValue value = index < 0 ? NULL : change->row.values[index];
    return value == entity_value_unchanged ? NULL : value;
}

static EntityRow strip_row(const EntityRow *row, const Entity *entity, Arena *arena)
{
    EntityRow stripped = {.values = arena_array(arena, entity->columns_count, sizeof *stripped.values)};
    for (size_t i = 0; i < entity->columns_count; i++)
        stripped.values[i] = entity->columns[i].personal ? NULL : row->values[i];
    return stripped;
}

static EntityRows *strip_children(const EntityChange *change, Arena *arena)
{
    const Entity *entity = change->entity;
    if (!change->children)
        return NULL;
    EntityRows *rows = arena_array(arena, entity->children_count, sizeof *rows);
    for (size_t c = 0; c < entity->children_count; c++) {
        rows[c] = (EntityRows){.count = change->children[c].count,
                               .rows = arena_array(arena, change->children[c].count, sizeof *rows[c].rows)};
        for (size_t i = 0; i < rows[c].count; i++)
            rows[c].rows[i] = strip_row(&change->children[c].rows[i], &entity->children[c], arena);
    }
    return rows;
}

/* A fact about the customer stays one, about nobody. */
static const EntityChange *strip_change(const EntityChange *change, Arena *arena)
{
    EntityChange *stripped = arena_zalloc(arena, sizeof *stripped);
    *stripped = *change;
    stripped->subject_erased = true;
    stripped->row = strip_row(&change->row, change->entity, arena);
    stripped->children = strip_children(change, arena);
    int subject = subject_index(change->entity);
    if (!change->entity->columns[subject].key) /* of a deletion, whose key must stay */
        stripped->row.values[subject] = NULL;
    return stripped;
}

static bool select_erased(const EntityTransaction *transaction, const EntityStaged *items, size_t count,
                          PGresult **ret_rows, Error *err)
{
    BUFFER_SCOPED Buffer ids;
    buffer_init(&ids, SQL_ARRAY_MAX_BYTES);
    buffer_append_char(&ids, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_append_char(&ids, ',');
        buffer_append_json_string(&ids, subject_of(items[i].change));
    }
    buffer_append_char(&ids, ']');
    return buffer_ok(&ids, err) &&
           pg_run(transaction->connection, &sql_select_erased_subjects, PG_PARAMS(pg_text(ids.data)), ret_rows, err);
}

bool entity_strip(const EntityTransaction *transaction, EntityStaged *items, size_t *count, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!transaction->any_erased || *count == 0)
        return true;
    if (!select_erased(transaction, items, *count, &rows, err))
        return false;
    for (int row = 0; row < PQntuples(rows); row++) {
        EntityStaged *item = &items[pg_get_int(rows, row, 0)];
        item->change = strip_change(item->change, transaction->arena);
    }
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        const EntityChange *change = items[i].change;
        bool is_customer = change->subject_erased && change->entity->columns[subject_index(change->entity)].key;
        if (!is_customer || change->kind == ENTITY_DELETE)
            items[kept++] = items[i];
    }
    *count = kept;
    return true;
}
