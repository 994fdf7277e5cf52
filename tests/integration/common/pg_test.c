#include "common/pg.h"

#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "common/clock.h"
#include "tests/integration/support/test_servers.h"

static PgPool *pool;
static PgConnection *connection;
static Error err;

#define OK(call) cr_assert((call), "%s", err.message)

static PgPool *new_pool(const char *conninfo, unsigned size, int statement_timeout_ms)
{
    return pg_pool_new(&(PgPoolOptions){.conninfo = conninfo,
                                        .application_name = "pg-test",
                                        .size = size,
                                        .statement_timeout_ms = statement_timeout_ms});
}

static void set_up(void)
{
    pool = new_pool(test_database(), 2, 0);
    OK(pg_acquire(pool, 5000, &connection, &err));
}

static void tear_down(void)
{
    pg_release(connection);
    pg_pool_free(pool);
    test_database_drop();
}

TestSuite(pg, .init = set_up, .fini = tear_down);

static const PgStatement select_all_kinds = {
    .name = "select_all_kinds",
    .sql = "SELECT $1 + 1, $2 * 2, $3 || '!', $4, NOT $5, $6, $1::int4, $1::int2, $2::float4, '{\"a\": 1}'::jsonb,\n"
           "'[2]'::json, 'x'::varchar, $7, 17::oid, 'infinity'::timestamptz -- all of them",
};

Test(pg, parameters_and_columns_of_every_kind)
{
    Instant instant = INT64_C(1795449600123456);
    for (int again = 0; again < 2; again++) {
        PG_RESULT_SCOPED PGresult *result = NULL;
        OK(pg_run(connection, &select_all_kinds,
                  PG_PARAMS(pg_int(-42), pg_real(1.25), pg_text("año"), pg_bytes("\0\1\377", 3), pg_bool(false),
                            pg_instant(instant), pg_hour(HOUR_NONE)),
                  &result, &err));
        cr_assert_eq(PQntuples(result), 1);
        cr_assert_eq(pg_get_int(result, 0, 0), -41);
        cr_assert_eq(pg_get_real(result, 0, 1), 2.5);
        cr_assert_str_eq(pg_get_text(result, 0, 2), "año!");
        size_t length_bytes;
        const void *bytes = pg_get_bytes(result, 0, 3, &length_bytes);
        cr_assert(length_bytes == 3 && memcmp(bytes, "\0\1\377", 3) == 0);
        cr_assert(pg_get_bool(result, 0, 4));
        cr_assert_eq(pg_get_instant(result, 0, 5), instant);
        cr_assert_eq(pg_get_hour(result, 0, 5), hour_of(instant));
        cr_assert_eq(pg_get_int(result, 0, 6), -42);
        cr_assert_eq(pg_get_int(result, 0, 7), -42);
        cr_assert_eq(pg_get_real(result, 0, 8), 1.25);
        cr_assert_str_eq(pg_get_text(result, 0, 9), "{\"a\": 1}");
        cr_assert_str_eq(pg_get_text(result, 0, 10), "[2]");
        cr_assert_str_eq(pg_get_text(result, 0, 11), "x");
        cr_assert(pg_is_null(result, 0, 12));
        cr_assert_eq(pg_get_hour(result, 0, 12), HOUR_NONE);
        cr_assert_eq(pg_get_int(result, 0, 13), 17);
        cr_assert_eq(pg_get_instant(result, 0, 14), INT64_MAX);
    }
}

static const PgStatement select_optional = {.name = "select_optional",
                                            .sql = "SELECT coalesce($1::bigint, -1), $2::text IS NULL"};

/* The same statement with and without a type for its parameter. */
Test(pg, nulls_with_and_without_a_type)
{
    const PgParams params[] = {PG_PARAMS(pg_null(), pg_null()), PG_PARAMS(pg_int(7), pg_text(NULL)),
                               PG_PARAMS(pg_null(), pg_text("a")), PG_PARAMS(pg_int(7), pg_null())};
    for (int i = 0; i < 8; i++) {
        PG_RESULT_SCOPED PGresult *result = NULL;
        OK(pg_run(connection, &select_optional, params[i % 4], &result, &err));
        cr_assert_eq(pg_get_int(result, 0, 0), i % 2 == 0 ? -1 : 7);
        cr_assert_eq(pg_get_bool(result, 0, 1), i % 4 != 2);
    }
}

Test(pg, errors_by_state)
{
    static const struct {
        PgStatement statement;
        ErrorCode code;
        const char *named;
    } bad[] = {
        {{"twice", "INSERT INTO t VALUES (1, 1)"}, ERROR_CONFLICT, "t_pkey"},
        {{"check", "INSERT INTO t VALUES (2, -1)"}, ERROR_UNPROCESSABLE, "n_positive"},
        {{"missing", "INSERT INTO t VALUES (NULL, 1)"}, ERROR_UNPROCESSABLE, "null value"},
        {{"syntax", "SELEC 1"}, ERROR_INTERNAL, "syntax"},
        {{"no_table", "SELECT * FROM nowhere"}, ERROR_INTERNAL, "nowhere"},
        {{"division", "SELECT 1 / (i - 1) FROM t"}, ERROR_UNPROCESSABLE, "division"},
        {{"gone", "SELECT pg_terminate_backend(pg_backend_pid())"}, ERROR_UNAVAILABLE, "terminating"},
    };
    OK(pg_command(connection,
                  "CREATE TABLE t (i int PRIMARY KEY, n int CONSTRAINT n_positive CHECK (n > 0)); "
                  "INSERT INTO t VALUES (1, 1)",
                  &err));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        err = (Error){0};
        cr_assert_not(pg_run(connection, &bad[i].statement, PG_PARAMS(), NULL, &err));
        cr_assert_eq(err.code, bad[i].code, "%s: %s", bad[i].statement.name, err.message);
        cr_assert_not_null(strstr(err.message, bad[i].named), "%s", err.message);
        cr_assert_not_null(strstr(err.message, bad[i].statement.name), "%s", err.message);
    }
    /* The last one killed the connection: the next comes fresh. */
    pg_release(connection);
    OK(pg_acquire(pool, 5000, &connection, &err));
    OK(pg_command(connection, "SELECT 1", &err));
}

Test(pg, transactions)
{
    OK(pg_command(connection, "CREATE TABLE t (i int PRIMARY KEY)", &err));
    OK(pg_begin(connection, &err));
    OK(pg_command(connection, "INSERT INTO t VALUES (1)", &err));
    OK(pg_commit(connection, &err));
    OK(pg_begin(connection, &err));
    OK(pg_command(connection, "INSERT INTO t VALUES (2)", &err));
    cr_assert_not(pg_command(connection, "INSERT INTO t VALUES (1)", &err));
    cr_assert_not(pg_commit(connection, &err), "the commit of a failed transaction must not succeed");
    OK(pg_begin(connection, &err));
    OK(pg_command(connection, "INSERT INTO t VALUES (3)", &err));
    pg_rollback(connection);
    OK(pg_begin(connection, &err));
    OK(pg_command(connection, "INSERT INTO t VALUES (4)", &err));
    pg_release(connection); /* rolls back */
    OK(pg_acquire(pool, 5000, &connection, &err));
    static const PgStatement count = {.name = "count", .sql = "SELECT count(*), sum(i) FROM t"};
    PG_RESULT_SCOPED PGresult *result = NULL;
    OK(pg_run(connection, &count, PG_PARAMS(), &result, &err));
    cr_assert_eq(pg_get_int(result, 0, 0), 1);
    cr_assert_eq(pg_get_int(result, 0, 1), 1);
}

Test(pg, a_full_pool_is_overloaded_until_one_is_given_back)
{
    PgConnection *second, *third;
    OK(pg_acquire(pool, 1000, &second, &err));
    int64_t began_ms = clock_monotonic_ms();
    cr_assert_not(pg_acquire(pool, 200, &third, &err));
    cr_assert_eq(err.code, ERROR_OVERLOADED);
    cr_assert_geq(clock_monotonic_ms() - began_ms, 190);
    pg_release(second);
    OK(pg_acquire(pool, 200, &third, &err));
    cr_assert_eq(third, second);
    pg_release(third);
}

static const PgStatement kill_others = {
    .name = "kill_others",
    .sql = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity\n"
           "WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'pg-test'",
};

Test(pg, an_idle_connection_that_died_is_made_again)
{
    PgConnection *other;
    PG_RESULT_SCOPED PGresult *result = NULL;
    OK(pg_acquire(pool, 1000, &other, &err));
    OK(pg_run(other, &select_optional, PG_PARAMS(pg_int(1), pg_text("")), NULL, &err));
    pg_release(other);
    OK(pg_run(connection, &kill_others, PG_PARAMS(), &result, &err));
    cr_assert_eq(pg_get_int(result, 0, 0), 1);
    usleep(50000);
    OK(pg_acquire(pool, 1000, &other, &err));
    OK(pg_run(other, &select_optional, PG_PARAMS(pg_int(1), pg_text("")), NULL, &err));
    pg_release(other);
}

Test(pg, time_limits)
{
    PgPool *hurried = new_pool(test_database(), 1, 300);
    PgConnection *short_lived;
    OK(pg_acquire(hurried, 5000, &short_lived, &err));
    static const PgStatement sleep_long = {.name = "sleep_long", .sql = "SELECT pg_sleep($1)"};
    int64_t began_ms = clock_monotonic_ms();
    cr_assert_not(pg_run(short_lived, &sleep_long, PG_PARAMS(pg_real(20)), NULL, &err));
    cr_assert_eq(err.code, ERROR_DEADLINE, "%s", err.message);
    cr_assert_lt(clock_monotonic_ms() - began_ms, 2000);
    OK(pg_set_timeout(short_lived, 5000, &err));
    OK(pg_run(short_lived, &sleep_long, PG_PARAMS(pg_real(0.5)), NULL, &err));
    pg_release(short_lived);
    OK(pg_acquire(hurried, 5000, &short_lived, &err));
    cr_assert_not(pg_run(short_lived, &sleep_long, PG_PARAMS(pg_real(0.5)), NULL, &err));
    pg_release(short_lived);
    /* A server that does not keep its limit is left by the client. */
    OK(pg_acquire(hurried, 5000, &short_lived, &err));
    began_ms = clock_monotonic_ms();
    cr_assert_not(pg_command(short_lived, "SET statement_timeout = 0; SELECT pg_sleep(20)", &err));
    cr_assert_eq(err.code, ERROR_DEADLINE, "%s", err.message);
    cr_assert_lt(clock_monotonic_ms() - began_ms, 4000);
    pg_release(short_lived);
    pg_pool_free(hurried);
}

Test(pg, no_server)
{
    static const char *const nowhere[] = {"host=127.0.0.1 port=1 user=x dbname=y", "host=/nonexistent",
                                          "not a conninfo"};
    for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++) {
        PgPool *unreachable = new_pool(nowhere[i], 1, 0);
        PgConnection *none = NULL;
        for (int again = 0; again < 2; again++) {
            cr_assert_not(pg_acquire(unreachable, 1000, &none, &err));
            cr_assert_eq(err.code, ERROR_UNAVAILABLE, "%s", err.message);
            cr_assert_null(none);
        }
        pg_pool_free(unreachable);
    }
    /* A server that takes the connection and says nothing: 192.0.2.0/24 leads nowhere (RFC 5737). */
    PgPool *silent = new_pool("host=192.0.2.1 user=x dbname=y", 1, 0);
    PgConnection *none = NULL;
    int64_t began_ms = clock_monotonic_ms();
    cr_assert_not(pg_acquire(silent, 300, &none, &err));
    cr_assert_eq(err.code, ERROR_UNAVAILABLE, "%s", err.message);
    cr_assert_lt(clock_monotonic_ms() - began_ms, 2000);
    pg_pool_free(silent);
}

Test(pg, settings_of_a_connection)
{
    static const PgStatement settings = {
        .name = "settings",
        .sql = "SELECT current_setting('timezone'), current_setting('application_name'),\n"
               "current_setting('statement_timeout'), current_setting('client_encoding')"};
    PG_RESULT_SCOPED PGresult *result = NULL;
    OK(pg_run(connection, &settings, PG_PARAMS(), &result, &err));
    cr_assert_str_eq(pg_get_text(result, 0, 0), "UTC");
    cr_assert_str_eq(pg_get_text(result, 0, 1), "pg-test");
    cr_assert_str_eq(pg_get_text(result, 0, 2), "30s");
    cr_assert_str_eq(pg_get_text(result, 0, 3), "UTF8");
}

typedef struct Sum {
    int64_t rows, sum;
    int chunks, stop_after;
} Sum;

static bool add_rows(void *context, const PGresult *rows, Error *visit_err)
{
    Sum *sum = context;
    for (int row = 0; row < PQntuples(rows); row++)
        sum->sum += pg_get_int(rows, row, 0);
    sum->rows += PQntuples(rows);
    if (++sum->chunks == sum->stop_after)
        return error_set(visit_err, ERROR_CONFLICT, "enough");
    return true;
}

Test(pg, each_row_of_a_large_query)
{
    static const PgStatement series = {.name = "series",
                                       .sql = "SELECT i FROM generate_series($1, $2) AS i -- no end of line"};
    OK(pg_begin(connection, &err));
    const struct {
        int64_t from, to;
    } ranges[] = {{1, 12345}, {1, 5000}, {1, 10000}, {1, 0}, {1, 1}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        Sum sum = {0};
        OK(pg_each(connection, &series, PG_PARAMS(pg_int(ranges[i].from), pg_int(ranges[i].to)), add_rows, &sum, &err));
        cr_assert_eq(sum.rows, ranges[i].to);
        cr_assert_eq(sum.sum, ranges[i].to * (ranges[i].to + 1) / 2);
    }
    Sum stopped = {.stop_after = 2};
    cr_assert_not(pg_each(connection, &series, PG_PARAMS(pg_int(1), pg_int(1000000)), add_rows, &stopped, &err));
    cr_assert_eq(err.code, ERROR_CONFLICT);
    cr_assert_str_eq(err.message, "enough");
    cr_assert_eq(stopped.rows, 10000);
    Sum after = {0}; /* the transaction goes on */
    OK(pg_each(connection, &series, PG_PARAMS(pg_int(1), pg_int(3)), add_rows, &after, &err));
    cr_assert_eq(after.sum, 6);
    static const PgStatement broken = {.name = "broken",
                                       .sql = "SELECT 1 / (i - 7000) FROM generate_series(1, 9000) i"};
    cr_assert_not(pg_each(connection, &broken, PG_PARAMS(), add_rows, &after, &err));
    cr_assert_eq(err.code, ERROR_UNPROCESSABLE);
    pg_rollback(connection);
}

Test(pg, copy_of_every_type)
{
    enum { ROWS = 50000 };
    OK(pg_command(
        connection,
        "CREATE TABLE t (a smallint, b integer, c bigint, d float8, e boolean, f timestamptz, g text, h bytea)", &err));
    OK(pg_begin(connection, &err));
    PgCopy *copy;
    OK(pg_copy_begin(connection, "t (a, b, c, d, e, f, g, h)", &copy, &err));
    size_t large_bytes = 3 << 20;
    char *large = calloc(1, large_bytes);
    for (int i = 0; i < ROWS; i++) {
        pg_copy_row(copy, 8);
        pg_copy_int2(copy, (int16_t)(i % 100 - 50));
        pg_copy_int4(copy, -i);
        pg_copy_int8(copy, (int64_t)i << 40);
        pg_copy_float8(copy, i / 4.0);
        pg_copy_bool(copy, i % 2);
        pg_copy_instant(copy, i % 3 == 0 ? INSTANT_NONE : i * INSTANT_PER_SECOND);
        if (i % 5 == 0)
            pg_copy_text(copy, NULL);
        else
            pg_copy_text_n(copy, "text and more", i % 5 == 1 ? 0 : 4);
        if (i == ROWS / 2)
            pg_copy_bytes(copy, large, large_bytes); /* larger than the buffer */
        else
            pg_copy_null(copy);
    }
    int64_t rows;
    OK(pg_copy_end(copy, false, &rows, &err));
    cr_assert_eq(rows, ROWS);
    OK(pg_commit(connection, &err));
    free(large);
    static const PgStatement sums = {
        .name = "sums",
        .sql = "SELECT count(*), sum(a), sum(b), (sum(c) / (1::bigint << 40))::bigint, sum(d), count(*) FILTER (WHERE "
               "e),\n"
               "count(f), sum(extract(epoch FROM f))::bigint, count(g), sum(length(g)), max(length(h)) FROM t"};
    PG_RESULT_SCOPED PGresult *result = NULL;
    OK(pg_run(connection, &sums, PG_PARAMS(), &result, &err));
    const int64_t total = (int64_t)ROWS * (ROWS - 1) / 2;
    int64_t seconds = 0;
    for (int i = 0; i < ROWS; i++)
        seconds += i % 3 == 0 ? 0 : i;
    cr_assert_eq(pg_get_int(result, 0, 0), ROWS);
    cr_assert_eq(pg_get_int(result, 0, 1), -ROWS / 2);
    cr_assert_eq(pg_get_int(result, 0, 2), -total);
    cr_assert_eq(pg_get_int(result, 0, 3), total);
    cr_assert_eq(pg_get_real(result, 0, 4), (double)total / 4);
    cr_assert_eq(pg_get_int(result, 0, 5), ROWS / 2);
    cr_assert_eq(pg_get_int(result, 0, 6), ROWS - (ROWS + 2) / 3);
    cr_assert_eq(pg_get_int(result, 0, 7), seconds);
    cr_assert_eq(pg_get_int(result, 0, 8), ROWS * 4 / 5);
    cr_assert_eq(pg_get_int(result, 0, 9), ROWS * 3 / 5 * 4);
    cr_assert_eq(pg_get_int(result, 0, 10), (int64_t)large_bytes);
}

Test(pg, copy_that_fails_or_is_abandoned)
{
    OK(pg_command(connection, "CREATE TABLE t (i integer PRIMARY KEY, g text)", &err));
    PgCopy *copy;
    cr_assert_not(pg_copy_begin(connection, "nowhere (i)", &copy, &err));
    cr_assert_eq(err.code, ERROR_INTERNAL);

    OK(pg_begin(connection, &err));
    OK(pg_copy_begin(connection, "t (i, g)", &copy, &err));
    for (int i = 0; i < 300000; i++) { /* several buffers: the server refuses the first and the rest still comes */
        pg_copy_row(copy, 2);
        pg_copy_int4(copy, i % 2);
        pg_copy_text(copy, "a duplicate of a duplicate");
    }
    int64_t rows = -1;
    cr_assert_not(pg_copy_end(copy, false, &rows, &err));
    cr_assert_eq(err.code, ERROR_CONFLICT, "%s", err.message);
    cr_assert_eq(rows, -1);
    pg_rollback(connection);

    OK(pg_begin(connection, &err));
    OK(pg_copy_begin(connection, "t (i, g)", &copy, &err));
    pg_copy_row(copy, 2);
    pg_copy_int4(copy, 1);
    OK(pg_copy_end(copy, true, NULL, &err)); /* in the middle of a row */
    pg_rollback(connection);

    OK(pg_begin(connection, &err));
    OK(pg_copy_begin(connection, "t (i, g)", &copy, &err));
    PgConnection *other;
    OK(pg_acquire(pool, 1000, &other, &err));
    OK(pg_run(other, &kill_others, PG_PARAMS(), NULL, &err));
    pg_release(other);
    for (int i = 0; i < 300000; i++) {
        pg_copy_row(copy, 2);
        pg_copy_int4(copy, i);
        pg_copy_text(copy, "to a server that hung up");
    }
    cr_assert_not(pg_copy_end(copy, false, &rows, &err));
    cr_assert_eq(err.code, ERROR_UNAVAILABLE, "%s", err.message);
    pg_release(connection);
    OK(pg_acquire(pool, 1000, &connection, &err));
    static const PgStatement count = {.name = "count", .sql = "SELECT count(*) FROM t"};
    PG_RESULT_SCOPED PGresult *result = NULL;
    OK(pg_run(connection, &count, PG_PARAMS(), &result, &err));
    cr_assert_eq(pg_get_int(result, 0, 0), 0);
}

Test(pg, a_schema_change_under_a_prepared_statement_needs_one_retry)
{
    static const PgStatement all = {.name = "all", .sql = "SELECT * FROM t"};
    OK(pg_command(connection, "CREATE TABLE t (i integer)", &err));
    OK(pg_run(connection, &all, PG_PARAMS(), NULL, &err));
    OK(pg_command(connection, "ALTER TABLE t ADD j integer", &err));
    cr_assert_not(pg_run(connection, &all, PG_PARAMS(), NULL, &err));
    cr_assert(error_is_transient(&err), "%s", err.message);
    pg_release(connection);
    OK(pg_acquire(pool, 1000, &connection, &err));
    OK(pg_run(connection, &all, PG_PARAMS(), NULL, &err));
}

static void *take_turns(void *ret_done)
{
    static const PgStatement one = {.name = "one", .sql = "SELECT $1"};
    Error thread_err;
    for (int i = 0; i < 100; i++) {
        PG_SCOPED PgConnection *taken = NULL;
        PG_RESULT_SCOPED PGresult *result = NULL;
        if (!pg_acquire(pool, 10000, &taken, &thread_err) ||
            !pg_run(taken, &one, PG_PARAMS(pg_int(i)), &result, &thread_err) || pg_get_int(result, 0, 0) != i)
            return NULL;
    }
    *(bool *)ret_done = true;
    return NULL;
}

Test(pg, many_threads_share_few_connections)
{
    pg_release(connection);
    pthread_t threads[8];
    bool done[8] = {false};
    for (int i = 0; i < 8; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, take_turns, &done[i]), 0);
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        cr_assert(done[i]);
    }
    OK(pg_acquire(pool, 1000, &connection, &err));
}
