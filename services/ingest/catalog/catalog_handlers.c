#include "services/ingest/catalog/catalog_handlers.h"

#include "gen/ingest_sql.h"
#include "services/ingest/catalog/retention.h"
#include "services/ingest/ingest.h"

static json_t *retention_json(const char *table, const IngestConfig *config)
{
    const RetentionRule *rule = retention_rule_of(table);
    if (!rule || retention_days(rule, config) == 0)
        return json_null();
    return json_pack("{sI ss ss}", "days", (json_int_t)retention_days(rule, config), "what", rule->what, "setting",
                     rule->setting);
}

static void add_retention(json_t *schema, const IngestConfig *config, Arena *arena)
{
    size_t i;
    json_t *table;
    json_array_foreach(json_object_get(schema, "tables"), i, table)
    {
        const char *name = arena_printf(arena, "%s.%s", json_string_value(json_object_get(schema, "name")),
                                        json_string_value(json_object_get(table, "name")));
        json_object_set_new(table, "retention", retention_json(name, config));
    }
}

bool handle_get_catalog(Request *request, Response *response, Error *err)
{
    Ingest *ingest = request->service;
    PG_SCOPED PgConnection *connection = NULL;
    PG_RESULT_SCOPED PGresult *row = NULL;
    const char *schema_name = request_query(request, "schema"), *table_name = request_query(request, "table");
    if (!ingest_acquire(ingest, &connection, err) ||
        !pg_run(connection, &sql_select_catalog, PG_PARAMS(pg_text(schema_name), pg_text(table_name)), &row, err))
        return false;
    json_t *schemas = json_loads(pg_get_text(row, 0, 0), 0, NULL);
    if (json_array_size(schemas) == 0) {
        json_decref(schemas);
        return error_set_at(err, ERROR_NOT_FOUND, table_name ? "table" : "schema",
                            "there is no such schema or table in the warehouse; GET /catalog lists them all");
    }
    size_t i;
    json_t *schema;
    json_array_foreach(schemas, i, schema) add_retention(schema, &ingest->config, request_arena(request));
    response_json(response, json_pack("{so}", "schemas", schemas));
    return true;
}
