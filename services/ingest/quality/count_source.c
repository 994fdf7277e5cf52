#include "services/ingest/quality/count_source.h"

#include <mongoc/mongoc.h>
#include <stdlib.h>
#include <string.h>
#include "common/buffer.h"
#include "gen/ingest_sql.h"
#include "services/ingest/quality/reconcile.h"

enum { SUBJECT_MAX_BYTES = 256, SQL_MAX_BYTES = 65536 };

/* What the source says of one entity: rows, then the sums of its summed columns; text of numbers. */
typedef const char *SourceTotals;

static bool is_summed(const EntityColumn *column)
{
    return column->type == ENTITY_DECIMAL && !column->personal;
}

static const char *summed_names(const Entity *entity, Arena *arena)
{
    const char *names = "";
    for (size_t i = 0; i < entity->columns_count; i++) {
        if (is_summed(&entity->columns[i]))
            names = arena_printf(arena, "%s%s%s", names, *names ? "," : "", entity->columns[i].name);
    }
    return arena_printf(arena, "{%s}", names);
}

/* Notes the totals against those of the entity's table; `with_sums` says whether the source gave more than the rows. */
static bool note_totals(PgConnection *repository, const char *source, Hour day, const Entity *entity,
                        const SourceTotals *totals, bool with_sums, Arena *arena, Error *err)
{
    PG_RESULT_SCOPED PGresult *kept = NULL;
    PG_RESULT_SCOPED PGresult *quarantined = NULL;
    if (!pg_run(repository, &sql_count_entity_rows,
                PG_PARAMS(pg_text(arena_printf(arena, "core.%s", entity->name)),
                          pg_text(with_sums ? summed_names(entity, arena) : "{}")),
                &kept, err) ||
        !pg_run(repository, &sql_count_quarantined, PG_PARAMS(pg_text(entity->name)), &quarantined, err))
        return false;
    int64_t set_aside = pg_get_int(quarantined, 0, 0);
    for (int i = 0; i < PQntuples(kept); i++) {
        bool is_rows = i == 0;
        const char *subject =
            is_rows ? entity->name : arena_printf(arena, "%s.%s", entity->name, pg_get_text(kept, i, 0));
        const char *detail =
            is_rows && set_aside ? arena_printf(arena, "%lld rows are in raw.quarantine", (long long)set_aside) : NULL;
        if (!pg_run(repository, &sql_record_reconciliation,
                    PG_PARAMS(pg_hour(day), pg_text(source), pg_text(subject), pg_text(totals[i]),
                              pg_text(pg_get_text(kept, i, 1)),
                              pg_text(is_rows ? arena_printf(arena, "%lld", (long long)set_aside) : "0"),
                              pg_text(detail)),
                    NULL, err))
            return false;
    }
    return true;
}

/* "schema.table" with both parts quoted. */
static void append_table(Buffer *sql, PGconn *handle, const char *from)
{
    const char *dot = strchr(from, '.');
    size_t schema_bytes = dot ? (size_t)(dot - from) : 0;
    if (dot) {
        char *schema = PQescapeIdentifier(handle, from, schema_bytes);
        buffer_printf(sql, "%s.", schema ? schema : "");
        PQfreemem(schema);
    }
    const char *table_name = dot ? dot + 1 : from;
    char *table = PQescapeIdentifier(handle, table_name, strlen(table_name));
    buffer_append_text(sql, table ? table : "");
    PQfreemem(table);
}

static bool count_table(PgConnection *source, const Entity *entity, Arena *arena, SourceTotals *totals, Error *err)
{
    BUFFER_SCOPED Buffer sql;
    PGconn *handle = pg_handle(source);
    buffer_init(&sql, SQL_MAX_BYTES);
    buffer_append_text(&sql, "SELECT count(*)");
    for (size_t i = 0; i < entity->columns_count; i++) {
        if (!is_summed(&entity->columns[i]))
            continue;
        char *column = PQescapeIdentifier(handle, entity->columns[i].from, strlen(entity->columns[i].from));
        buffer_printf(&sql, ", coalesce(sum(%s), 0)", column ? column : "");
        PQfreemem(column);
    }
    buffer_append_text(&sql, " FROM ");
    append_table(&sql, handle, entity->from);
    if (!buffer_ok(&sql, err))
        return false;
    PG_RESULT_SCOPED PGresult *row = PQexec(handle, sql.data);
    if (PQresultStatus(row) != PGRES_TUPLES_OK)
        return error_set(err, ERROR_UPSTREAM, "the source's table %s can't be counted: %s", entity->from,
                         PQerrorMessage(handle));
    for (int i = 0; i < PQnfields(row); i++)
        totals[i] = arena_strdup(arena, PQgetvalue(row, 0, i));
    return true;
}

static bool count_tables(PgConnection *repository, PgPool *pool, const EntityMapping *mapping, Hour day, Error *err)
{
    PG_SCOPED PgConnection *source = NULL;
    ARENA_SCOPED Arena *arena = arena_new();
    if (!pg_acquire(pool, RECONCILE_CONNECT_TIMEOUT_MS, &source, err))
        return error_prefix(err, "the SQL source can't be counted");
    for (size_t i = 0; i < mapping->entities_count; i++) {
        const Entity *entity = &mapping->entities[i];
        SourceTotals totals[ENTITY_COLUMNS_MAX + 1];
        if (!count_table(source, entity, arena, totals, err) ||
            !note_totals(repository, mapping->source, day, entity, totals, true, arena, err))
            return false;
    }
    return true;
}

bool count_sql_source(PgConnection *repository, const EntityMapping *mapping, const char *conninfo, Hour day,
                      Error *err)
{
    PgPool *pool = pg_pool_new(&(PgPoolOptions){
        .conninfo = conninfo,
        .application_name = "rushcast-quality",
        .size = 1,
        .connect_timeout_ms = RECONCILE_CONNECT_TIMEOUT_MS,
        .statement_timeout_ms = RECONCILE_TIMEOUT_MS,
    });
    bool ok = count_tables(repository, pool, mapping, day, err);
    pg_pool_free(pool);
    return ok;
}

static bool count_collections(PgConnection *repository, mongoc_client_t *client, const EntityMapping *mapping,
                              const char *database, Hour day, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    bson_t everything = BSON_INITIALIZER, *options = BCON_NEW("maxTimeMS", BCON_INT64(RECONCILE_TIMEOUT_MS));
    bool ok = true;
    for (size_t i = 0; ok && i < mapping->entities_count; i++) {
        bson_error_t failure;
        const Entity *entity = &mapping->entities[i];
        mongoc_collection_t *collection = mongoc_client_get_collection(client, database, entity->from);
        int64_t count = mongoc_collection_count_documents(collection, &everything, options, NULL, NULL, &failure);
        mongoc_collection_destroy(collection);
        SourceTotals totals[] = {arena_printf(arena, "%lld", (long long)count)};
        ok = count >= 0 ? note_totals(repository, mapping->source, day, entity, totals, false, arena, err)
                        : error_set(err, ERROR_UPSTREAM, "the source's collection %s can't be counted: %s",
                                    entity->from, failure.message);
    }
    bson_destroy(&everything);
    bson_destroy(options);
    return ok;
}

bool count_document_source(PgConnection *repository, const EntityMapping *mapping, const char *uri,
                           const char *database, Hour day, Error *err)
{
    bson_error_t failure;
    mongoc_init();
    mongoc_uri_t *address = mongoc_uri_new_with_error(uri, &failure);
    if (!address)
        return error_set(err, ERROR_UNPROCESSABLE, "the address of the document source is none: %s", failure.message);
    mongoc_uri_set_option_as_int32(address, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, RECONCILE_CONNECT_TIMEOUT_MS);
    mongoc_uri_set_option_as_int32(address, MONGOC_URI_SOCKETTIMEOUTMS, RECONCILE_TIMEOUT_MS);
    mongoc_client_t *client = mongoc_client_new_from_uri(address);
    bool ok = count_collections(repository, client, mapping, database, day, err);
    mongoc_client_destroy(client);
    mongoc_uri_destroy(address);
    return ok;
}
