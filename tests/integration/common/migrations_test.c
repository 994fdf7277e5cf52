#include "common/migrations.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include "tests/integration/support/test_servers.h"

static PgPool *pool;
static PgConnection *connection;
static Error err;

#define OK(call) cr_assert((call), "%s", err.message)

static void set_up(void)
{
    pool = pg_pool_new(&(PgPoolOptions){.conninfo = test_database(), .application_name = "migrations-test", .size = 4});
    OK(pg_acquire(pool, 5000, &connection, &err));
}

static void tear_down(void)
{
    pg_release(connection);
    pg_pool_free(pool);
    test_database_drop();
}

TestSuite(migrations, .init = set_up, .fini = tear_down);

static const Migration good[] = {
    {"0001_table", "CREATE TABLE thing.t (i int); INSERT INTO thing.t VALUES (1);"},
    {"0002_column", "ALTER TABLE thing.t ADD j int; -- more\nUPDATE thing.t SET j = i * 2;"},
    {"0003_broken", "INSERT INTO thing.t VALUES (9, 9); INSERT INTO thing.nowhere VALUES (1);"},
};

static int64_t rows(void)
{
    static const PgStatement count = {.name = "count", .sql = "SELECT count(*) FROM thing.t"};
    PG_RESULT_SCOPED PGresult *result = NULL;
    OK(pg_run(connection, &count, PG_PARAMS(), &result, &err));
    return pg_get_int(result, 0, 0);
}

Test(migrations, once_in_order_and_whole)
{
    size_t applied = 99;
    OK(migrations_apply(connection, "thing", good, 1, &applied, &err));
    cr_assert_eq(applied, 1);
    OK(migrations_apply(connection, "thing", good, 2, &applied, &err));
    cr_assert_eq(applied, 1);
    OK(migrations_apply(connection, "thing", good, 2, &applied, &err));
    cr_assert_eq(applied, 0);
    cr_assert_not(migrations_apply(connection, "thing", good, 3, &applied, &err));
    cr_assert(strstr(err.message, "0003_broken") != NULL && strstr(err.message, "nowhere") != NULL, "%s", err.message);
    cr_assert_eq(rows(), 1);
    OK(migrations_apply(connection, "thing", good, 2, &applied, &err));
}

Test(migrations, changed_or_newer_ones_are_a_conflict)
{
    static const Migration changed[] = {{"0001_table", "CREATE TABLE thing.t (i bigint);"}};
    size_t applied;
    OK(migrations_apply(connection, "thing", good, 2, &applied, &err));
    cr_assert_not(migrations_apply(connection, "thing", good, 1, &applied, &err));
    cr_assert_eq(err.code, ERROR_CONFLICT);
    cr_assert_not_null(strstr(err.message, "0002_column"));
    cr_assert_not(migrations_apply(connection, "thing", changed, 1, &applied, &err));
    cr_assert_eq(err.code, ERROR_CONFLICT);
    OK(migrations_apply(connection, "other", NULL, 0, &applied, &err)); /* a schema of its own */
    cr_assert_eq(applied, 0);
}

static void *apply_too(void *ret_applied)
{
    PgConnection *mine;
    Error thread_err;
    size_t applied;
    if (!pg_acquire(pool, 5000, &mine, &thread_err))
        return NULL;
    if (migrations_apply(mine, "thing", good, 2, &applied, &thread_err))
        *(int *)ret_applied = (int)applied;
    pg_release(mine);
    return NULL;
}

Test(migrations, several_programs_at_once)
{
    pthread_t threads[3];
    int applied[3] = {-1, -1, -1};
    for (int i = 0; i < 3; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, apply_too, &applied[i]), 0);
    int total = 0;
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        cr_assert_geq(applied[i], 0);
        total += applied[i];
    }
    cr_assert_eq(total, 2);
    cr_assert_eq(rows(), 1);
}
