/* Postgres: a pool of connections, statements prepared by name (again after a reconnect), typed parameters and columns,
 * COPY, transactions, deadlines on everything. */
#pragma once

#include <libpq-fe.h>
#include <stddef.h>
#include <stdint.h>
#include "common/hour.h"

typedef struct PgPool PgPool;
typedef struct PgConnection PgConnection;

/* One SQL file, embedded at build time (see gen/<service>_sql.h). Static: name and SQL are kept by reference. */
typedef struct PgStatement {
    const char *name; /* file name without .sql */
    const char *sql;
} PgStatement;

typedef struct PgPoolOptions {
    const char *conninfo;
    const char *application_name;
    unsigned size;            /* most connections at once */
    int connect_timeout_ms;   /* 0: 3,000 */
    int statement_timeout_ms; /* 0: 30,000; enforced by the server and, two seconds later, by the client */
} PgPoolOptions;

/* Connects at first use, not here. Strings are copied. */
PgPool *pg_pool_new(const PgPoolOptions *options);
void pg_pool_free(PgPool *pool);

/* Takes a connection, waiting for a free one up to the deadline; reconnects when it was lost. UNAVAILABLE when the
 * server can't be reached, OVERLOADED when none became free. */
bool pg_acquire(PgPool *pool, int deadline_ms, PgConnection **ret_connection, Error *err) MUST_CHECK;
/* Gives it back; a transaction still open is rolled back, a broken connection is closed. Accepts NULL. */
void pg_release(PgConnection *connection);
/* Has it closed when it is given back: its session holds what must not go on. */
void pg_discard(PgConnection *connection);
void pg_release_cleanup(PgConnection **connection);
#define PG_SCOPED __attribute__((cleanup(pg_release_cleanup)))
/* Another time limit for statements (each COPY is one) until the connection is given back. */
bool pg_set_timeout(PgConnection *connection, int timeout_ms, Error *err) MUST_CHECK;

typedef struct PgParam {
    enum { PG_NULL, PG_INT, PG_REAL, PG_TEXT, PG_BYTES, PG_BOOL, PG_INSTANT } kind;
    size_t length_bytes;
    union {
        int64_t integer; /* bigint; smaller integer types by a cast in the SQL */
        double real;
        const char *text; /* NULL: SQL null */
        const void *bytes;
        bool boolean;
        Instant instant; /* timestamptz; INSTANT_NONE: SQL null */
    };
} PgParam;

#define pg_null() ((PgParam){.kind = PG_NULL})
#define pg_int(v) ((PgParam){.kind = PG_INT, .integer = (v)})
#define pg_real(v) ((PgParam){.kind = PG_REAL, .real = (v)})
#define pg_text(v) ((PgParam){.kind = PG_TEXT, .text = (v)})
#define pg_bytes(v, n) ((PgParam){.kind = PG_BYTES, .bytes = (v), .length_bytes = (n)})
#define pg_bool(v) ((PgParam){.kind = PG_BOOL, .boolean = (v)})
#define pg_instant(v) ((PgParam){.kind = PG_INSTANT, .instant = (v)})
/* Start of the hour as timestamptz; HOUR_NONE: SQL null. */
#define pg_hour(v) ((PgParam){.kind = PG_INSTANT, .instant = (v) == HOUR_NONE ? INSTANT_NONE : hour_start(v)})

typedef struct PgParams {
    const PgParam *items;
    size_t count;
} PgParams;
#define PG_PARAMS(...)                                                                                                 \
    ((PgParams){(const PgParam[]){pg_null() __VA_OPT__(, ) __VA_ARGS__} + 1,                                           \
                sizeof((const PgParam[]){pg_null() __VA_OPT__(, ) __VA_ARGS__}) / sizeof(PgParam) - 1})

/* Runs a statement. Parameters are sent in binary and their types fixed by kind (bigint, float8, text, bytea, boolean,
 * timestamptz), results come in binary. `ret_result` may be NULL; else the caller clears it (PG_RESULT_SCOPED).
 * At most 64 parameters. Codes: CONFLICT for unique violations, serialization failures and deadlocks, UNPROCESSABLE for
 * other constraint violations, values that do not fit and what a trigger refuses, UNAVAILABLE for lost connections and
 * a server that is full or no longer the primary, DEADLINE for time-outs, INTERNAL for bad SQL. */
bool pg_run(PgConnection *connection, const PgStatement *statement, PgParams params, PGresult **ret_result,
            Error *err) MUST_CHECK;
/* As pg_run, of SQL put together at run time: not prepared. */
bool pg_query(PgConnection *connection, const char *sql, PgParams params, PGresult **ret_result, Error *err) MUST_CHECK;
/* Simple protocol, no parameters, several statements allowed: DDL, SET, savepoints. */
bool pg_command(PgConnection *connection, const char *sql, Error *err) MUST_CHECK;

bool pg_begin(PgConnection *connection, Error *err) MUST_CHECK;
bool pg_commit(PgConnection *connection, Error *err) MUST_CHECK;
void pg_rollback(PgConnection *connection);

/* Binary columns of a result by position; numeric, date and timestamp without zone are to be cast in the SQL. A column
 * of another type is a bug (assert). */
bool pg_is_null(const PGresult *result, int row, int column);
int64_t pg_get_int(const PGresult *result, int row, int column); /* bigint, integer, smallint, oid; 0 when null */
double pg_get_real(const PGresult *result, int row, int column); /* float8, float4; NAN when null */
/* Text types, enums, json, jsonb; NULL when null; lives as long as the result. */
const char *pg_get_text(const PGresult *result, int row, int column);
bool pg_get_bool(const PGresult *result, int row, int column);       /* false when null */
Instant pg_get_instant(const PGresult *result, int row, int column); /* timestamptz; INSTANT_NONE when null */
Hour pg_get_hour(const PGresult *result, int row, int column);       /* of a timestamptz; HOUR_NONE when null */
/* bytea; NULL when null. */
const void *pg_get_bytes(const PGresult *result, int row, int column, size_t *ret_length_bytes);

void pg_result_cleanup(PGresult **result);
#define PG_RESULT_SCOPED __attribute__((cleanup(pg_result_cleanup)))

/* COPY <target> FROM STDIN (FORMAT binary). Fields must come in column order and have the column's own binary type (no
 * casts). Rows are buffered (32 KiB: the server works on them while the next ones are made) and sent; the error, if
 * any, is reported by pg_copy_end(). Text with a NUL or broken UTF-8 fails the whole COPY: check it before. */
typedef struct PgCopy PgCopy;
bool pg_copy_begin(PgConnection *connection, const char *target_with_columns, PgCopy **ret_copy, Error *err) MUST_CHECK;
void pg_copy_row(PgCopy *copy, int16_t fields);
void pg_copy_null(PgCopy *copy);
void pg_copy_int2(PgCopy *copy, int16_t value);
void pg_copy_int4(PgCopy *copy, int32_t value);
void pg_copy_int8(PgCopy *copy, int64_t value);
void pg_copy_float8(PgCopy *copy, double value);
void pg_copy_bool(PgCopy *copy, bool value);
void pg_copy_instant(PgCopy *copy, Instant value); /* INSTANT_NONE: null */
void pg_copy_text(PgCopy *copy, const char *text); /* NULL: null */
void pg_copy_text_n(PgCopy *copy, const char *text, size_t length_bytes);
void pg_copy_bytes(PgCopy *copy, const void *data, size_t length_bytes);
/* Ends the COPY and frees it; *ret_rows (may be NULL) is how many rows came. With `abandon` it is broken off, also in
 * the middle of a row: the transaction is then to be rolled back. */
bool pg_copy_end(PgCopy *copy, bool abandon, int64_t *ret_rows, Error *err) MUST_CHECK;

/* Rows of a large query, fetched in chunks of a server-side cursor inside the open transaction, memory bounded.
 * `visit` returns false to stop with its error. */
bool pg_each(PgConnection *connection, const PgStatement *statement, PgParams params,
             bool (*visit)(void *context, const PGresult *rows, Error *err), void *context, Error *err) MUST_CHECK;

/* The raw handle, for what this header does not cover (LISTEN, replication). */
PGconn *pg_handle(PgConnection *connection);
