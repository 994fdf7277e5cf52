#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/integration/services/ingest/ingest_database.h"

TestSuite(order_life, .init = ingest_database_begin, .fini = ingest_database_end);

static int64_t next_offset;

static void add_step(OrderBatch *batch, const char *order_id, const char *step, const char *at)
{
    char json[512];
    snprintf(
        json, sizeof json,
        "{\"event_id\":\"%s-%s\",\"event_type\":\"order_%s\",\"order_id\":\"%s\",\"occurred_at\":\"2026-06-01T%s:00Z\","
        "\"location\":{\"lat\":-32.9442,\"lon\":-60.6505}}",
        order_id, step, step, order_id, at);
    ingest_batch_add(batch, 0, next_offset, next_offset, json);
    next_offset++;
}

/* The text that the query answers; the caller frees it. */
static char *text(const char *sql, ...)
{
    char query[2048];
    va_list arguments;
    va_start(arguments, sql);
    vsnprintf(query, sizeof query, sql, arguments);
    va_end(arguments);
    PGresult *rows = PQexec(pg_handle(ingest_database.connection), query);
    cr_assert_eq(PQresultStatus(rows), PGRES_TUPLES_OK, "%s", PQresultErrorMessage(rows));
    char *all = strdup("");
    for (int i = 0; i < PQntuples(rows); i++) {
        char *longer;
        cr_assert_gt(asprintf(&longer, "%s%s%s", all, i ? "\n" : "", PQgetvalue(rows, i, 0)), -1);
        free(all);
        all = longer;
    }
    PQclear(rows);
    return all;
}

static void check_order(const char *order_id, const char *expected)
{
    char *found = text("SELECT concat_ws(' ', status, to_char(created_at AT TIME ZONE 'UTC', 'HH24:MI'),"
                       " to_char(delivered_at AT TIME ZONE 'UTC', 'HH24:MI'), problems) FROM core.\"order\""
                       " WHERE order_id = '%s'",
                       order_id);
    cr_assert_str_eq(found, expected);
    free(found);
}

Test(order_life, is_put_together_in_whatever_order_its_steps_come)
{
    OrderBatch *batch = order_batch_new();
    next_offset = 0;
    add_step(batch, "backwards", "delivered", "11:00");
    add_step(batch, "backwards", "picked_up", "10:40");
    add_step(batch, "orphan", "accepted", "10:05");
    add_step(batch, "impossible", "delivered", "09:00");
    add_step(batch, "impossible", "created", "10:00");
    add_step(batch, "both", "created", "10:00");
    add_step(batch, "both", "delivered", "10:50");
    ingest_batch_commit(batch, -1);
    order_batch_clear(batch);
    check_order("backwards", "delivered 11:00 {never_created}");
    add_step(batch, "backwards", "created", "10:00");
    add_step(batch, "backwards", "created", "10:30");
    add_step(batch, "backwards", "accepted", "10:05");
    add_step(batch, "both", "cancelled", "10:55");
    add_step(batch, "new", "created", "12:00");
    ingest_batch_commit(batch, -1);
    check_order("backwards", "delivered 10:00 11:00 {}");
    check_order("orphan", "accepted {never_created}");
    check_order("impossible", "delivered 10:00 09:00 {delivered_too_early}");
    check_order("both", "cancelled 10:00 10:50 {delivered_and_cancelled}");
    check_order("new", "created 12:00 {}");
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM core.\"order\""), 5);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM warehouse.\"order\" WHERE geo IS NOT NULL"), 5);
    order_batch_free(batch);
}

static void fill(void)
{
    cr_assert_eq(
        ingest_database_number(
            "WITH made AS (INSERT INTO core.order_event (order_id, event_type, occurred_at, batch_id, message_no,"
            " vertical, event_id) SELECT 'o' || o, t, timestamptz '2026-01-01T00:00Z' + o * interval '1 minute', o / "
            "1000,"
            " o %% 1000, 'goods', 'e' || o FROM generate_series(1, 40000) o, unnest(enum_range(NULL::core.event_type)) "
            "t"
            " RETURNING 1) SELECT count(*) FROM made"),
        200000);
    free(text("SELECT brin_summarize_new_values('core.order_event_batch')::text"));
    PQclear(PQexec(pg_handle(ingest_database.connection), "VACUUM ANALYZE core.order_event"));
}

Test(order_life, is_looked_up_by_key_and_by_time)
{
    fill();
    char *by_key = text("EXPLAIN SELECT * FROM warehouse.\"order\" WHERE order_id = 'o77'");
    cr_assert(strstr(by_key, "order_event_pkey"), "%s", by_key);
    cr_assert_not(strstr(by_key, "Seq Scan on order_event"), "%s", by_key);
    char *by_time = text("EXPLAIN SELECT * FROM warehouse.\"order\" WHERE created_at >= '2026-01-05T00:00Z'"
                         " AND created_at < '2026-01-05T06:00Z'");
    cr_assert(strstr(by_time, "order_event_batch"), "%s", by_time);
    cr_assert(strstr(by_time, "order_event_pkey"), "%s", by_time);
    cr_assert_not(strstr(by_time, "Seq Scan on order_event"), "%s", by_time);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM core.\"order\" WHERE created_at >= '2026-01-05T00:00Z'"
                                        " AND created_at < '2026-01-05T06:00Z' AND status = 'cancelled'"),
                 360);
    free(by_key);
    free(by_time);
}
