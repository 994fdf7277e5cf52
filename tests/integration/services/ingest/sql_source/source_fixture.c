#include "tests/integration/services/ingest/sql_source/source_fixture.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/clock.h"
#include "tests/integration/support/test_servers.h"

enum { WAIT_S = 120, LOOK_EVERY_US = 50000 };

SourceFixture source_fixture;

static Arena *arena;

static const char mapping_json[] =
    "{\"source\": \"company-sql\", \"version\": \"1\", \"entities\": ["
    "{\"entity\": \"thing\", \"from\": \"public.thing\", \"description\": \"A thing\", \"owner\": \"test\","
    " \"updated_at\": \"updated_at\", \"columns\": ["
    "{\"name\": \"id\", \"type\": \"integer\", \"key\": true, \"description\": \"Key\"},"
    "{\"name\": \"label\", \"type\": \"text\", \"description\": \"Label\"},"
    "{\"name\": \"price\", \"type\": \"decimal\", \"description\": \"Price\"},"
    "{\"name\": \"note\", \"type\": \"text\", \"description\": \"Long text\"},"
    "{\"name\": \"updated_at\", \"type\": \"instant\", \"description\": \"When it changed\"}]},"
    "{\"entity\": \"part\", \"from\": \"public.part\", \"description\": \"A part\", \"owner\": \"test\","
    " \"updated_at\": \"updated_at\", \"columns\": ["
    "{\"name\": \"thing_id\", \"type\": \"integer\", \"key\": true, \"description\": \"Thing\"},"
    "{\"name\": \"no\", \"type\": \"integer\", \"key\": true, \"description\": \"Number in it\"},"
    "{\"name\": \"size\", \"type\": \"real\", \"description\": \"Size\"},"
    "{\"name\": \"updated_at\", \"type\": \"instant\", \"description\": \"When it changed\"}]}]}";

static const char company_tables[] =
    "CREATE TABLE thing (id bigint PRIMARY KEY, label text, price numeric(12, 2), note text,"
    " updated_at timestamptz NOT NULL DEFAULT clock_timestamp());"
    "CREATE TABLE part (thing_id bigint, no int, size float8, updated_at timestamptz NOT NULL DEFAULT "
    "clock_timestamp(),"
    " PRIMARY KEY (thing_id, no));";

void company_run(const char *sql, ...)
{
    char text[4096];
    va_list arguments;
    va_start(arguments, sql);
    vsnprintf(text, sizeof text, sql, arguments);
    va_end(arguments);
    PGresult *result = PQexec(source_fixture.company, text);
    ExecStatusType status = PQresultStatus(result);
    cr_assert(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, "%s: %s", text,
              PQerrorMessage(source_fixture.company));
    PQclear(result);
}

int64_t company_number(const char *sql, ...)
{
    char text[4096];
    va_list arguments;
    va_start(arguments, sql);
    vsnprintf(text, sizeof text, sql, arguments);
    va_end(arguments);
    PGresult *rows = PQexec(source_fixture.company, text);
    cr_assert_eq(PQresultStatus(rows), PGRES_TUPLES_OK, "%s: %s", text, PQerrorMessage(source_fixture.company));
    int64_t number = strtoll(PQgetvalue(rows, 0, 0), NULL, 10);
    PQclear(rows);
    return number;
}

static void run_on_server(const char *sql)
{
    PGconn *handle = PQconnectdb(test_server("RUSHCAST_TEST_POSTGRES"));
    PGresult *result = PQexec(handle, sql);
    cr_assert_eq(PQresultStatus(result), PGRES_COMMAND_OK, "%s: %s", sql, PQerrorMessage(handle));
    PQclear(result);
    PQfinish(handle);
}

void source_fixture_begin(void)
{
    Error err;
    char sql[128];
    SourceFixture *fixture = &source_fixture;
    ingest_database_begin();
    int pid = (int)getpid();
    snprintf(sql, sizeof sql, "CREATE DATABASE company_%d", pid);
    run_on_server(sql);
    snprintf(fixture->conninfo, sizeof fixture->conninfo, "%s dbname=company_%d", test_server("RUSHCAST_TEST_POSTGRES"),
             pid);
    snprintf(fixture->slot, sizeof fixture->slot, "rushcast_%d", pid);
    fixture->company = PQconnectdb(fixture->conninfo);
    company_run("%s", company_tables);
    arena = arena_new();
    cr_assert(entity_mapping_parse(mapping_json, strlen(mapping_json), "test.json", arena, &fixture->mapping, &err),
              "%s", err.message);
    source_status_init(&fixture->status, SOURCE_NOT_CONFIGURED);
    fixture->options = (SqlSourceOptions){
        .conninfo = fixture->conninfo,
        .mode = "auto",
        .slot = fixture->slot,
        .mapping = &fixture->mapping,
        .pool = ingest_database.pool,
        .status = &fixture->status,
        .batch_wait_ms = 50,
        .poll_s = 1,
        .overlap_s = 60,
        .sweep_s = 1,
        .sweep_max_share = 0.1,
        .lag_warn_share = 0.5,
        .lag_warn_mbytes = 2048,
    };
}

static bool read_step(void *service, WorkerStep *step, Error *err)
{
    SourceFixture *fixture = service;
    return sql_source_step(fixture->source, step, err);
}

static bool watch_step(void *service, WorkerStep *step, Error *err)
{
    SourceFixture *fixture = service;
    return sql_source_watch(fixture->source, step, err);
}

void source_fixture_start(void)
{
    static const WorkerDefinition workers[] = {{"sql_source", read_step, false}, {"sql_slot", watch_step, false}, {0}};
    Error err;
    cr_assert(sql_source_new(&source_fixture.options, &source_fixture.source, &err), "%s", err.message);
    source_fixture.workers = workers_start(workers, &source_fixture);
}

void source_fixture_stop(void)
{
    workers_stop(source_fixture.workers);
    sql_source_free(source_fixture.source);
    source_fixture.workers = NULL;
    source_fixture.source = NULL;
}

void company_drop_slot(void)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '%s'",
             source_fixture.slot);
    int64_t deadline_ms = clock_monotonic_ms() + WAIT_S * 1000;
    for (bool dropped = false; !dropped; usleep(LOOK_EVERY_US)) {
        PGresult *result = PQexec(source_fixture.company, sql);
        dropped = PQresultStatus(result) == PGRES_TUPLES_OK;
        PQclear(result);
        cr_assert_lt(clock_monotonic_ms(), deadline_ms, "%s: %s", sql, PQerrorMessage(source_fixture.company));
    }
}

void source_fixture_end(void)
{
    char sql[256];
    source_fixture_stop();
    source_status_fini(&source_fixture.status);
    arena_free(arena);
    company_drop_slot();
    PQfinish(source_fixture.company);
    snprintf(sql, sizeof sql, "DROP DATABASE company_%d WITH (FORCE)", (int)getpid());
    run_on_server(sql);
    ingest_database_end();
}

/* A digest of all rows, equal on both sides. */
static void digest(PGconn *handle, const char *schema, char out[64])
{
    char sql[1024];
    snprintf(sql, sizeof sql,
             "SELECT (SELECT md5(coalesce(string_agg(concat_ws('|', id, label, price, md5(note),"
             " extract(epoch FROM updated_at)), ',' ORDER BY id), '')) FROM %s.thing) || "
             "(SELECT left(md5(coalesce(string_agg(concat_ws('|', thing_id, no, size, extract(epoch FROM updated_at)),"
             " ',' ORDER BY thing_id, no), '')), 16) FROM %s.part)",
             schema, schema);
    PGresult *rows = PQexec(handle, sql);
    snprintf(out, 64, "%s", PQresultStatus(rows) == PGRES_TUPLES_OK ? PQgetvalue(rows, 0, 0) : "no tables yet");
    PQclear(rows);
}

static bool is_equal(void)
{
    char company[64], warehouse[64];
    digest(source_fixture.company, "public", company);
    digest(pg_handle(ingest_database.connection), "core", warehouse);
    return strcmp(company, warehouse) == 0;
}

static const char *problem(void)
{
    static char text[2 * SOURCE_PROBLEM_MAX_BYTES];
    pthread_mutex_lock(&source_fixture.status.mutex);
    snprintf(text, sizeof text, "%s %s", source_fixture.status.reading_problem, source_fixture.status.watch_problem);
    pthread_mutex_unlock(&source_fixture.status.mutex);
    return text;
}

#define WAIT_UNTIL(condition, ...)                                                                                     \
    do {                                                                                                               \
        int64_t deadline_ms = clock_monotonic_ms() + WAIT_S * 1000;                                                    \
        while (!(condition)) {                                                                                         \
            cr_assert_lt(clock_monotonic_ms(), deadline_ms, __VA_ARGS__);                                              \
            usleep(LOOK_EVERY_US);                                                                                     \
        }                                                                                                              \
    } while (0)

static int64_t warehouse_number(const char *sql)
{
    PGresult *rows = PQexec(pg_handle(ingest_database.connection), sql);
    int64_t number = PQresultStatus(rows) == PGRES_TUPLES_OK ? strtoll(PQgetvalue(rows, 0, 0), NULL, 10) : -1;
    PQclear(rows);
    return number;
}

void warehouse_wait(int64_t number, const char *sql)
{
    WAIT_UNTIL(warehouse_number(sql) == number, "%s is %lld, not %lld; problem: %s", sql,
               (long long)warehouse_number(sql), (long long)number, problem());
}

void warehouse_wait_equal(void)
{
    WAIT_UNTIL(is_equal(), "the warehouse differs: %lld things of %lld; problem: %s",
               (long long)warehouse_number("SELECT count(*) FROM core.thing"),
               (long long)company_number("SELECT count(*) FROM thing"), problem());
}

static SourceState state(void)
{
    pthread_mutex_lock(&source_fixture.status.mutex);
    SourceState now = source_fixture.status.state;
    pthread_mutex_unlock(&source_fixture.status.mutex);
    return now;
}

void source_wait_state(SourceState wanted)
{
    WAIT_UNTIL(state() == wanted, "state is %d, not %d; problem: %s", (int)state(), (int)wanted, problem());
}

void source_wait_problem(const char *text)
{
    WAIT_UNTIL(text == NULL ? strcmp(problem(), " ") == 0 : strstr(problem(), text) != NULL, "problem is: %s",
               problem());
}
