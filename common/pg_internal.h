/* What the pg_*.c files share. */
#pragma once

#include "common/free_list.h"
#include "common/pg.h"

enum {
    PG_PREPARED_MAX = 1024, /* statements prepared on one connection */
    PG_PARAMS_MAX = 64,
    PG_GRACE_MS = 2000, /* how much longer than the server the client waits */
};

/* Microseconds from 1970-01-01 to 2000-01-01, where Postgres' timestamps begin. */
#define PG_EPOCH (INT64_C(946684800) * INSTANT_PER_SECOND)

/* A statement prepared on a connection with parameters of given kinds. */
typedef struct PgPrepared {
    const char *sql; /* by reference: statements are static */
    uint64_t kinds;
} PgPrepared;

struct PgConnection {
    FreeItem item; /* in the list of free ones */
    PgPool *pool;
    PGconn *handle;   /* NULL: not connected */
    int timeout_ms;   /* of a statement */
    bool broken;      /* closed when it is given back */
    unsigned cursors; /* open in pg_each */
    size_t prepared_count;
    PgPrepared prepared[PG_PREPARED_MAX];
};

/* Connection without its pool: pg.c. Deadlines are clock_monotonic_ms() times. */
int64_t pg_deadline(const PgConnection *connection);
/* Waits until everything queued was sent. */
bool pg_flush(PgConnection *connection, int64_t deadline_ms, Error *err) MUST_CHECK;
/* Waits for the results of what was sent; *ret_result is the last one (the first that failed makes the error), or
 * PGRES_COPY_IN. */
bool pg_collect(PgConnection *connection, PGresult **ret_result, Error *err) MUST_CHECK;
