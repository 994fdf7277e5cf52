/* A database of version 0.1.0, which had the first three migrations, keeps all it has when it gets the others. */
#include <criterion/criterion.h>
#include <string.h>
#include "gen/ingest_sql.h"
#include "tests/integration/services/ingest/ingest_database.h"
#include "tests/integration/support/test_servers.h"

enum { OLD_MIGRATIONS = 3, OLD_ORDERS = 5000 };

/* What the old version would have written: orders with their life in three batches, the third of them half duplicates.
 */
static const char fill_old[] =
    "INSERT INTO core.geo (geo, name, kind, timezone, country, lat, lon) VALUES"
    "  ('all', 'All', 'all', 'America/Argentina/Cordoba', 'AR', -32.9, -60.6);"
    "INSERT INTO core.geo (geo, name, kind, timezone, country, lat, lon, parent_id)"
    "  SELECT 'city:rosario', 'Rosario', 'city', 'America/Argentina/Cordoba', 'AR', -32.9, -60.6, geo_id FROM core.geo;"
    "INSERT INTO core.geo (geo, name, kind, timezone, country, lat, lon, parent_id)"
    "  SELECT 'cell-' || n, 'Cell ' || n, 'cell', 'America/Argentina/Cordoba', 'AR', -32.9, -60.6, geo_id"
    "  FROM core.geo, generate_series(1, 4) n WHERE geo = 'city:rosario';"
    "INSERT INTO core.branch (branch_id, geo_id, lat, lon, located_at, source, batch_id)"
    "  SELECT 'branch-' || geo_id, geo_id, lat, lon, '2026-05-01T00:00Z', 'events', 1 FROM core.geo WHERE kind = "
    "'cell';"
    "INSERT INTO raw.batch (batch_id, commit_seq, source, topic, partitions, first_offsets, last_offsets, messages, "
    "events,"
    "    duplicates, dead_letters, committed_at) VALUES"
    "  (nextval('raw.batch_id'), nextval('raw.commit_seq'), 'kafka', 'orders', '{2}', '{0}', '{4999}', 5000, 5000, 0, "
    "0,"
    "   '2026-06-01T00:00Z'),"
    "  (nextval('raw.batch_id'), nextval('raw.commit_seq'), 'kafka', 'orders', '{3}', '{0}', '{4999}', 5000, 5000, 0, "
    "0,"
    "   '2026-06-01T00:00Z'),"
    "  (nextval('raw.batch_id'), nextval('raw.commit_seq'), 'kafka', 'orders', '{2,3}', '{5000,5000}', '{5005,5004}', "
    "11, 1,"
    "   7, 3, '2026-06-02T00:00Z');"
    "INSERT INTO core.order_event (order_id, event_type, occurred_at, batch_id, message_no, geo_id, lat, lon, vertical,"
    "    event_id, branch_id, customer_id, total_amount, currency)"
    "  SELECT 'o' || n, type, '2026-05-01T00:00Z'::timestamptz + n * interval '1 minute', batch, n, 3 + n % 4, -32.9, "
    "-60.6,"
    "    CASE n % 3 WHEN 0 THEN 'goods' WHEN 1 THEN 'restaurant' ELSE 'unknown' END::core.vertical, 'e' || n || type,"
    "    'branch-' || 3 + n % 4, 'customer-' || n % 100, n + 0.25, 'ARS'"
    "  FROM generate_series(0, 4999) n, (VALUES ('order_created'::core.event_type, 1), ('order_delivered', 2)) t "
    "(type, batch);"
    "INSERT INTO core.order_event (order_id, event_type, occurred_at, batch_id, message_no, vertical, event_id, "
    "branch_id)"
    "  VALUES ('waits', 'order_created', '2026-05-04T10:00Z', 3, 0, 'goods', 'w', 'branch-new');"
    "INSERT INTO raw.waiting_event (order_id, event_type, branch_id, batch_id)"
    "  VALUES ('waits', 'order_created', 'branch-new', 3);"
    "INSERT INTO core.demand_hourly (geo_id, hour_utc, vertical, orders, changed_seq)"
    "  SELECT geo_id, date_trunc('hour', occurred_at, 'UTC'), vertical, count(*), 1 FROM core.order_event"
    "  WHERE event_type = 'order_created' AND geo_id IS NOT NULL GROUP BY 1, 2, 3;"
    "INSERT INTO core.demand_restatement (commit_seq, geo_id, hour_utc, vertical, orders_were, orders_are, why)"
    "  SELECT 1, geo_id, hour_utc, vertical, orders - 1, orders, 'late_event' FROM core.demand_hourly LIMIT 20;"
    "INSERT INTO raw.duplicate_event (batch_id, message_no, order_id, event_type, event_id, partition, \"offset\")"
    "  SELECT 3, n, 'o' || n, 'order_created', 'again', 2, 5000 + n FROM generate_series(1, 7) n;"
    "INSERT INTO raw.dead_letter (batch_id, topic, partition, \"offset\", reason, detail, pointer, payload)"
    "  SELECT 3, 'orders', 3, 5000 + n, 'not_json', 'junk', '', decode('00ff' || n, 'hex') FROM generate_series(10, "
    "12) n;"
    "SELECT raw.ensure_payload_partitions('2026-06-01', '2026-06-01');"
    "INSERT INTO raw.batch_payload (batch_id, received_on, payload, payload_bytes, customers)"
    "  SELECT batch_id, committed_at::date, decode(repeat('ab', 500), 'hex'), 700, '{1,2,3}' FROM raw.batch;"
    "INSERT INTO raw.kafka_offset (topic, partition, next_offset, end_offset, latest_event_at, events, duplicates,"
    "    dead_letters) VALUES"
    "  ('orders', 2, 5006, 5006, '2026-05-04T11:19Z', 5000, 6, 0), ('orders', 3, 5005, 5005, '2026-05-04T11:19Z', "
    "5001, 1, 3);"
    "UPDATE core.watermark SET watermark_at = '2026-05-04T11:19Z', first_hour = '2026-05-01T00:00Z', orders = 5000,"
    "  changed_seq = 1;";

static const char *const kept_tables[][2] = {
    {"core.geo", "core.geo"},
    {"core.branch", "core.branch_location"},
    {"core.order_event", "core.order_event"},
    {"core.demand_hourly", "core.demand_hourly"},
    {"core.demand_restatement", "core.demand_restatement"},
    {"core.watermark", "core.watermark"},
    {"raw.batch", "raw.batch"},
    {"raw.batch_payload", "raw.batch_payload"},
    {"raw.dead_letter", "raw.dead_letter"},
    {"raw.duplicate_event", "raw.duplicate_event"},
    {"raw.waiting_event", "raw.waiting_event"},
};
enum { KEPT_TABLES = sizeof kept_tables / sizeof kept_tables[0] };

static int64_t old_file;

static void run_sql(PgConnection *connection, const char *sql)
{
    Error err;
    cr_assert(pg_command(connection, sql, &err), "%s", err.message);
}

static int64_t file_of_orders(PgConnection *connection)
{
    PGresult *row = PQexec(pg_handle(connection), "SELECT pg_relation_filenode('core.order_event')");
    int64_t file = strtoll(PQgetvalue(row, 0, 0), NULL, 10);
    PQclear(row);
    return file;
}

static void begin(void)
{
    Error err;
    size_t applied;
    PgConnection *connection;
    PgPool *pool = pg_pool_new(&(PgPoolOptions){.conninfo = test_database(), .application_name = "old", .size = 1});
    cr_assert(pg_acquire(pool, 5000, &connection, &err), "%s", err.message);
    cr_assert_eq(strncmp(ingest_migrations[OLD_MIGRATIONS].name, "0004", 4), 0);
    cr_assert(migrations_apply(connection, "raw", ingest_migrations, OLD_MIGRATIONS, &applied, &err), "%s",
              err.message);
    run_sql(connection, fill_old);
    run_sql(connection, "CREATE SCHEMA before");
    for (size_t i = 0; i < KEPT_TABLES; i++) {
        char sql[256];
        const char *table = kept_tables[i][0];
        snprintf(sql, sizeof sql, "CREATE TABLE before.%s AS TABLE %s", strchr(table, '.') + 1, table);
        run_sql(connection, sql);
    }
    old_file = file_of_orders(connection);
    pg_release(connection);
    pg_pool_free(pool);
    ingest_database_begin();
}

TestSuite(upgrade, .init = begin, .fini = ingest_database_end);

Test(upgrade, every_row_is_still_there_and_no_other)
{
    run_sql(
        ingest_database.connection,
        "CREATE FUNCTION before.differing(old_name text, new_name text) RETURNS bigint LANGUAGE plpgsql AS $$"
        " DECLARE columns text; result bigint;"
        " BEGIN"
        "   SELECT string_agg(format('%I', attname), ', ') INTO columns FROM pg_attribute"
        "   WHERE attrelid = old_name::regclass AND attnum > 0;"
        "   EXECUTE format('SELECT (SELECT count(*) FROM (SELECT %1$s FROM %2$s EXCEPT ALL SELECT %1$s FROM %3$s) lost)"
        " + (SELECT count(*) FROM (SELECT %1$s FROM %3$s EXCEPT ALL SELECT %1$s FROM %2$s) made)',"
        "                  columns, old_name, new_name) INTO result;"
        "   RETURN result;"
        " END $$");
    for (size_t i = 0; i < KEPT_TABLES; i++) {
        const char *old_name = strchr(kept_tables[i][0], '.') + 1, *new_name = kept_tables[i][1];
        cr_assert_eq(ingest_database_number("SELECT before.differing('before.%s', '%s')", old_name, new_name), 0, "%s",
                     new_name);
        cr_assert_gt(ingest_database_number("SELECT count(*) FROM before.%s", old_name), 0, "%s was filled", old_name);
    }
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.kafka_offset WHERE partition IN (2, 3) AND"
                                        " next_offset = events + duplicates + dead_letters"),
                 2);
}

Test(upgrade, the_orders_are_not_written_anew)
{
    cr_assert_eq(file_of_orders(ingest_database.connection), old_file,
                 "a migration rewrites core.order_event: on a large history that takes hours");
}

Test(upgrade, keys_still_hold)
{
    PGconn *handle = pg_handle(ingest_database.connection);
    static const char *const twice[] = {
        "INSERT INTO core.order_event SELECT * FROM core.order_event LIMIT 1",
        "INSERT INTO core.demand_hourly SELECT * FROM core.demand_hourly LIMIT 1",
        "INSERT INTO raw.batch SELECT * FROM raw.batch LIMIT 1",
        "INSERT INTO raw.batch_payload SELECT * FROM raw.batch_payload LIMIT 1",
        "INSERT INTO core.branch_location SELECT * FROM core.branch_location LIMIT 1",
        "INSERT INTO core.geo (geo, name, kind, timezone, country) VALUES ('all', '', 'all', 'UTC', '')",
    };
    for (size_t i = 0; i < sizeof twice / sizeof twice[0]; i++) {
        PGresult *result = PQexec(handle, twice[i]);
        cr_assert_str_eq(PQresultErrorField(result, PG_DIAG_SQLSTATE), "23505", "%s", twice[i]);
        PQclear(result);
    }
}

Test(upgrade, ingest_goes_on_where_it_was)
{
    OrderBatch *batch = order_batch_new();
    ingest_batch_add(batch, 2, 5006, 5006, ingest_order_json("o17", "once more", "2026-05-04T12:00:00Z"));
    ingest_batch_add(batch, 2, 5007, 5007, ingest_order_json("new", "new", "2026-05-04T12:00:00Z"));
    ingest_batch_add(batch, 3, 5005, 5005, ingest_order_json("newer", "newer", "2026-05-04T12:00:00Z"));
    StoreResult result = ingest_batch_commit(batch, -1);
    order_batch_free(batch);
    cr_assert_eq(result.batch_id, 4);
    cr_assert_eq(result.commit_seq, 4);
    cr_assert_eq(result.duplicates, 1, "orders of before are known");
    cr_assert_eq(ingest_database_number("SELECT orders FROM core.watermark"), OLD_ORDERS + 2);
    cr_assert_eq(ingest_database_number("SELECT sum(orders) FROM core.demand_hourly"), OLD_ORDERS + 2);

    PGresult *rows;
    Error err;
    cr_assert(pg_run(ingest_database.connection, &sql_check_rules, PG_PARAMS(pg_int(100000)), &rows, &err), "%s",
              err.message);
    PQclear(rows);
    cr_assert_eq(ingest_database_number("SELECT sum(failed_rows) FROM quality.rule_result"), 0,
                 "the old rows keep the rules of today");
}
