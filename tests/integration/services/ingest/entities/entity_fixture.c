#include "tests/integration/services/ingest/entities/entity_fixture.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <string.h>

EntityFixture entity_fixture;

static const char mapping_text[] =
    "{\"source\": \"test\", \"version\": \"1\", \"entities\": ["
    "{\"entity\": \"bill\", \"from\": \"public.bill\", \"description\": \"Bills\", \"owner\": \"finance\", "
    "\"subject\": \"person_id\", \"columns\": ["
    "{\"name\": \"bill_id\", \"type\": \"integer\", \"key\": true, \"description\": \"Number\"},"
    "{\"name\": \"person_id\", \"type\": \"text\", \"references\": \"person\", \"description\": \"Who pays\"},"
    "{\"name\": \"amount\", \"type\": \"decimal\", \"minimum\": 0, \"description\": \"How much\"},"
    "{\"name\": \"paid_at\", \"type\": \"instant\", \"description\": \"When\"}]},"
    "{\"entity\": \"person\", \"from\": \"public.person\", \"description\": \"People\", \"owner\": \"sales\", "
    "\"subject\": \"person_id\", \"columns\": ["
    "{\"name\": \"person_id\", \"type\": \"text\", \"key\": true, \"description\": \"Who\"},"
    "{\"name\": \"name\", \"type\": \"text\", \"personal\": true, \"description\": \"Name\"},"
    "{\"name\": \"city\", \"type\": \"text\", \"required\": true, \"description\": \"Where\"},"
    "{\"name\": \"age\", \"type\": \"integer\", \"description\": \"Years\"}]},"
    "{\"entity\": \"branch\", \"from\": \"branches\", \"description\": \"Branches\", \"owner\": \"operations\", "
    "\"latitude\": \"lat\", \"longitude\": \"lon\", \"columns\": ["
    "{\"name\": \"branch_id\", \"from\": \"_id\", \"type\": \"text\", \"key\": true, \"description\": \"Which\"},"
    "{\"name\": \"lat\", \"type\": \"real\", \"minimum\": -90, \"maximum\": 90, \"description\": \"Latitude\"},"
    "{\"name\": \"lon\", \"type\": \"real\", \"description\": \"Longitude\"}],"
    "\"children\": [{\"entity\": \"opening\", \"from\": \"hours\", \"description\": \"Opening hours\", \"columns\": ["
    "{\"name\": \"day\", \"type\": \"integer\", \"required\": true, \"maximum\": 6, \"description\": \"Weekday\"},"
    "{\"name\": \"open_at\", \"type\": \"text\", \"description\": \"Time\"}]}]}]}";

EntityMapping entity_fixture_mapping(const char *replaced, const char *by)
{
    Error err;
    EntityMapping mapping;
    const char *text = mapping_text, *at = replaced ? strstr(text, replaced) : NULL;
    if (at)
        text = arena_printf(entity_fixture.arena, "%.*s%s%s", (int)(at - text), text, by, at + strlen(replaced));
    cr_assert(entity_mapping_parse(text, strlen(text), "test.json", entity_fixture.arena, &mapping, &err), "%s",
              err.message);
    return mapping;
}

void entity_fixture_begin(void)
{
    Error err;
    ingest_database_begin();
    entity_fixture = (EntityFixture){.arena = arena_new()};
    entity_fixture.mapping = entity_fixture_mapping(NULL, NULL);
    cr_assert(entity_tables_ensure(ingest_database.connection, &entity_fixture.mapping, &err), "%s", err.message);
}

void entity_fixture_end(void)
{
    arena_free(entity_fixture.arena);
    ingest_database_end();
}

static EntityChange *add(const char *entity, EntityChangeKind kind, const char *valid_from)
{
    Error err;
    EntityChange *change = &entity_fixture.changes[entity_fixture.count++];
    *change = (EntityChange){.entity = entity_find(&entity_fixture.mapping, entity),
                             .kind = kind,
                             .valid_from = INSTANT_NONE,
                             .original = "{\"as\":\"received\"}"};
    cr_assert(!valid_from || instant_parse(valid_from, &change->valid_from, &err), "%s", err.message);
    change->row.values = arena_array(entity_fixture.arena, change->entity->columns_count, sizeof(EntityValue));
    return change;
}

EntityChange *entity_put(const char *entity, const char *valid_from, ...)
{
    va_list values;
    EntityChange *change = add(entity, ENTITY_PUT, valid_from);
    va_start(values, valid_from);
    for (size_t i = 0; i < change->entity->columns_count; i++)
        change->row.values[i] = va_arg(values, const char *);
    va_end(values);
    return change;
}

EntityChange *entity_delete(const char *entity, const char *valid_from, const char *key)
{
    EntityChange *change = add(entity, ENTITY_DELETE, valid_from);
    change->row.values[0] = key;
    return change;
}

void entity_items(EntityChange *change, ...)
{
    va_list values;
    EntityRows *rows = arena_zalloc(entity_fixture.arena, sizeof *rows);
    rows->rows = arena_array(entity_fixture.arena, 16, sizeof *rows->rows);
    va_start(values, change);
    for (const char *first; (first = va_arg(values, const char *)) != NULL; rows->count++) {
        EntityValue *pair = arena_array(entity_fixture.arena, 2, sizeof *pair);
        pair[0] = first;
        pair[1] = va_arg(values, const char *);
        rows->rows[rows->count].values = pair;
    }
    va_end(values);
    change->children = rows;
}

EntityResult entity_apply(void)
{
    Error err = {0};
    EntityResult result;
    const char *position = arena_printf(entity_fixture.arena, "%d", ++entity_fixture.positions);
    EntityBatch batch = {.source = "test",
                         .stream = "all",
                         .expected_position = entity_fixture.position,
                         .position = position,
                         .changes = entity_fixture.changes,
                         .count = entity_fixture.count};
    cr_assert(entity_store_apply(ingest_database.connection, &batch, NULL, NULL, NULL, &result, &err), "%s",
              err.message);
    entity_fixture.position = position;
    entity_fixture.count = 0;
    cr_assert_eq(result.changes, result.recorded + result.unchanged + result.quarantined);
    return result;
}

const char *entity_text(const char *sql, ...)
{
    char text[4096];
    va_list arguments;
    va_start(arguments, sql);
    vsnprintf(text, sizeof text, sql, arguments);
    va_end(arguments);
    PGresult *rows = PQexec(pg_handle(ingest_database.connection), text);
    bool ok = PQresultStatus(rows) == PGRES_TUPLES_OK && PQntuples(rows) == 1;
    cr_assert(ok, "%s: %s", text, PQerrorMessage(pg_handle(ingest_database.connection)));
    const char *value = PQgetisnull(rows, 0, 0) ? "null" : arena_strdup(entity_fixture.arena, PQgetvalue(rows, 0, 0));
    PQclear(rows);
    return value;
}
