#include "tests/integration/services/ingest/ingest_database.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "common/clock.h"
#include "gen/ingest_sql.h"
#include "tests/integration/support/test_servers.h"

IngestDatabase ingest_database;

void ingest_database_begin(void)
{
    Error err;
    size_t applied;
    int64_t partitions;
    IngestDatabase *database = &ingest_database;
    cr_assert(clock_init("", &err), "%s", err.message);
    database->pool =
        pg_pool_new(&(PgPoolOptions){.conninfo = test_database(), .application_name = "ingest-test", .size = 4});
    cr_assert(pg_acquire(database->pool, 5000, &database->connection, &err), "%s", err.message);
    cr_assert(migrations_apply(database->connection, "raw", ingest_migrations, ingest_migrations_count, &applied, &err),
              "%s", err.message);
    database->directory = geo_directory_new(&(GeoDirectoryOptions){
        .resolution = 7, .default_timezone = "", .area = &database->area, .pool = database->pool});
    cr_assert(geo_directory_register_area(database->directory, database->connection, &err), "%s", err.message);
    cr_assert(geo_directory_reload(database->directory, database->connection, &err), "%s", err.message);
    database->parser = order_parser_new();
    database->privacy = privacy_filter_new();
    ingest_database_restart_store();
    partitions = ingest_database_number("WITH made AS (INSERT INTO raw.kafka_offset (topic, partition, next_offset)"
                                        " SELECT 'orders', p, 0 FROM generate_series(0, 1) p RETURNING 1)"
                                        " SELECT count(*) FROM made");
    cr_assert_eq(partitions, 2);
}

void ingest_database_end(void)
{
    order_store_free(ingest_database.store);
    privacy_filter_free(ingest_database.privacy);
    order_parser_free(ingest_database.parser);
    geo_directory_free(ingest_database.directory);
    pg_release(ingest_database.connection);
    pg_pool_free(ingest_database.pool);
    test_database_drop();
}

void ingest_database_restart_store(void)
{
    order_store_free(ingest_database.store);
    ingest_database.store = order_store_new(&(OrderStoreOptions){.pool = ingest_database.pool,
                                                                 .topic = "orders",
                                                                 .window_capacity = TEST_WINDOW_EVENTS,
                                                                 .privacy = ingest_database.privacy});
}

int64_t ingest_database_number(const char *sql, ...)
{
    char text[4096];
    va_list arguments;
    va_start(arguments, sql);
    vsnprintf(text, sizeof text, sql, arguments);
    va_end(arguments);
    PGresult *rows = PQexec(pg_handle(ingest_database.connection), text);
    bool ok = PQresultStatus(rows) == PGRES_TUPLES_OK && PQntuples(rows) == 1;
    cr_assert(ok, "%s: %s", text, PQerrorMessage(pg_handle(ingest_database.connection)));
    int64_t number = strtoll(PQgetvalue(rows, 0, 0), NULL, 10);
    PQclear(rows);
    return number;
}

void ingest_batch_add(OrderBatch *batch, int32_t partition, int64_t offset, int64_t expected_offset, const char *json)
{
    Error err;
    RawMessage message = {.partition = partition, .offset = offset, .data = json, .length_bytes = strlen(json)};
    BatchOrder *order =
        order_batch_add(batch, ingest_database.parser, clock_wall() + INSTANT_PER_HOUR, &message, expected_offset);
    cr_assert(!order || geo_directory_place(ingest_database.directory, batch, order, &err), "%s", err.message);
}

StoreResult ingest_batch_commit(OrderBatch *batch, int64_t end_offset)
{
    Error err = {0};
    StoreResult result;
    PartitionEnds ends = {.count = 0};
    if (end_offset >= 0)
        ends = (PartitionEnds){.items = {{0, end_offset}, {1, 0}}, .count = 2};
    cr_assert(order_batch_pack(batch, &err), "%s", err.message);
    cr_assert(order_store_commit(ingest_database.store, batch, &ends, &result, &err), "%s", err.message);
    return result;
}

const char *ingest_order_json(const char *order_id, const char *event_id, const char *occurred_at)
{
    static char json[1024];
    snprintf(
        json, sizeof json,
        "{\"event_id\":\"%s\",\"event_type\":\"order_created\",\"order_id\":\"%s\",\"occurred_at\":\"%s\","
        "\"branch_id\":\"branch-1\",\"customer_id\":\"customer-%s\",\"vertical\":\"restaurant\","
        "\"location\":{\"lat\":-32.9442,\"lon\":-60.6505},\"total\":{\"amount\":\"1234.50\",\"currency\":\"ARS\"}}",
        event_id, order_id, occurred_at, order_id);
    return json;
}
