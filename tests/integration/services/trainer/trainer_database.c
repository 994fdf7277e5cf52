#include "tests/integration/services/trainer/trainer_database.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "gen/trainer_sql.h"

TrainerDatabase trainer_database;

static void administer(const char *verb)
{
    const char *conninfo = getenv("RUSHCAST_TEST_POSTGRES");
    char sql[128];
    Error err;
    PgConnection *connection = NULL;
    PgPool *pool = pg_pool_new(&(PgPoolOptions){.conninfo = conninfo, .application_name = "test", .size = 1});
    snprintf(sql, sizeof sql, "%s %s", verb, trainer_database.name);
    bool ok = pg_acquire(pool, 5000, &connection, &err) && pg_command(connection, sql, &err);
    pg_release(connection);
    pg_pool_free(pool);
    cr_assert(ok, "%s", err.message);
}

void trainer_database_begin(void)
{
    const char *conninfo = getenv("RUSHCAST_TEST_POSTGRES");
    Error err;
    size_t applied;
    cr_assert_not_null(conninfo, "RUSHCAST_TEST_POSTGRES names no server");
    snprintf(trainer_database.name, sizeof trainer_database.name, "trainer_test_%d", (int)getpid());
    administer("CREATE DATABASE");
    snprintf(trainer_database.conninfo, sizeof trainer_database.conninfo, "%s dbname=%s", conninfo,
             trainer_database.name);
    trainer_database.pool =
        pg_pool_new(&(PgPoolOptions){.conninfo = trainer_database.conninfo, .application_name = "test", .size = 8});
    cr_assert(pg_acquire(trainer_database.pool, 5000, &trainer_database.connection, &err), "%s", err.message);
    cr_assert(migrations_apply(trainer_database.connection, "training", trainer_migrations, trainer_migrations_count,
                               &applied, &err),
              "%s", err.message);
}

void trainer_database_end(void)
{
    pg_release(trainer_database.connection);
    pg_pool_free(trainer_database.pool);
    administer("DROP DATABASE");
}

void trainer_database_run(const char *sql, ...)
{
    char text[4096];
    Error err;
    va_list arguments;
    va_start(arguments, sql);
    vsnprintf(text, sizeof text, sql, arguments);
    va_end(arguments);
    cr_assert(pg_command(trainer_database.connection, text, &err), "%s: %s", text, err.message);
}

static const char *ask(const char *sql, va_list arguments)
{
    static char answer[8192];
    char text[4096];
    vsnprintf(text, sizeof text, sql, arguments);
    PGresult *rows = PQexec(pg_handle(trainer_database.connection), text);
    bool ok = PQresultStatus(rows) == PGRES_TUPLES_OK && PQntuples(rows) == 1;
    snprintf(answer, sizeof answer, "%s",
             ok ? PQgetvalue(rows, 0, 0) : PQerrorMessage(pg_handle(trainer_database.connection)));
    PQclear(rows);
    cr_assert(ok, "%s: %s", text, answer);
    return answer;
}

int64_t trainer_database_number(const char *sql, ...)
{
    va_list arguments;
    va_start(arguments, sql);
    int64_t number = strtoll(ask(sql, arguments), NULL, 10);
    va_end(arguments);
    return number;
}

const char *trainer_database_text(const char *sql, ...)
{
    va_list arguments;
    va_start(arguments, sql);
    const char *text = ask(sql, arguments);
    va_end(arguments);
    return text;
}
