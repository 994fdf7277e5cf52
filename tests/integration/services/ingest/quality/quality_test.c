#include <criterion/criterion.h>
#include <mongoc/mongoc.h>
#include <string.h>
#include "gen/ingest_sql.h"
#include "services/ingest/quality/completeness_check.h"
#include "services/ingest/quality/quality_report.h"
#include "services/ingest/quality/reconcile.h"
#include "services/ingest/quality/span_quality.h"
#include "tests/integration/services/ingest/ingest_database.h"
#include "tests/integration/support/test_servers.h"

TestSuite(quality, .init = ingest_database_begin, .fini = ingest_database_end);

static const ReconciledSources no_databases;

static void run_sql(const char *sql)
{
    Error err;
    cr_assert(pg_command(ingest_database.connection, sql, &err), "%s: %s", sql, err.message);
}

static Hour hour_at(const char *text)
{
    Error err;
    Hour hour;
    cr_assert(hour_parse(text, &hour, &err), "%s", err.message);
    return hour;
}

static Hour today(void)
{
    return (Hour)ingest_database_number("SELECT extract(epoch FROM date_trunc('day', now(), 'UTC'))::bigint / 3600");
}

/* Three orders, a duplicate of one of them and something useless, at 10:15 and 11:15 of 1 June. */
static void store_orders(void)
{
    OrderBatch *batch = order_batch_new();
    ingest_batch_add(batch, 0, 0, 0, ingest_order_json("a", "a", "2026-06-01T10:15:00Z"));
    ingest_batch_add(batch, 0, 1, 1, ingest_order_json("b", "b", "2026-06-01T10:15:00Z"));
    ingest_batch_add(batch, 0, 2, 2, ingest_order_json("a", "a", "2026-06-01T10:15:00Z"));
    ingest_batch_add(batch, 0, 3, 3, "junk");
    ingest_batch_commit(batch, 4);
    order_batch_clear(batch);
    ingest_batch_add(batch, 0, 4, 4, ingest_order_json("c", "c", "2026-06-01T11:15:00Z"));
    ingest_batch_commit(batch, 5);
    order_batch_free(batch);
}

static int64_t check_rules(int64_t most_messages, int64_t *ret_behind)
{
    Error err;
    PGresult *row;
    cr_assert(pg_run(ingest_database.connection, &sql_check_rules, PG_PARAMS(pg_int(most_messages)), &row, &err), "%s",
              err.message);
    int64_t rows = pg_get_int(row, 0, 0);
    *ret_behind = pg_get_int(row, 0, 1);
    PQclear(row);
    return rows;
}

static int64_t failures(const char *rule)
{
    return ingest_database_number("SELECT coalesce(sum(failed_rows), -1) FROM quality.rule_result WHERE rule_id = '%s'",
                                  rule);
}

/* Parts of the reconciliation. */
enum { KAFKA, DEMAND, COMPANY_SQL, COMPANY_DOCUMENTS };

static void reconcile(size_t part, Hour day)
{
    Error err;
    cr_assert(reconcile_part(ingest_database.connection, &no_databases, part, day, &err), "%s", err.message);
}

static int64_t reconciled(const char *source, const char *state)
{
    return ingest_database_number("SELECT count(*) FROM quality.reconciliation WHERE source = '%s' AND state = '%s'",
                                  source, state);
}

static json_t *report(const char *since)
{
    Error err;
    json_t *document;
    Instant now, from;
    cr_assert(instant_parse("2026-06-01T20:00:00Z", &now, &err) && instant_parse(since, &from, &err));
    QualityQuery query = {.topic = "orders",
                          .sources = {{"kafka", "A", 3600}, {"company-sql", "B", 60}, {"company-documents", "C", 60}},
                          .since = from,
                          .now = now};
    cr_assert(quality_report_read(ingest_database.connection, &query, &document, &err), "%s", err.message);
    return document;
}

static const char *text_at(const json_t *document, const char *array, size_t index, const char *key)
{
    return json_string_value(json_object_get(json_array_get(json_object_get(document, array), index), key));
}

Test(quality, rules_are_checked_once_on_each_row_that_comes_in)
{
    int64_t behind;
    store_orders();
    cr_assert_eq(check_rules(1, &behind), 3, "two orders and their hour");
    cr_assert_eq(behind, 1);
    cr_assert_eq(check_rules(1000, &behind), 2);
    cr_assert_eq(behind, 0);
    cr_assert_eq(check_rules(1000, &behind), 0);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM quality.rule_result WHERE failed_rows > 0"), 0);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM quality.rule"),
                 ingest_database_number("SELECT count(*) FROM quality.rule_result"));
    cr_assert_eq(
        ingest_database_number("SELECT checked_rows FROM quality.rule_result WHERE rule_id = 'order_event_geo'"), 3);
}

Test(quality, rows_that_break_rules_are_told_by_their_keys)
{
    int64_t behind;
    store_orders();
    run_sql("INSERT INTO core.order_event (order_id, event_type, occurred_at, batch_id, message_no, geo_id, lat, lon,"
            " vertical, event_id, total_amount, currency) VALUES"
            " ('nowhere', 'order_created', now(), 1, 10, 9999, 10, 10, 'goods', 'x', NULL, NULL),"
            " ('lost', 'order_created', now(), 1, 11, NULL, NULL, NULL, 'goods', 'x', NULL, NULL),"
            " ('cheap', 'order_created', now(), 1, 12, 2, 91, 10, 'goods', 'x', -1, 'ARS'),"
            " ('half', 'order_created', now(), 1, 13, 2, 10, NULL, 'goods', 'x', 5, NULL),"
            " ('a', 'order_delivered', '2026-06-01T10:14:00Z', 1, 14, 2, 10, 10, 'goods', 'x', NULL, NULL)");
    check_rules(1000, &behind);
    cr_assert_eq(failures("order_event_geo"), 1);
    cr_assert_eq(failures("order_event_placed"), 1);
    cr_assert_eq(failures("order_event_amount"), 2);
    cr_assert_eq(failures("order_event_coordinates"), 2);
    cr_assert_eq(failures("order_event_order"), 2, "the delivery and what it comes before");
    cr_assert_eq(failures("order_event_batch"), 0);
    cr_assert_eq(failures("demand_geo"), 0);
    JSON_SCOPED json_t *document = report("2026-01-01T00:00:00Z");
    cr_assert_str_eq(json_string_value(json_object_get(document, "state")), "wrong");
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM quality.rule_result WHERE rule_id = 'order_event_geo' AND"
                                        " sample_keys = ARRAY['nowhere order_created']"),
                 1);
}

Test(quality, rows_without_a_batch_are_found_between_those_with_one)
{
    int64_t behind;
    store_orders();
    run_sql("ALTER SEQUENCE raw.batch_id RESTART 100");
    OrderBatch *batch = order_batch_new();
    ingest_batch_add(batch, 0, 5, 5, ingest_order_json("d", "d", "2026-06-01T11:15:00Z"));
    ingest_batch_commit(batch, 6);
    order_batch_free(batch);
    run_sql("INSERT INTO core.order_event (order_id, event_type, occurred_at, batch_id, message_no, geo_id, vertical,"
            " event_id) VALUES ('stray', 'order_created', now(), 50, 0, 2, 'goods', 'x')");
    check_rules(1000, &behind);
    cr_assert_eq(failures("order_event_batch"), 1);
}

Test(quality, a_day_that_adds_up_is_ok_and_not_looked_at_again)
{
    Error err;
    bool any;
    store_orders();
    run_sql("UPDATE raw.batch SET committed_at = committed_at - interval '1 day';"
            "UPDATE raw.dead_letter SET received_at = received_at - interval '1 day';"
            "UPDATE core.watermark SET watermark_at = '2026-06-02T00:10:00Z'");
    Instant now = hour_start(today() + 1);
    for (int i = 0; i < 2; i++) {
        cr_assert(reconcile_due(ingest_database.connection, &no_databases, now, &any, &err), "%s", err.message);
        cr_assert(any, "kafka of yesterday and demand of 1 June");
    }
    cr_assert(reconcile_due(ingest_database.connection, &no_databases, now, &any, &err), "%s", err.message);
    cr_assert_not(any);
    cr_assert_eq(reconciled("kafka", "ok"), 5, "a partition, messages, events, duplicates and dead letters");
    cr_assert_eq(reconciled("demand", "ok"), 1);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM quality.reconciliation"), 6);
    cr_assert_eq(ingest_database_number("SELECT source_count FROM quality.reconciliation WHERE subject = 'orders/0'"),
                 5);
    cr_assert_eq(ingest_database_number("SELECT source_count FROM quality.reconciliation WHERE subject = 'events'"), 3);
}

Test(quality, days_of_a_stop_are_caught_up_with)
{
    Error err;
    bool any = true;
    int days = -1;
    store_orders();
    run_sql("UPDATE raw.batch SET committed_at = committed_at - interval '5 days';"
            "UPDATE raw.dead_letter SET received_at = received_at - interval '5 days'");
    while (any) {
        cr_assert(reconcile_due(ingest_database.connection, &no_databases, hour_start(today() + 1), &any, &err), "%s",
                  err.message);
        days++;
    }
    cr_assert_eq(days, 5);
    cr_assert_eq(
        ingest_database_number("SELECT count(DISTINCT day) FROM quality.reconciliation WHERE source = 'kafka'"), 5);
}

Test(quality, a_difference_counts_the_third_time_and_until_it_is_gone)
{
    store_orders();
    run_sql("DELETE FROM core.order_event WHERE order_id = 'b'");
    reconcile(KAFKA, today());
    cr_assert_eq(reconciled("kafka", "pending"), 1);
    reconcile(DEMAND, hour_at("2026-06-01T00:00:00Z"));
    cr_assert_eq(reconciled("demand", "pending"), 1);
    for (int i = 0; i < 2; i++)
        reconcile(KAFKA, today());
    cr_assert_eq(reconciled("kafka", "differs"), 1);
    cr_assert_eq(ingest_database_number("SELECT difference FROM quality.reconciliation WHERE state = 'differs' AND"
                                        " subject = 'events' AND source_count = 3 AND repository_count = 2"),
                 1);
    JSON_SCOPED json_t *document = report("2026-01-01T00:00:00Z");
    cr_assert_str_eq(json_string_value(json_object_get(document, "state")), "wrong");
    run_sql("INSERT INTO core.order_event SELECT 'b', event_type, occurred_at, batch_id, 1, geo_id, lat, lon, vertical,"
            " event_id FROM core.order_event WHERE order_id = 'a'");
    reconcile(KAFKA, today());
    reconcile(DEMAND, hour_at("2026-06-01T00:00:00Z"));
    cr_assert_eq(reconciled("kafka", "ok"), 5);
    cr_assert_eq(reconciled("demand", "ok"), 1);
}

Test(quality, demand_is_compared_hour_by_hour)
{
    store_orders();
    run_sql(
        "UPDATE core.demand_hourly SET orders = orders + CASE WHEN hour_utc = '2026-06-01T10:00Z' THEN 1 ELSE -1 END");
    reconcile(DEMAND, hour_at("2026-06-01T00:00:00Z"));
    cr_assert_eq(ingest_database_number("SELECT difference FROM quality.reconciliation WHERE source = 'demand'"), 2,
                 "though the sums are the same");
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM quality.reconciliation WHERE source = 'demand' AND"
                                        " detail LIKE '%%2026-06-01T10:00:00Z%%'"),
                 1);
}

Test(quality, offsets_that_were_jumped_over_are_a_difference_unless_known)
{
    store_orders();
    OrderBatch *batch = order_batch_new();
    ingest_batch_add(batch, 0, 9, 5, ingest_order_json("d", "d", "2026-06-01T11:15:00Z"));
    ingest_batch_commit(batch, 10);
    order_batch_free(batch);
    reconcile(KAFKA, today());
    cr_assert_eq(ingest_database_number("SELECT difference FROM quality.reconciliation WHERE subject = 'orders/0'"), 4);
    run_sql(
        "CREATE TABLE IF NOT EXISTS raw.stream_gap (topic text, partition int, from_offset bigint, to_offset bigint,"
        " from_event_at timestamptz, to_event_at timestamptz, batch_id bigint, detected_at timestamptz DEFAULT now(),"
        " filled_at timestamptz);"
        "INSERT INTO raw.stream_gap (topic, partition, from_offset, to_offset, from_event_at, to_event_at, batch_id)"
        " VALUES ('orders', 0, 5, 9, '2026-06-01T11:15:00Z', '2026-06-01T11:15:00Z', 1)");
    reconcile(KAFKA, today());
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM quality.reconciliation WHERE subject = 'orders/0' AND"
                                        " state = 'explained'"),
                 1);
    JSON_SCOPED json_t *document = report("2026-01-01T00:00:00Z");
    cr_assert_str_eq(json_string_value(json_object_get(document, "state")), "incomplete");
    cr_assert_eq(json_array_size(json_object_get(document, "stream_gaps")), 1);
}

/* Demand of 40 an hour in the daytime for six weeks up to 13 July, in a city and outside. */
static void fill_weeks(void)
{
    run_sql(
        "INSERT INTO core.geo (geo, name, kind, timezone, country, parent_id) SELECT 'city:one', 'One', 'city', 'UTC',"
        " 'AR', geo_id FROM core.geo WHERE geo = 'all';"
        "INSERT INTO core.geo (geo, name, kind, timezone, country, parent_id) SELECT 'inside', 'Inside', 'zone', 'UTC',"
        " 'AR', geo_id FROM core.geo WHERE geo = 'city:one';"
        "INSERT INTO core.geo (geo, name, kind, timezone, country, parent_id) SELECT 'outside', 'Outside', 'zone',"
        " 'UTC', 'AR', geo_id FROM core.geo WHERE geo = 'all';"
        "INSERT INTO core.demand_hourly (geo_id, hour_utc, vertical, orders, changed_seq)"
        " SELECT geo_id, hour, 'goods', CASE geo WHEN 'inside' THEN 40 ELSE 400 END, 1 FROM core.geo,"
        " generate_series('2026-06-01T00:00Z'::timestamptz, '2026-07-12T23:00Z', interval '1 hour') hour"
        " WHERE geo IN ('inside', 'outside') AND extract(hour FROM hour AT TIME ZONE 'UTC') >= 8;"
        "UPDATE core.watermark SET watermark_at = '2026-07-13T00:10:00Z', first_hour = '2026-06-01T08:00:00Z'");
}

Test(quality, gaps_are_found_per_city_and_resolved_when_orders_come)
{
    Error err;
    fill_weeks();
    cr_assert(completeness_check(ingest_database.connection, HOUR_NONE, &err), "%s", err.message);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM quality.gap"), 0);
    run_sql(
        "DELETE FROM core.demand_hourly WHERE hour_utc >= '2026-07-10T12:00Z' AND hour_utc < '2026-07-10T15:00Z' AND"
        " geo_id = (SELECT geo_id FROM core.geo WHERE geo = 'inside')");
    for (int i = 0; i < 2; i++)
        cr_assert(completeness_check(ingest_database.connection, HOUR_NONE, &err), "%s", err.message);
    cr_assert_eq(
        ingest_database_number("SELECT count(*) FROM quality.gap JOIN core.geo USING (geo_id) WHERE geo = 'city:one'"
                               " AND from_hour = '2026-07-10T12:00Z' AND to_hour = '2026-07-10T15:00Z'"
                               " AND orders = 0 AND expected = 120 AND resolved_at IS NULL"),
        1);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM quality.gap"), 1, "all has enough from elsewhere");
    run_sql(
        "INSERT INTO core.demand_hourly (geo_id, hour_utc, vertical, orders, changed_seq) SELECT geo_id, hour, 'goods',"
        " 40, 2 FROM core.geo, generate_series('2026-07-10T12:00Z'::timestamptz, '2026-07-10T14:00Z', '1 hour') hour"
        " WHERE geo = 'inside'");
    cr_assert(completeness_check(ingest_database.connection, HOUR_NONE, &err), "%s", err.message);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM quality.gap WHERE resolved_at IS NOT NULL"), 1);
}

static SpanQuality span_quality(const char *from, const char *to, const char *geo, const char *now_text)
{
    Error err;
    SpanQuality quality;
    Instant now, watermark;
    cr_assert(instant_parse(now_text, &now, &err) && instant_parse("2026-07-13T00:10:00Z", &watermark, &err));
    SpanQualityQuery query = {
        .from = hour_at(from),
        .to = hour_at(to),
        .geo_id = geo ? (int32_t)ingest_database_number("SELECT geo_id FROM core.geo WHERE geo = '%s'", geo) : 0,
        .watermark = watermark,
        .now = now,
        .late_after_s = 3600};
    cr_assert(span_quality_read(ingest_database.connection, &query, &quality, &err), "%s", err.message);
    return quality;
}

Test(quality, a_span_says_what_is_wrong_with_it_and_only_that)
{
    Error err;
    fill_weeks();
    run_sql("DELETE FROM core.demand_hourly WHERE hour_utc = '2026-07-10T12:00Z' AND"
            " geo_id = (SELECT geo_id FROM core.geo WHERE geo = 'inside')");
    cr_assert(completeness_check(ingest_database.connection, HOUR_NONE, &err), "%s", err.message);
    const char *soon = "2026-07-13T01:00:00Z", *later = "2026-07-13T02:00:00Z";
    cr_assert(span_quality("2026-07-10T12:00:00Z", "2026-07-10T13:00:00Z", "inside", soon).gap);
    cr_assert(span_quality("2026-07-10T12:00:00Z", "2026-07-10T13:00:00Z", "city:one", soon).gap);
    cr_assert(span_quality("2026-07-10T12:00:00Z", "2026-07-10T13:00:00Z", NULL, soon).gap);
    cr_assert_not(span_quality("2026-07-10T12:00:00Z", "2026-07-10T13:00:00Z", "outside", soon).gap);
    cr_assert_not(span_quality("2026-07-10T13:00:00Z", "2026-07-10T14:00:00Z", "inside", soon).gap);
    cr_assert_not(span_quality("2026-07-10T11:00:00Z", "2026-07-10T12:00:00Z", "inside", soon).gap);
    cr_assert(span_quality("2026-07-12T00:00:00Z", "2026-07-13T01:00:00Z", NULL, later).orders_late);
    cr_assert_not(span_quality("2026-07-12T00:00:00Z", "2026-07-13T01:00:00Z", NULL, soon).orders_late);
    cr_assert_not(span_quality("2026-07-12T00:00:00Z", "2026-07-13T00:00:00Z", NULL, later).orders_late,
                  "what lies before the watermark is not late");
    run_sql("INSERT INTO quality.reconciliation (day, source, subject, state, commit_seq) VALUES"
            " ('2026-07-05', 'demand', 'demand_hourly', 'differs', 1)");
    cr_assert(span_quality("2026-07-05T23:00:00Z", "2026-07-06T00:00:00Z", NULL, soon).reconciliation);
    cr_assert_not(span_quality("2026-07-06T00:00:00Z", "2026-07-07T00:00:00Z", NULL, soon).reconciliation);
}

Test(quality, sources_are_ok_late_or_unknown)
{
    store_orders();
    run_sql("INSERT INTO raw.source_position (source, stream, position, batch_id, updated_at) SELECT 'company-sql', "
            "'x', '0',"
            " min(batch_id), '2026-06-01T19:59:30Z' FROM raw.batch");
    JSON_SCOPED json_t *document = report("2026-01-01T00:00:00Z");
    cr_assert_str_eq(text_at(document, "sources", 0, "state"), "late");
    cr_assert_str_eq(text_at(document, "sources", 1, "state"), "ok");
    cr_assert_str_eq(text_at(document, "sources", 2, "state"), "unknown");
    cr_assert_str_eq(json_string_value(json_object_get(document, "state")), "late");
    cr_assert_eq(json_array_size(json_object_get(document, "dead_letters")), 1);
    cr_assert_str_eq(text_at(document, "dead_letters", 0, "reason"), "not_json");
}

/* A mapping as its file would say it. */
static EntityColumn sale_columns[] = {
    {.name = "sale_id", .from = "id", .type = ENTITY_TEXT, .key = true},
    {.name = "amount", .from = "amount", .type = ENTITY_DECIMAL},
};
static Entity sales = {.name = "sale", .from = "shop.sales", .columns = sale_columns, .columns_count = 2};
static const EntityMapping sql_mapping = {.source = "company-sql", .entities = &sales, .entities_count = 1};

static void make_sales(void)
{
    run_sql("CREATE SCHEMA shop; CREATE TABLE shop.sales (id text, amount numeric);"
            "CREATE TABLE core.sale (sale_id text, amount numeric);"
            "INSERT INTO shop.sales VALUES ('1', 10.5), ('2', 20.25);"
            "INSERT INTO core.sale SELECT * FROM shop.sales");
}

Test(quality, tables_of_the_sql_source_are_counted_and_summed)
{
    Error err;
    make_sales();
    ReconciledSources sources = {.sql = &sql_mapping, .sql_conninfo = test_database()};
    Hour day = hour_at("2026-07-05T00:00:00Z");
    cr_assert(reconcile_part(ingest_database.connection, &sources, COMPANY_SQL, day, &err), "%s", err.message);
    cr_assert_eq(reconciled("company-sql", "ok"), 2);
    run_sql("UPDATE core.sale SET amount = 20.24 WHERE sale_id = '2'");
    cr_assert(reconcile_part(ingest_database.connection, &sources, COMPANY_SQL, day, &err), "%s", err.message);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM quality.reconciliation WHERE subject = 'sale.amount' AND"
                                        " state = 'pending' AND difference = 0.01"),
                 1);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM quality.reconciliation WHERE subject = 'sale' AND"
                                        " state = 'ok' AND source_count = 2"),
                 1);
}

Test(quality, a_source_that_is_not_there_is_noted_and_tried_again)
{
    Error err;
    make_sales();
    ReconciledSources sources = {.sql = &sql_mapping, .sql_conninfo = "host=127.0.0.1 port=1 dbname=none"};
    Hour day = hour_at("2026-07-05T00:00:00Z");
    cr_assert(reconcile_part(ingest_database.connection, &sources, COMPANY_SQL, day, &err), "%s", err.message);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM quality.reconciliation WHERE source = 'company-sql' AND"
                                        " state = 'failed' AND detail <> '' AND next_check_at > now()"),
                 1);
    sources.sql_conninfo = test_database();
    cr_assert(reconcile_part(ingest_database.connection, &sources, COMPANY_SQL, day, &err), "%s", err.message);
    cr_assert_eq(reconciled("company-sql", "failed"), 0);
    cr_assert_eq(reconciled("company-sql", "ok"), 2);
}

Test(quality, collections_of_the_document_source_are_counted)
{
    Error err;
    bson_error_t failure;
    char database[64];
    snprintf(database, sizeof database, "quality_%d", (int)getpid());
    Entity runners = {.name = "runner", .from = "runners", .columns = sale_columns, .columns_count = 1};
    EntityMapping mapping = {.source = "company-documents", .entities = &runners, .entities_count = 1};
    ReconciledSources sources = {
        .documents = &mapping, .documents_uri = test_server("RUSHCAST_TEST_MONGO"), .documents_database = database};
    Hour day = hour_at("2026-07-05T00:00:00Z");
    run_sql("CREATE TABLE core.runner (sale_id text); INSERT INTO core.runner VALUES ('1')");
    mongoc_init();
    mongoc_client_t *client = mongoc_client_new(sources.documents_uri);
    mongoc_collection_t *collection = mongoc_client_get_collection(client, database, "runners");
    for (int i = 0; i < 2; i++) {
        bson_t *document = BCON_NEW("_id", BCON_INT32(i));
        cr_assert(mongoc_collection_insert_one(collection, document, NULL, NULL, &failure), "%s", failure.message);
        bson_destroy(document);
    }
    cr_assert(reconcile_part(ingest_database.connection, &sources, COMPANY_DOCUMENTS, day, &err), "%s", err.message);
    cr_assert_eq(
        ingest_database_number("SELECT difference FROM quality.reconciliation WHERE source = 'company-documents'"
                               " AND subject = 'runner' AND state = 'pending'"),
        1);
    mongoc_collection_drop(collection, NULL);
    mongoc_collection_destroy(collection);
    mongoc_client_destroy(client);
}
