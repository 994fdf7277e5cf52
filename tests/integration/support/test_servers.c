#include "tests/integration/support/test_servers.h"

#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char database[64], conninfo[1024];

const char *test_server(const char *variable)
{
    const char *value = getenv(variable);
    cr_assert(value != NULL && value[0] != '\0',
              "%s is not set: it names the server that this test needs; make test starts one and sets it", variable);
    return value;
}

static void run_on_server(const char *sql)
{
    PGconn *handle = PQconnectdb(test_server("RUSHCAST_TEST_POSTGRES"));
    cr_assert_eq(PQstatus(handle), CONNECTION_OK, "RUSHCAST_TEST_POSTGRES: %s", PQerrorMessage(handle));
    PGresult *result = PQexec(handle, sql);
    cr_assert_eq(PQresultStatus(result), PGRES_COMMAND_OK, "%s: %s", sql, PQerrorMessage(handle));
    PQclear(result);
    PQfinish(handle);
}

const char *test_database(void)
{
    if (database[0] == '\0') {
        char sql[128];
        snprintf(database, sizeof database, "test_%d", (int)getpid());
        snprintf(sql, sizeof sql, "CREATE DATABASE %s", database);
        run_on_server(sql);
        snprintf(conninfo, sizeof conninfo, "%s dbname=%s", test_server("RUSHCAST_TEST_POSTGRES"), database);
    }
    return conninfo;
}

void test_database_drop(void)
{
    char sql[128];
    if (database[0] == '\0')
        return;
    snprintf(sql, sizeof sql, "DROP DATABASE IF EXISTS %s WITH (FORCE)", database);
    run_on_server(sql);
    database[0] = '\0';
}
