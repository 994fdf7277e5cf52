/* Connections to the company's Postgres: plain ones and such that speak the replication protocol. All values come as
 * text, in one form whatever the server's settings: what a snapshot reads and what the change stream sends is equal. */
#pragma once

#include "common/pg.h"

enum {
    SOURCE_CONNECT_TIMEOUT_S = 5,
    SOURCE_QUERY_DEADLINE_MS = 30000,
    SOURCE_SCAN_DEADLINE_MS = 600000, /* until the first rows of a whole table come */
};

typedef struct SourceConnection {
    PGconn *handle;
    char state[6]; /* SQLSTATE of the last failure; empty: there was none, or the connection was lost */
} SourceConnection;

/* UNAVAILABLE. `connection` must be closed in any case. */
bool source_connect(SourceConnection *connection, const char *conninfo, bool replication, Error *err) MUST_CHECK;
void source_close(SourceConnection *connection); /* accepts a zeroed one, and one closed before */
#define SOURCE_SCOPED __attribute__((cleanup(source_close)))

/* Runs SQL or a command of the replication protocol; `ret_result` may be NULL. FORBIDDEN when the role may not,
 * NOT_FOUND for what is not there, CONFLICT for what is in use or there already, UNAVAILABLE, DEADLINE; else UPSTREAM.
 */
bool source_command(SourceConnection *connection, const char *sql, int deadline_ms, PGresult **ret_result,
                    Error *err) MUST_CHECK;
/* With parameters as text; not on replication connections. */
bool source_run(SourceConnection *connection, const PgStatement *statement, const char *const *params, int count,
                PGresult **ret_result, Error *err) MUST_CHECK;
/* Waits until data from the server can be read, or the time is up. */
bool source_poll(SourceConnection *connection, int wait_ms, Error *err) MUST_CHECK;
/* UNAVAILABLE with what libpq says. */
bool source_fail(SourceConnection *connection, const char *what, Error *err);

const char *source_text(const PGresult *rows, int row, int column); /* NULL: null */
bool source_bool(const PGresult *rows, int row, int column);
int64_t source_int(const PGresult *rows, int row, int column, int64_t fallback);
