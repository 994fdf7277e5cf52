#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "services/ingest/sql_source/stream_position.h"
#include "tests/integration/services/ingest/sql_source/source_fixture.h"

TestSuite(sql_source, .init = source_fixture_begin, .fini = source_fixture_end, .timeout = 300);

static int64_t history(const char *where)
{
    return ingest_database_number("SELECT count(*) FROM core.thing_history WHERE %s", where);
}

static void insert_things(int first, int count)
{
    company_run("INSERT INTO thing (id, label, price, note) SELECT i, 'thing ' || i, i * 1.5, repeat('n', i %% 50)"
                " FROM generate_series(%d, %d) i",
                first, first + count - 1);
}

/* Each state of a thing is in its history once. */
static void check_history(void)
{
    cr_assert_eq(
        ingest_database_number("SELECT count(*) FROM (SELECT id, label, price, note, updated_at, deleted,"
                               " lag(row(label, price, note, updated_at, deleted)) OVER"
                               " (PARTITION BY id ORDER BY batch_id, change_no) AS before FROM core.thing_history)"
                               " h WHERE before = row(label, price, note, updated_at, deleted)"),
        0, "a state was recorded twice");
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.quarantine"), 0);
}

Test(sql_source, reads_tables_and_then_what_changes)
{
    insert_things(1, 1000);
    company_run("INSERT INTO part (thing_id, no, size) SELECT i, 1, 1.25 FROM generate_series(1, 100) i");
    source_fixture_start();
    source_wait_state(SOURCE_CONNECTED);
    warehouse_wait_equal();
    company_run("UPDATE thing SET label = 'new', updated_at = clock_timestamp() WHERE id <= 10");
    company_run("DELETE FROM thing WHERE id BETWEEN 11 AND 20");
    insert_things(2001, 5);
    company_run("UPDATE part SET no = 2 WHERE thing_id = 1");
    warehouse_wait_equal();
    cr_assert_eq(history("deleted"), 10);
    cr_assert_eq(history("id = 1"), 2);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM core.part_history WHERE thing_id = 1"), 3,
                 "the first key, its deletion, the second key");
    company_run("BEGIN; UPDATE thing SET label = 'a' WHERE id = 1; UPDATE thing SET label = 'b' WHERE id = 1;"
                " UPDATE thing SET label = 'c' WHERE id = 1; COMMIT");
    warehouse_wait_equal();
    check_history();
    cr_assert_eq(source_fixture.status.snapshot_rows, 1100);
}

/* Inserts, updates and deletes things until it is told to stop. */
static atomic_bool writing;

static void *write_things(void *argument)
{
    (void)argument;
    PGconn *handle = PQconnectdb(source_fixture.conninfo);
    for (int i = 0; atomic_load(&writing); i++) {
        char sql[512];
        snprintf(sql, sizeof sql,
                 "BEGIN; INSERT INTO thing (id, label, price) VALUES (%d, 'w', 1);"
                 "UPDATE thing SET label = 'u%d', updated_at = clock_timestamp() WHERE id = %d;"
                 "DELETE FROM thing WHERE id = %d; COMMIT",
                 1000000 + i, i, i % 5000, 5000 + i);
        PQclear(PQexec(handle, sql));
    }
    PQfinish(handle);
    return NULL;
}

Test(sql_source, snapshot_and_stream_join_while_others_write)
{
    pthread_t writer;
    insert_things(1, 20000);
    atomic_store(&writing, true);
    cr_assert_eq(pthread_create(&writer, NULL, write_things, NULL), 0);
    source_fixture_start();
    source_wait_state(SOURCE_CATCHING_UP);
    usleep(500000);
    atomic_store(&writing, false);
    pthread_join(writer, NULL);
    warehouse_wait_equal();
    check_history();
    cr_assert_gt(company_number("SELECT count(*) FROM thing WHERE id >= 1000000"), 10);
}

Test(sql_source, goes_on_after_lost_connections_and_restarts)
{
    insert_things(1, 100);
    source_fixture_start();
    source_wait_state(SOURCE_CONNECTED);
    for (int i = 0; i < 3; i++) {
        insert_things(1000 * (i + 1), 500);
        company_run(
            "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '%s' AND active",
            source_fixture.slot);
        insert_things(1000 * (i + 1) + 500, 100);
        if (i == 1) {
            source_fixture_stop();
            company_run("UPDATE thing SET label = 'while nobody read' WHERE id < 50");
            source_fixture_start();
        }
        warehouse_wait_equal();
    }
    check_history();
    cr_assert_eq(source_fixture.status.snapshot_rows, 100, "no second snapshot was needed");
}

Test(sql_source, keeps_large_values_that_were_not_sent)
{
    company_run("ALTER TABLE thing ALTER note SET STORAGE EXTERNAL");
    company_run(
        "INSERT INTO thing (id, label, note) VALUES (1, 'a', repeat('x', 100000)), (2, 'b', repeat('y', 100000))");
    source_fixture_start();
    source_wait_state(SOURCE_CONNECTED);
    company_run("UPDATE thing SET label = 'changed' WHERE id = 1");
    company_run("UPDATE thing SET id = 3 WHERE id = 2");
    warehouse_wait_equal();
    cr_assert_eq(ingest_database_number("SELECT sum(length(note)) FROM core.thing"), 200000);
    company_run("ALTER TABLE thing REPLICA IDENTITY FULL");
    company_run("UPDATE thing SET id = 4, label = 'moved' WHERE id = 3");
    warehouse_wait_equal();
    check_history();
}

Test(sql_source, truncation_deletes_all)
{
    insert_things(1, 25000);
    source_fixture_start();
    source_wait_state(SOURCE_CONNECTED);
    company_run(
        "BEGIN; UPDATE thing SET label = 'last' WHERE id = 1; TRUNCATE thing; INSERT INTO thing (id) VALUES (7);"
        " COMMIT");
    warehouse_wait(25000, "SELECT count(*) FROM core.thing_history WHERE deleted");
    warehouse_wait_equal();
    cr_assert_eq(history("id = 1"), 3);
}

Test(sql_source, a_large_transaction_is_recorded_in_parts_exactly_once)
{
    source_fixture_start();
    source_wait_state(SOURCE_CONNECTED);
    company_run("BEGIN; INSERT INTO thing (id, label, price) SELECT i, 'first', 1 FROM generate_series(1, 100000) i;"
                " UPDATE thing SET label = 'second' WHERE id <= 50000; COMMIT");
    /* Broken off twice in the middle, so that it comes again from its start. */
    for (int64_t parts = 2; parts <= 6; parts += 4) {
        char sql[128];
        snprintf(sql, sizeof sql, "SELECT (count(*) >= %lld)::int FROM core.thing_history", (long long)parts * 10000);
        warehouse_wait(1, sql);
        source_fixture_stop();
        source_fixture_start();
    }
    warehouse_wait_equal();
    cr_assert_eq(history("true"), 150000);
    check_history();
}

Test(sql_source, a_lost_slot_is_made_anew_with_a_snapshot)
{
    insert_things(1, 100);
    source_fixture_start();
    source_wait_state(SOURCE_CONNECTED);
    source_fixture_stop();
    insert_things(101, 10);
    company_run("DELETE FROM thing WHERE id <= 5");
    company_drop_slot();
    company_run("UPDATE thing SET label = 'unseen' WHERE id = 50");
    source_fixture_start();
    warehouse_wait_equal();
    check_history();
    cr_assert_eq(history("deleted"), 5);
}

Test(sql_source, a_snapshot_does_not_delete_many_rows_unasked)
{
    insert_things(1, 100);
    source_fixture_start();
    source_wait_state(SOURCE_CONNECTED);
    source_fixture_stop();
    company_drop_slot();
    company_run("DELETE FROM thing WHERE id <= 50");
    source_fixture_start();
    source_wait_problem("50 of 100 rows of public.thing are no longer in the source");
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM core.thing"), 100);
    Error err;
    cr_assert(source_status_ask(&source_fixture.status, true, true, &err), "%s", err.message);
    warehouse_wait_equal();
    source_wait_problem(NULL);
    check_history();
}

Test(sql_source, a_snapshot_broken_off_begins_again)
{
    insert_things(1, 60000);
    source_fixture_start();
    warehouse_wait(1, "SELECT (count(*) > 0)::int FROM core.thing");
    source_fixture_stop();
    company_run("UPDATE thing SET label = 'later' WHERE id %% 3 = 0");
    company_run("DELETE FROM thing WHERE id %% 1000 = 0");
    source_fixture_start();
    warehouse_wait_equal();
    check_history();
}

Test(sql_source, new_and_dropped_columns_do_not_stop_it)
{
    insert_things(1, 10);
    source_fixture_start();
    source_wait_state(SOURCE_CONNECTED);
    company_run("ALTER TABLE thing ADD colour text");
    company_run("UPDATE thing SET colour = 'red' WHERE id = 1");
    warehouse_wait(1, "SELECT count(*) FROM core.thing WHERE extra ->> 'colour' = 'red'");
    company_run("ALTER TABLE thing DROP price");
    company_run("ALTER TABLE part ALTER size TYPE text USING size::text");
    company_run("INSERT INTO thing (id, label) VALUES (11, 'x')");
    company_run("INSERT INTO part VALUES (1, 1, 'large'), (2, 1, '2.5')");
    warehouse_wait(11, "SELECT count(*) FROM core.thing");
    warehouse_wait(1, "SELECT count(*) FROM core.part");
    warehouse_wait(1, "SELECT count(*) FROM raw.quarantine WHERE entity = 'part' AND resolved_at IS NULL");
    warehouse_wait(3, "SELECT count(DISTINCT (stream, kind)) FROM raw.schema_drift WHERE source = 'company-sql'");
}

Test(sql_source, polls_where_it_may_not_stream)
{
    company_run("DROP ROLE IF EXISTS poller_%d", (int)getpid());
    company_run("CREATE ROLE poller_%d LOGIN", (int)getpid());
    company_run("GRANT SELECT ON thing, part TO poller_%d", (int)getpid());
    char conninfo[1100];
    snprintf(conninfo, sizeof conninfo, "%s user=poller_%d", source_fixture.conninfo, (int)getpid());
    source_fixture.options.conninfo = conninfo;
    insert_things(1, 12000);
    source_fixture_start();
    source_wait_state(SOURCE_CONNECTED);
    cr_assert_str_eq(source_fixture.status.mode, "watermark");
    source_wait_problem("may not replicate");
    warehouse_wait_equal();
    company_run("UPDATE thing SET label = 'polled', updated_at = clock_timestamp() WHERE id < 100");
    company_run("DELETE FROM thing WHERE id > 11900");
    insert_things(20001, 50);
    company_run("INSERT INTO part (thing_id, no, size, updated_at) VALUES (1, 1, 1, now() - interval '30 s')");
    warehouse_wait_equal();
    check_history();
    source_fixture_stop();
    company_run("DROP OWNED BY poller_%d; DROP ROLE poller_%d", (int)getpid(), (int)getpid());
}

Test(sql_source, a_table_without_identity_is_told_and_the_others_go_on)
{
    company_run("ALTER TABLE part DROP CONSTRAINT part_pkey");
    insert_things(1, 10);
    source_fixture_start();
    source_wait_problem("ALTER TABLE \"public\".\"part\" REPLICA IDENTITY FULL");
    insert_things(11, 10);
    warehouse_wait(20, "SELECT count(*) FROM core.thing");
    company_run("INSERT INTO part VALUES (1, 1, 1)");
    company_run("DELETE FROM part"); /* the company's own work is not hindered */
}

Test(sql_source, log_kept_for_an_unread_slot_is_told)
{
    source_fixture.options.lag_warn_mbytes = 1;
    insert_things(1, 10);
    source_fixture_start();
    source_wait_state(SOURCE_CONNECTED);
    source_fixture_stop();
    company_run("CREATE TABLE other AS SELECT i, repeat('x', 100) FROM generate_series(1, 30000) i");
    /* Only the watching worker runs: whoever should read has not come back. */
    Error err;
    WorkerStep step = {0};
    cr_assert(sql_source_new(&source_fixture.options, &source_fixture.source, &err));
    cr_assert(sql_source_watch(source_fixture.source, &step, &err), "%s", err.message);
    source_wait_problem("MiB of log for replication slot");
    cr_assert_gt(source_fixture.status.retained_bytes, 1 << 20);
    cr_assert_gt(source_fixture.status.lag_bytes, 1 << 20);
}

Test(sql_source, refuses_modes_and_slot_names_that_are_none)
{
    Error err = {0};
    SqlSource *source;
    SqlSourceOptions options = source_fixture.options;
    options.mode = "push";
    cr_assert_not(sql_source_new(&options, &source, &err));
    cr_assert_eq(err.code, ERROR_INVALID_ARGUMENT);
    options.mode = "auto";
    options.slot = "My-Slot";
    cr_assert_not(sql_source_new(&options, &source, &err));
    cr_assert_eq(err.code, ERROR_INVALID_ARGUMENT);
}
