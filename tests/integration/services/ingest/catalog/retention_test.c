#include "services/ingest/catalog/retention.h"

#include <criterion/criterion.h>
#include "tests/integration/services/ingest/ingest_database.h"

TestSuite(retention, .init = ingest_database_begin, .fini = ingest_database_end);

static const IngestConfig ten_days = {.raw_retention_days = 10,
                                      .duplicate_retention_days = 10,
                                      .dead_letter_days = 10,
                                      .quarantine_retention_days = 10,
                                      .job_retention_days = 10};

static void run_sql(const char *sql)
{
    Error err;
    cr_assert(pg_command(ingest_database.connection, sql, &err), "%s: %s", sql, err.message);
}

static Instant instant(const char *text)
{
    Error err;
    Instant result;
    cr_assert(instant_parse(text, &result, &err), "%s", err.message);
    return result;
}

static bool step(const IngestConfig *config, const char *now)
{
    Error err;
    bool more;
    cr_assert(retention_step(ingest_database.connection, config, instant(now), &more, &err), "%s", err.message);
    return more;
}

static int64_t payloads(void)
{
    return ingest_database_number("SELECT count(*) FROM raw.batch_payload");
}

/* A row a day from 1 to 3 June, the first of them in the default partition. */
static void fill_payloads(void)
{
    run_sql("SELECT raw.ensure_payload_partitions('2026-06-02', '2026-06-03');"
            "INSERT INTO raw.batch_payload (batch_id, received_on, payload, payload_bytes, customers)"
            " SELECT n, '2026-05-31'::date + n, 'x', 1, '{}' FROM generate_series(1, 3) n");
}

Test(retention, days_are_dropped_when_they_are_wholly_too_old)
{
    fill_payloads();
    cr_assert_not(step(&ten_days, "2026-06-11T23:59:59Z"));
    cr_assert_eq(payloads(), 3, "the end of 1 June is not ten days ago");
    step(&ten_days, "2026-06-12T00:00:00Z");
    cr_assert_eq(payloads(), 2, "the row in the default partition");
    step(&ten_days, "2026-06-13T00:00:00Z");
    cr_assert_eq(payloads(), 1);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM pg_class WHERE relname = 'batch_payload_20260602'"), 0);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM pg_class WHERE relname = 'batch_payload_20260603'"), 1);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM pg_class WHERE relname = 'batch_payload_default'"), 1);
}

Test(retention, nothing_is_deleted_where_all_is_to_be_kept)
{
    static const IngestConfig for_ever = {0};
    fill_payloads();
    run_sql("INSERT INTO raw.job (kind, parameters, state, finished_at) VALUES ('x', '{}', 'done', '2020-01-01')");
    cr_assert_not(step(&for_ever, "2099-01-01T00:00:00Z"));
    cr_assert_eq(payloads(), 3);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.job"), 1);
}

Test(retention, a_partition_in_use_is_dropped_later)
{
    Error err;
    PgConnection *other;
    fill_payloads();
    cr_assert(pg_acquire(ingest_database.pool, 5000, &other, &err) && pg_begin(other, &err), "%s", err.message);
    cr_assert(pg_command(other, "INSERT INTO raw.batch_payload VALUES (9, '2026-06-03', 'x', 1, '{}')", &err));
    cr_assert(step(&ten_days, "2026-06-30T00:00:00Z"), "more is to be done");
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM pg_class WHERE relname LIKE 'batch_payload_202606__'"),
                 2);
    cr_assert(pg_commit(other, &err), "who used it was not disturbed");
    pg_release(other);
    cr_assert_not(step(&ten_days, "2026-06-30T00:00:00Z"));
    cr_assert_eq(payloads(), 0);
}

Test(retention, old_rows_go_and_others_stay)
{
    run_sql(
        "INSERT INTO raw.duplicate_event (batch_id, message_no, order_id, event_type, event_id, partition, \"offset\","
        " received_at) SELECT n, 0, 'o', 'order_created', 'e', 0, n, '2026-06-01T00:00Z'::timestamptz + n * interval"
        " '1 second' FROM generate_series(1, 12000) n;"
        "INSERT INTO raw.dead_letter (batch_id, topic, partition, \"offset\", reason, detail, pointer, payload,"
        " received_at) VALUES (1, 't', 0, 1, 'not_json', '', '', 'x', '2026-06-01'), (1, 't', 0, 2, 'not_json', '', '',"
        " 'x', '2026-06-05');"
        "INSERT INTO raw.job (kind, parameters, state, finished_at) VALUES ('x', '{}', 'done', '2026-06-01'),"
        " ('x', '{}', 'queued', NULL), ('x', '{}', 'failed', '2026-06-05')");
    cr_assert_not(step(&ten_days, "2026-06-11T02:46:41Z"));
    cr_assert_eq(ingest_database_number("SELECT min(batch_id) FROM raw.duplicate_event"), 10001,
                 "in more than one step");
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.duplicate_event"), 2000);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.dead_letter WHERE \"offset\" = 2"), 1);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.dead_letter"), 1);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.job"), 2);
}

Test(retention, a_job_that_something_refers_to_stays)
{
    run_sql("INSERT INTO raw.job (kind, parameters, state, finished_at) VALUES ('x', '{}', 'done', '2026-06-01'),"
            " ('x', '{}', 'done', '2026-06-01');"
            "CREATE TABLE trace (job_id bigint REFERENCES raw.job); INSERT INTO trace SELECT min(job_id) FROM raw.job");
    step(&ten_days, "2026-06-30T00:00:00Z");
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.job JOIN trace USING (job_id)"), 1);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.job"), 1);
}

Test(retention, each_table_says_how_long_it_is_kept)
{
    const RetentionRule *rule = retention_rule_of("raw.batch_payload");
    cr_assert_not_null(rule);
    cr_assert_eq(retention_days(rule, &ten_days), 10);
    cr_assert_str_eq(rule->setting, "RUSHCAST_RAW_RETENTION_DAYS");
    cr_assert_null(retention_rule_of("core.order_event"));
}
