#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include "tests/integration/services/ingest/ingest_database.h"

TestSuite(analyst, .init = ingest_database_begin, .fini = ingest_database_end);

static ExecStatusType execute(const char *sql)
{
    PGresult *result = PQexec(pg_handle(ingest_database.connection), sql);
    ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    return status;
}

static PGresult *names(const char *sql)
{
    PGresult *rows = PQexec(pg_handle(ingest_database.connection), sql);
    cr_assert(PQresultStatus(rows) == PGRES_TUPLES_OK && PQntuples(rows) > 0, "%s", sql);
    return rows;
}

static void become_analyst(void)
{
    cr_assert_eq(execute("SET ROLE rushcast_analyst"), PGRES_COMMAND_OK);
}

/* Whether the role may run it. */
static PRINTF_LIKE(1, 2) bool may(const char *format, ...)
{
    char sql[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sql, sizeof sql, format, arguments);
    va_end(arguments);
    ExecStatusType status = execute(sql);
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

Test(analyst, reads_every_view_of_the_warehouse)
{
    PGresult *views =
        names("SELECT format('%I.%I', schemaname, viewname) FROM pg_views WHERE schemaname = 'warehouse'");
    cr_assert_eq(execute("CREATE VIEW warehouse.made_later AS SELECT 1 AS one"), PGRES_COMMAND_OK);
    become_analyst();
    for (int i = 0; i < PQntuples(views); i++)
        cr_assert(may("SELECT * FROM %s LIMIT 1", PQgetvalue(views, i, 0)), "%s", PQgetvalue(views, i, 0));
    cr_assert(may("SELECT * FROM warehouse.made_later"));
    PQclear(views);
}

Test(analyst, reads_and_changes_nothing_else)
{
    PGresult *tables = names("SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n"
                             " ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'S')"
                             " AND n.nspname IN ('raw', 'core', 'personal')");
    PGresult *views =
        names("SELECT format('%I.%I', schemaname, viewname) FROM pg_views WHERE schemaname = 'warehouse'");
    become_analyst();
    for (int i = 0; i < PQntuples(tables); i++) {
        const char *table = PQgetvalue(tables, i, 0);
        cr_assert(!may("SELECT * FROM %s", table) && !may("DELETE FROM %s", table) && !may("TABLE %s", table), "%s",
                  table);
    }
    for (int i = 0; i < PQntuples(views); i++)
        cr_assert_not(may("DELETE FROM %s", PQgetvalue(views, i, 0)), "%s", PQgetvalue(views, i, 0));
    cr_assert_not(may("SELECT personal.is_erased('c1')"));
    cr_assert_not(may("SELECT personal.customer_hmac('c1')"));
    cr_assert_not(may("CREATE TABLE warehouse.t (a int)"));
    cr_assert_not(may("CREATE TABLE public.t (a int)"));
    cr_assert_not(may("COPY (SELECT 1) TO PROGRAM 'true'"));
    cr_assert_not(may("SELECT * FROM pg_statistic"));
    PQclear(tables);
    PQclear(views);
}

Test(analyst, has_limits)
{
    static const char *const settings[] = {"default_transaction_read_only=on", "statement_timeout=5min",
                                           "work_mem=32MB", "max_parallel_workers_per_gather=0", "temp_file_limit=4GB"};
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        cr_assert_eq(
            ingest_database_number("SELECT count(*) FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole"
                                   " JOIN pg_database d ON d.oid = s.setdatabase WHERE r.rolname ="
                                   " 'rushcast_analyst' AND d.datname = current_database()"
                                   " AND '%s' = ANY (s.setconfig)",
                                   settings[i]),
            1, "%s", settings[i]);
    cr_assert_eq(ingest_database_number("SELECT rolcanlogin::int + rolsuper::int + rolcreaterole::int FROM pg_roles"
                                        " WHERE rolname = 'rushcast_analyst'"),
                 0);
}

/* As told in docs/personal-data.md. */
Test(analyst, gets_a_login_with_the_same_rights_and_limits)
{
    char name[64], sql[512];
    snprintf(name, sizeof name, "analyst_of_%d", (int)getpid());
    snprintf(sql, sizeof sql,
             "CREATE ROLE %s LOGIN PASSWORD 'secret' IN ROLE rushcast_analyst CONNECTION LIMIT 4;"
             "SELECT personal.limit_analyst('%s')",
             name, name);
    cr_assert_eq(execute(sql), PGRES_TUPLES_OK);
    cr_assert_eq(ingest_database_number("SELECT cardinality(setconfig) FROM pg_db_role_setting"
                                        " WHERE setrole = '%s'::regrole",
                                        name),
                 8);
    snprintf(sql, sizeof sql, "SET ROLE %s", name);
    cr_assert_eq(execute(sql), PGRES_COMMAND_OK);
    cr_assert(may("SELECT * FROM warehouse.order_event LIMIT 1"));
    cr_assert_not(may("SELECT * FROM core.order_event LIMIT 1"));
    snprintf(sql, sizeof sql, "RESET ROLE; DROP ROLE %s", name);
    cr_assert_eq(execute(sql), PGRES_COMMAND_OK);
}
