#include <criterion/criterion.h>
#include <string.h>
#include "common/json.h"
#include "gen/ingest_sql.h"
#include "tests/integration/services/ingest/ingest_database.h"

TestSuite(catalog, .init = ingest_database_begin, .fini = ingest_database_end);

static json_t *catalog(const char *schema, const char *table)
{
    Error err;
    PGresult *row;
    cr_assert(
        pg_run(ingest_database.connection, &sql_select_catalog, PG_PARAMS(pg_text(schema), pg_text(table)), &row, &err),
        "%s", err.message);
    json_t *schemas = json_loads(pg_get_text(row, 0, 0), 0, NULL);
    PQclear(row);
    return schemas;
}

static json_t *named(json_t *array, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item)
    {
        if (strcmp(json_string_value(json_object_get(item, "name")), name) == 0)
            return item;
    }
    cr_assert(false, "there is no %s", name);
    return NULL;
}

static json_t *only_table(json_t *schemas)
{
    cr_assert_eq(json_array_size(schemas), 1);
    json_t *tables = json_object_get(json_array_get(schemas, 0), "tables");
    cr_assert_eq(json_array_size(tables), 1);
    return json_array_get(tables, 0);
}

static const char *text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

Test(catalog, every_schema_table_and_column_is_described)
{
    size_t s, t, c;
    json_t *schema, *table, *column;
    JSON_SCOPED json_t *schemas = catalog(NULL, NULL);
    size_t tables = 0;
    json_array_foreach(schemas, s, schema)
    {
        cr_assert(text(schema, "description"), "schema %s", text(schema, "name"));
        json_array_foreach(json_object_get(schema, "tables"), t, table)
        {
            tables++;
            cr_assert(text(table, "description"), "%s.%s", text(schema, "name"), text(table, "name"));
            json_array_foreach(json_object_get(table, "columns"), c, column)
                cr_assert(text(column, "description"), "%s.%s.%s", text(schema, "name"), text(table, "name"),
                          text(column, "name"));
        }
    }
    cr_assert_eq(
        (int64_t)tables,
        ingest_database_number("SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm') AND NOT"
                               " relispartition AND relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname NOT"
                               " LIKE 'pg%%' AND nspname NOT IN ('information_schema', 'public'))"),
        "no schema is left out");
}

Test(catalog, functions_sequences_and_types_are_described)
{
    cr_assert_eq(
        ingest_database_number(
            "SELECT (SELECT count(*) FROM pg_proc p WHERE pronamespace IN (SELECT oid FROM pg_namespace WHERE"
            " nspname IN ('raw', 'core', 'quality')) AND obj_description(p.oid, 'pg_proc') IS NULL)"
            " + (SELECT count(*) FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace WHERE typtype = 'e'"
            " AND nspname IN ('raw', 'core', 'quality') AND obj_description(t.oid, 'pg_type') IS NULL)"),
        0);
}

Test(catalog, keys_references_and_types_are_told)
{
    JSON_SCOPED json_t *schemas = catalog("core", "demand_hourly");
    json_t *table = only_table(schemas), *columns = json_object_get(table, "columns");
    json_t *geo = named(columns, "geo_id"), *orders = named(columns, "orders");
    cr_assert_str_eq(text(table, "kind"), "table");
    cr_assert_str_eq(text(geo, "type"), "integer");
    cr_assert_str_eq(text(geo, "references"), "core.geo");
    cr_assert(json_is_true(json_object_get(geo, "key")));
    cr_assert(json_is_false(json_object_get(geo, "nullable")));
    cr_assert(json_is_false(json_object_get(orders, "key")));
    cr_assert(json_is_null(json_object_get(orders, "references")));
    cr_assert(json_is_false(json_object_get(table, "personal")));
    cr_assert_not_null(text(table, "owner"));
}

Test(catalog, partitions_count_with_their_table)
{
    Error err;
    cr_assert(pg_run(ingest_database.connection, &sql_ensure_payload_partitions, PG_PARAMS(pg_int(1)), NULL, &err));
    OrderBatch *batch = order_batch_new();
    ingest_batch_add(batch, 0, 0, 0, ingest_order_json("a", "a", "2026-06-01T10:15:00Z"));
    ingest_batch_commit(batch, 1);
    order_batch_free(batch);
    cr_assert(pg_command(ingest_database.connection, "ANALYZE raw.batch_payload", &err));
    JSON_SCOPED json_t *schemas = catalog("raw", NULL);
    json_t *tables = json_object_get(json_array_get(schemas, 0), "tables");
    json_t *payload = named(tables, "batch_payload");
    cr_assert_eq(json_integer_value(json_object_get(payload, "rows_estimate")), 1);
    cr_assert_gt(json_integer_value(json_object_get(payload, "bytes")), 0);
    size_t i;
    json_t *table;
    json_array_foreach(tables, i, table)
        cr_assert(strncmp(text(table, "name"), "batch_payload_", 14) != 0, "%s", text(table, "name"));
}

Test(catalog, tables_say_when_they_were_written_last)
{
    OrderBatch *batch = order_batch_new();
    ingest_batch_add(batch, 0, 0, 0, ingest_order_json("a", "a", "2026-06-01T10:15:00Z"));
    ingest_batch_add(batch, 0, 1, 1, "junk");
    ingest_batch_commit(batch, 2);
    order_batch_free(batch);
    Error err;
    cr_assert(pg_command(ingest_database.connection,
                         "UPDATE raw.batch SET committed_at = '2026-06-01T12:00:00Z';"
                         "UPDATE raw.dead_letter SET received_at = '2026-06-01T13:00:00Z'",
                         &err));
    static const struct {
        const char *schema, *table, *expected;
    } cases[] = {
        {"core", "order_event", "2026-06-01T12:00:00Z"},
        {"core", "demand_hourly", "2026-06-01T12:00:00Z"},
        {"raw", "batch", "2026-06-01T12:00:00Z"},
        {"raw", "batch_payload", "2026-06-01T12:00:00Z"},
        {"raw", "dead_letter", "2026-06-01T13:00:00Z"},
        {"raw", "duplicate_event", NULL},
        {"warehouse", "order_event", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        JSON_SCOPED json_t *schemas = catalog(cases[i].schema, cases[i].table);
        const char *newest = text(only_table(schemas), "newest_recorded_at");
        cr_assert((newest == NULL) == (cases[i].expected == NULL), "%s: %s", cases[i].table, newest);
        if (newest)
            cr_assert_str_eq(newest, cases[i].expected, "%s", cases[i].table);
    }
}

Test(catalog, what_is_not_there_is_an_empty_list)
{
    JSON_SCOPED json_t *none = catalog("core", "nothing");
    JSON_SCOPED json_t *system = catalog("pg_catalog", NULL);
    cr_assert_eq(json_array_size(none), 0);
    cr_assert_eq(json_array_size(system), 0);
}
