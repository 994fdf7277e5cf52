/* A company's database of its own for each test, a warehouse, and what reads the one into the other. */
#pragma once

#include "services/ingest/sql_source/sql_source.h"
#include "tests/integration/services/ingest/ingest_database.h"

typedef struct SourceFixture {
    PGconn *company;
    char conninfo[1024];
    char slot[64];
    EntityMapping mapping;
    SourceStatus status;
    SqlSourceOptions options; /* to be changed before source_fixture_start() */
    SqlSource *source;
    Workers *workers; /* NULL: they do not run */
} SourceFixture;

extern SourceFixture source_fixture;

/* Tables: thing (id, label, price, note, updated_at) and part (thing_id, no, size, updated_at), key (thing_id, no). */
void source_fixture_begin(void);
void source_fixture_end(void);
/* Readers in threads of their own, as the service runs them; stopping them is as a restart of the process. */
void source_fixture_start(void);
void source_fixture_stop(void);

void company_run(const char *sql, ...) PRINTF_LIKE(1, 2);
int64_t company_number(const char *sql, ...) PRINTF_LIKE(1, 2);
/* Waits until nobody reads the slot any more: a walsender may take a moment to let go of it. */
void company_drop_slot(void);
/* Waits until the query answers the number in the warehouse; fails after a long time. */
void warehouse_wait(int64_t number, const char *sql);
/* Waits until the warehouse has the company's rows, to the last value. */
void warehouse_wait_equal(void);
/* Waits until the source is told to be in the state, and to have a problem with the text; NULL: none. */
void source_wait_state(SourceState state);
void source_wait_problem(const char *text);
