#include <string.h>
#include "common/buffer.h"
#include "gen/ingest_sql.h"
#include "services/ingest/entities/entity_sql.h"
#include "services/ingest/entities/entity_store.h"
#include "services/ingest/sql_array.h"

enum { DDL_MAX_BYTES = 16 << 20 };

/* The statements that make what is missing, in the making. */
typedef struct TablesPlan {
    const EntityMapping *mapping;
    Arena *arena;
    PGresult *existing; /* rows: schema, table, column, type, place in the primary key or 0; */
    PGresult *owners;   /* rows: entity, source */
    Buffer sql;
} TablesPlan;

/* The three tables of an entity. */
static const struct {
    const char *schema, *suffix;
    const char *comment; /* after the entity's description */
    EntitySet columns;   /* besides the key */
    const char *create;
} kinds[] = {
    {"core", "", "", ENTITY_VALUES,
     "CREATE TABLE core.\"{name}\" ({keys|\"$c\" $t$l NOT NULL, |}extra jsonb, valid_from timestamptz NOT NULL,"
     " batch_id bigint NOT NULL REFERENCES raw.batch, recorded_at timestamptz NOT NULL DEFAULT now(),"
     " {values|\"$c\" $t$l, |}PRIMARY KEY ({keys|\"$c\"|, }))"},
    {"core", "_history",
     ": every state that was recorded. batch_id refers to raw.batch without a foreign key, which would "
     "cost as much as the rows",
     ENTITY_VALUES,
     "CREATE TABLE core.\"{name}_history\" ({keys|\"$c\" $t$l NOT NULL, |}valid_from timestamptz NOT NULL,"
     " batch_id bigint NOT NULL, change_no int NOT NULL, deleted boolean NOT NULL, extra jsonb,"
     " recorded_at timestamptz NOT NULL DEFAULT now(), {values|\"$c\" $t$l, |}"
     "PRIMARY KEY ({keys|\"$c\"|, }, batch_id, change_no));\n"
     "CREATE INDEX \"{name}_history_batch\" ON core.\"{name}_history\" USING brin (batch_id)"
     " WITH (pages_per_range = 32, autosummarize)"},
    {"personal", "", ": personal data, present state", ENTITY_PERSONAL,
     "CREATE TABLE personal.\"{name}\" ({keys|\"$c\" $t$l NOT NULL, |}{personal|\"$c\" $t$l, |}"
     "PRIMARY KEY ({keys|\"$c\"|, }), FOREIGN KEY ({keys|\"$c\"|, }) REFERENCES core.\"{name}\" ON DELETE CASCADE)"},
};
enum { KINDS_COUNT = sizeof kinds / sizeof kinds[0], KIND_PERSONAL = 2 };

/* What Rushcast's own columns mean, in whichever table they are. */
static const struct {
    const char *name, *description;
    bool history_only;
} own_columns[] = {
    {"valid_from", "From when on it was so, as the source says; else when it was recorded", false},
    {"batch_id", "Batch that recorded this state (raw.batch)", false},
    {"change_no", "Place of the change in its batch, from 0", true},
    {"recorded_at", "When this state was recorded", false},
    {"deleted", "It was deleted then; its other columns are null", true},
    {"extra", "Fields that the mapping does not name, as they were received; null: none", false},
};
enum { OWN_COLUMNS_COUNT = sizeof own_columns / sizeof own_columns[0] };

static void add(TablesPlan *plan, const char *template, const Entity *entity)
{
    buffer_append_text(&plan->sql, entity_sql_fill(template, entity, plan->arena));
    buffer_append_text(&plan->sql, ";\n");
}

/* Row of the column, -1: not there. A NULL column: any of the table. */
static int find_column(const TablesPlan *plan, const char *schema, const char *table, const char *column)
{
    for (int row = 0; row < PQntuples(plan->existing); row++) {
        if (strcmp(pg_get_text(plan->existing, row, 0), schema) == 0 &&
            strcmp(pg_get_text(plan->existing, row, 1), table) == 0 &&
            (!column || strcmp(pg_get_text(plan->existing, row, 2), column) == 0))
            return row;
    }
    return -1;
}

static bool fail_table(const TablesPlan *plan, const char *schema, const char *table, const char *why, Error *err)
{
    return error_set(err, ERROR_CONFLICT,
                     "the mapping of %s version %s does not fit the table %s.%s, which is there already: %s",
                     plan->mapping->source, plan->mapping->version, schema, table, why);
}

static bool check_keys(const TablesPlan *plan, const Entity *entity, const char *schema, const char *table, Error *err)
{
    size_t count, found = 0;
    const EntitySqlColumn *keys = entity_sql_columns(entity, ENTITY_KEYS, plan->arena, &count);
    for (int row = 0; row < PQntuples(plan->existing); row++) {
        if (strcmp(pg_get_text(plan->existing, row, 0), schema) == 0 &&
            strcmp(pg_get_text(plan->existing, row, 1), table) == 0 && pg_get_int(plan->existing, row, 4) > 0)
            found++;
    }
    bool right = found == count + 2 * (size_t)(strcmp(table, entity->name) != 0);
    for (size_t i = 0; i < count && right; i++) {
        int row = find_column(plan, schema, table, keys[i].name);
        right = row >= 0 && pg_get_int(plan->existing, row, 4) == (int64_t)i + 1 &&
                strcmp(pg_get_text(plan->existing, row, 3), keys[i].type) == 0;
    }
    return right || fail_table(plan, schema, table, "its key is another. Give the entity a new name", err);
}

/* A column that must not be there, since it is to be kept elsewhere now. */
static bool check_absent(const TablesPlan *plan, const Entity *entity, EntitySet set, const char *schema,
                         const char *table, Error *err)
{
    size_t count;
    const EntitySqlColumn *columns = entity_sql_columns(entity, set, plan->arena, &count);
    for (size_t i = 0; i < count; i++) {
        if (find_column(plan, schema, table, columns[i].name) >= 0)
            return fail_table(plan, schema, table,
                              arena_printf(plan->arena,
                                           "its column %s can't become or cease to be personal. Give the column a new "
                                           "name",
                                           columns[i].name),
                              err);
    }
    return true;
}

static bool extend(TablesPlan *plan, const Entity *entity, size_t kind, const char *table, Error *err)
{
    const char *schema = kinds[kind].schema;
    size_t count;
    if (!check_keys(plan, entity, schema, table, err) ||
        !check_absent(plan, entity, kind == KIND_PERSONAL ? ENTITY_VALUES : ENTITY_PERSONAL, schema, table, err))
        return false;
    const EntitySqlColumn *columns = entity_sql_columns(entity, kinds[kind].columns, plan->arena, &count);
    for (size_t i = 0; i < count; i++) {
        int row = find_column(plan, schema, table, columns[i].name);
        if (row < 0)
            buffer_printf(&plan->sql, "ALTER TABLE %s.\"%s\" ADD COLUMN \"%s\" %s%s;\n", schema, table, columns[i].name,
                          columns[i].type, strcmp(columns[i].type, "text") == 0 ? " COLLATE \"C\"" : "");
        else if (strcmp(pg_get_text(plan->existing, row, 3), columns[i].type) != 0)
            return fail_table(plan, schema, table,
                              arena_printf(plan->arena,
                                           "its column %s is of type %s, not %s. Give the column a new name",
                                           columns[i].name, pg_get_text(plan->existing, row, 3), columns[i].type),
                              err);
    }
    return true;
}

static void comment(TablesPlan *plan, const char *object, const char *text)
{
    buffer_printf(&plan->sql, "COMMENT ON %s IS%s;\n", object, entity_sql_literal(text, plan->arena));
}

static void comment_columns(TablesPlan *plan, const char *table, const EntitySqlColumn *columns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        comment(plan, arena_printf(plan->arena, "COLUMN %s.\"%s\"", table, columns[i].name), columns[i].description);
}

static void comment_own(TablesPlan *plan, const char *table, bool history)
{
    for (size_t i = 0; i < OWN_COLUMNS_COUNT; i++) {
        if (history || !own_columns[i].history_only)
            comment(plan, arena_printf(plan->arena, "COLUMN %s.%s", table, own_columns[i].name),
                    own_columns[i].description);
    }
}

static void comment_table(TablesPlan *plan, const Entity *entity, size_t kind, const char *table)
{
    size_t count;
    const char *name = arena_printf(plan->arena, "%s.\"%s\"", kinds[kind].schema, table);
    comment(plan, arena_printf(plan->arena, "TABLE %s", name),
            arena_printf(plan->arena, "%s%s", entity->description, kinds[kind].comment));
    const EntitySqlColumn *columns = entity_sql_columns(entity, ENTITY_KEYS, plan->arena, &count);
    comment_columns(plan, name, columns, count);
    columns = entity_sql_columns(entity, kinds[kind].columns, plan->arena, &count);
    comment_columns(plan, name, columns, count);
    if (kind != KIND_PERSONAL)
        comment_own(plan, name, kinds[kind].suffix[0] != '\0');
}

static bool plan_table(TablesPlan *plan, const Entity *entity, size_t kind, Error *err)
{
    size_t personal;
    const char *table = arena_printf(plan->arena, "%s%s", entity->name, kinds[kind].suffix);
    entity_sql_columns(entity, ENTITY_PERSONAL, plan->arena, &personal);
    if (kind == KIND_PERSONAL && personal == 0)
        return check_absent(plan, entity, ENTITY_VALUES, kinds[kind].schema, table, err);
    if (find_column(plan, kinds[kind].schema, table, NULL) < 0)
        add(plan, kinds[kind].create, entity);
    else if (!extend(plan, entity, kind, table, err))
        return false;
    comment_table(plan, entity, kind, table);
    return true;
}

/* Names are nobody else's: neither a table that is no entity's, nor another source's. */
static bool check_owner(const TablesPlan *plan, const Entity *entity, Error *err)
{
    for (int row = 0; row < PQntuples(plan->owners); row++) {
        if (strcmp(pg_get_text(plan->owners, row, 0), entity->name) != 0)
            continue;
        const char *source = pg_get_text(plan->owners, row, 1);
        return strcmp(source, plan->mapping->source) == 0 ||
               fail_table(plan, "core", entity->name,
                          arena_printf(plan->arena, "it belongs to the source %s. Give the entity a new name", source),
                          err);
    }
    return find_column(plan, "core", entity->name, NULL) < 0 ||
           fail_table(plan, "core", entity->name, "it is one of Rushcast's own. Give the entity a new name", err);
}

static bool plan_entity(TablesPlan *plan, const Entity *entity, Error *err)
{
    bool made = find_column(plan, "core", entity->name, NULL) < 0;
    if (!check_owner(plan, entity, err))
        return false;
    for (size_t kind = 0; kind < KINDS_COUNT; kind++) {
        if (!plan_table(plan, entity, kind, err))
            return false;
    }
    if (entity->parent && made)
        add(plan,
            "ALTER TABLE core.\"{name}\" ADD FOREIGN KEY ({parent_keys|\"$c\"|, }) REFERENCES core.\"{parent}\""
            " ON DELETE CASCADE",
            entity);
    for (size_t i = 0; i < entity->children_count; i++) {
        if (!plan_entity(plan, &entity->children[i], err))
            return false;
    }
    return true;
}

static bool register_entity(TablesPlan *plan, PgConnection *connection, const Entity *entity, Error *err)
{
    size_t count;
    const EntitySqlColumn *columns = entity_sql_columns(entity, ENTITY_PERSONAL, plan->arena, &count);
    if (!pg_run(connection, &sql_upsert_entity,
                PG_PARAMS(pg_text(entity->name), pg_text(plan->mapping->source),
                          pg_text(entity->parent ? entity->parent->name : NULL), pg_text(entity->description),
                          pg_text(entity->owner), pg_text(entity->subject),
                          pg_text(SQL_ARRAY(plan->arena, count, "%s", columns[i].name)),
                          pg_text(plan->mapping->version)),
                NULL, err) ||
        !pg_run(connection, &sql_ensure_entity_views, PG_PARAMS(pg_text(entity->name)), NULL, err))
        return false;
    for (size_t i = 0; i < entity->children_count; i++) {
        if (!register_entity(plan, connection, &entity->children[i], err))
            return false;
    }
    return true;
}

static bool ensure_all(TablesPlan *plan, PgConnection *connection, Error *err)
{
    const EntityMapping *mapping = plan->mapping;
    if (!pg_run(connection, &sql_take_entity_lock, PG_PARAMS(pg_text(mapping->source)), NULL, err) ||
        !pg_run(connection, &sql_select_entity_columns, PG_PARAMS(), &plan->existing, err) ||
        !pg_run(connection, &sql_select_entities, PG_PARAMS(), &plan->owners, err))
        return false;
    for (size_t i = 0; i < mapping->entities_count; i++) {
        if (!plan_entity(plan, &mapping->entities[i], err))
            return false;
    }
    if (!buffer_ok(&plan->sql, err) || !pg_command(connection, plan->sql.data, err))
        return false;
    for (size_t i = 0; i < mapping->entities_count; i++) {
        if (!register_entity(plan, connection, &mapping->entities[i], err))
            return false;
    }
    return true;
}

bool entity_tables_ensure(PgConnection *connection, const EntityMapping *mapping, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    TablesPlan plan = {.mapping = mapping, .arena = arena};
    buffer_init(&plan.sql, DDL_MAX_BYTES);
    bool ok = pg_begin(connection, err) && ensure_all(&plan, connection, err) && pg_commit(connection, err);
    if (!ok)
        pg_rollback(connection);
    PQclear(plan.existing);
    PQclear(plan.owners);
    buffer_fini(&plan.sql);
    return ok;
}
