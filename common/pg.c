#include "common/pg.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/clock.h"
#include "common/deadline.h"
#include "common/pg_internal.h"

enum {
    CONNECT_TIMEOUT_MS = 3000,
    STATEMENT_TIMEOUT_MS = 30000,
    STALE_READS_MAX = 8, /* when looking whether an idle connection is still alive */
};

struct PgPool {
    char *conninfo, *application_name;
    unsigned size;
    int connect_timeout_ms, statement_timeout_ms;
    FreeList free;
    PgConnection *connections;
};

PgPool *pg_pool_new(const PgPoolOptions *options)
{
    assert(options->size > 0);
    PgPool *pool = calloc(1, sizeof *pool);
    PgConnection *connections = calloc(options->size, sizeof *connections);
    char *conninfo = strdup(options->conninfo), *application_name = strdup(options->application_name);
    if (pool == NULL || connections == NULL || conninfo == NULL || application_name == NULL)
        abort();
    *pool = (PgPool){
        .conninfo = conninfo,
        .application_name = application_name,
        .size = options->size,
        .connect_timeout_ms = options->connect_timeout_ms > 0 ? options->connect_timeout_ms : CONNECT_TIMEOUT_MS,
        .statement_timeout_ms =
            options->statement_timeout_ms > 0 ? options->statement_timeout_ms : STATEMENT_TIMEOUT_MS,
        .connections = connections,
    };
    free_list_init(&pool->free);
    for (unsigned i = 0; i < pool->size; i++) {
        connections[i].pool = pool;
        free_list_add(&pool->free, &connections[i].item);
    }
    return pool;
}

static void disconnect(PgConnection *connection)
{
    PQfinish(connection->handle);
    connection->handle = NULL;
    connection->broken = false;
    connection->cursors = 0;
    connection->prepared_count = 0;
}

void pg_pool_free(PgPool *pool)
{
    if (pool == NULL)
        return;
    for (unsigned i = 0; i < pool->size; i++)
        disconnect(&pool->connections[i]);
    free_list_fini(&pool->free);
    free(pool->connections);
    free(pool->application_name);
    free(pool->conninfo);
    free(pool);
}

int64_t pg_deadline(const PgConnection *connection)
{
    return clock_monotonic_ms() + connection->timeout_ms + PG_GRACE_MS;
}

/* libpq ends its messages with a line feed and may spread them over lines. */
static bool fail_handle(PGconn *handle, const char *what, Error *err)
{
    char line[400];
    snprintf(line, sizeof line, "%s", PQerrorMessage(handle));
    size_t length = strlen(line);
    while (length > 0 && line[length - 1] == '\n')
        line[--length] = '\0';
    for (size_t i = 0; i < length; i++)
        if (line[i] == '\n')
            line[i] = ' ';
    return error_set(err, ERROR_UNAVAILABLE, "Postgres: %s: %s", what, length > 0 ? line : "connection lost");
}

/* Waits for the socket; false at the deadline. */
static bool wait_for(PGconn *handle, short events, int64_t deadline_ms, short *ret_events)
{
    for (;;) {
        int64_t left_ms = deadline_ms - clock_monotonic_ms();
        struct pollfd waited = {.fd = PQsocket(handle), .events = events};
        int ready = poll(&waited, 1, left_ms > 0 ? (int)left_ms : 0);
        if (ready > 0) {
            *ret_events = waited.revents;
            return true;
        }
        if (ready < 0 && errno != EINTR)
            return false;
        if (left_ms <= 0)
            return false;
    }
}

static void drop_notice(void *context, const PGresult *notice)
{
    (void)context;
    (void)notice;
}

static bool start_connecting(PgConnection *connection, int64_t deadline_ms, Error *err)
{
    const PgPool *pool = connection->pool;
    const struct {
        const char *name, *value;
    } settings[] = {
        {"dbname", pool->conninfo},    {"application_name", pool->application_name},
        {"client_encoding", "UTF8"},   {"keepalives_idle", "30"},
        {"keepalives_interval", "10"}, {"keepalives_count", "3"},
        {"tcp_user_timeout", "30000"}, {NULL, NULL},
    };
    const char *names[sizeof settings / sizeof settings[0]], *values[sizeof settings / sizeof settings[0]];
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        names[i] = settings[i].name;
        values[i] = settings[i].value;
    }
    connection->handle = PQconnectStartParams(names, values, 1);
    if (connection->handle == NULL)
        abort();
    if (PQstatus(connection->handle) == CONNECTION_BAD)
        return fail_handle(connection->handle, "can't connect", err);
    for (PostgresPollingStatusType state = PGRES_POLLING_WRITING; state != PGRES_POLLING_OK;
         state = PQconnectPoll(connection->handle)) {
        short events;
        if (state == PGRES_POLLING_FAILED)
            return fail_handle(connection->handle, "can't connect", err);
        if (!wait_for(connection->handle, state == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline_ms, &events))
            return error_set(err, ERROR_UNAVAILABLE, "Postgres: no connection within %d ms", pool->connect_timeout_ms);
    }
    return true;
}

static bool set_timeout(PgConnection *connection, int timeout_ms, Error *err)
{
    char sql[64];
    snprintf(sql, sizeof sql, "SET statement_timeout = %d", timeout_ms);
    if (timeout_ms > connection->timeout_ms)
        connection->timeout_ms = timeout_ms;
    if (!pg_command(connection, sql, err))
        return false;
    connection->timeout_ms = timeout_ms;
    return true;
}

static bool reconnect(PgConnection *connection, int64_t deadline_ms, Error *err)
{
    const PgPool *pool = connection->pool;
    int64_t connect_by_ms = clock_monotonic_ms() + pool->connect_timeout_ms;
    if (!start_connecting(connection, connect_by_ms < deadline_ms ? connect_by_ms : deadline_ms, err))
        return false;
    PQsetNoticeReceiver(connection->handle, drop_notice, NULL);
    if (PQsetnonblocking(connection->handle, 1) != 0)
        return fail_handle(connection->handle, "can't connect", err);
    connection->timeout_ms = pool->connect_timeout_ms;
    /* By SET and not as start-up options: those of the connection string stay, and poolers refuse them. */
    return pg_command(connection, "SET TIME ZONE 'UTC'", err) &&
           set_timeout(connection, pool->statement_timeout_ms, err);
}

/* An idle connection has nothing to read but notices, or the server's good-bye. */
static bool is_alive(PgConnection *connection)
{
    if (connection->handle == NULL || PQstatus(connection->handle) != CONNECTION_OK)
        return false;
    short events;
    for (int reads = 0; wait_for(connection->handle, POLLIN, 0, &events); reads++)
        if (reads == STALE_READS_MAX || PQconsumeInput(connection->handle) == 0)
            return false;
    return true;
}

bool pg_acquire(PgPool *pool, int deadline_ms, PgConnection **ret_connection, Error *err)
{
    int64_t until_ms = clock_monotonic_ms() + deadline_ms;
    PgConnection *connection = (PgConnection *)free_list_take(&pool->free, until_ms);
    if (connection == NULL)
        return error_set(err, ERROR_OVERLOADED, "all %u connections to Postgres were in use for %d ms", pool->size,
                         deadline_ms);
    if (!is_alive(connection)) {
        disconnect(connection);
        if (!reconnect(connection, until_ms, err)) {
            disconnect(connection);
            free_list_give_back(&pool->free, &connection->item);
            return false;
        }
    }
    *ret_connection = connection;
    return true;
}

void pg_release(PgConnection *connection)
{
    if (connection == NULL)
        return;
    if (!connection->broken && PQtransactionStatus(connection->handle) != PQTRANS_IDLE)
        pg_rollback(connection);
    connection->cursors = 0;
    int timeout_ms = connection->pool->statement_timeout_ms;
    if (!connection->broken && connection->timeout_ms != timeout_ms && !set_timeout(connection, timeout_ms, NULL))
        connection->broken = true;
    if (connection->broken || PQstatus(connection->handle) != CONNECTION_OK)
        disconnect(connection);
    free_list_give_back(&connection->pool->free, &connection->item);
}

void pg_discard(PgConnection *connection)
{
    connection->broken = true;
}

void pg_release_cleanup(PgConnection **connection)
{
    pg_release(*connection);
}

bool pg_set_timeout(PgConnection *connection, int timeout_ms, Error *err)
{
    assert(timeout_ms > 0);
    return set_timeout(connection, timeout_ms, err);
}

bool pg_flush(PgConnection *connection, int64_t deadline_ms, Error *err)
{
    for (int left; (left = PQflush(connection->handle)) != 0;) {
        short events = 0;
        if (left > 0 && !wait_for(connection->handle, POLLIN | POLLOUT, deadline_ms, &events)) {
            connection->broken = true;
            return error_set(err, ERROR_DEADLINE, "Postgres took no data for %d ms", connection->timeout_ms);
        }
        if (left < 0 || ((events & POLLIN) != 0 && PQconsumeInput(connection->handle) == 0)) {
            connection->broken = true;
            return fail_handle(connection->handle, "sending failed", err);
        }
    }
    return true;
}

/* The next result, NULL after the last. */
static bool next_result(PgConnection *connection, int64_t deadline_ms, PGresult **ret_result, Error *err)
{
    while (PQisBusy(connection->handle)) {
        short events;
        if (!wait_for(connection->handle, POLLIN, deadline_ms, &events)) {
            connection->broken = true;
            return error_set(err, ERROR_DEADLINE, "Postgres did not answer within %d ms",
                             connection->timeout_ms + PG_GRACE_MS);
        }
        if (PQconsumeInput(connection->handle) == 0) {
            connection->broken = true;
            return fail_handle(connection->handle, "connection lost", err);
        }
    }
    *ret_result = PQgetResult(connection->handle);
    return true;
}

/* SQLSTATE or its class -> how it is reported. The first row that is a prefix counts. */
static const struct {
    const char *state;
    ErrorCode code;
    bool drop; /* the connection is of no use any more */
} states[] = {
    {"23505", ERROR_CONFLICT, false},   /* unique_violation */
    {"23P01", ERROR_CONFLICT, false},   /* exclusion_violation */
    {"40001", ERROR_CONFLICT, false},   /* serialization_failure */
    {"40P01", ERROR_CONFLICT, false},   /* deadlock_detected */
    {"23", ERROR_UNPROCESSABLE, false}, /* other integrity constraints */
    {"22", ERROR_UNPROCESSABLE, false}, /* data exceptions */
    {"P0", ERROR_UNPROCESSABLE, false}, /* a trigger or function refuses it */
    {"54", ERROR_UNPROCESSABLE, false}, /* larger than Postgres can take */
    {"57014", ERROR_DEADLINE, false},   /* query_canceled: statement_timeout */
    {"55P03", ERROR_DEADLINE, false},   /* lock_not_available: lock_timeout */
    {"57P", ERROR_UNAVAILABLE, true},   /* shutting down, starting up */
    {"25006", ERROR_UNAVAILABLE, true}, /* read_only_sql_transaction: no longer the primary */
    {"26000", ERROR_UNAVAILABLE, true}, /* a pooler gave us another session: prepared statements are gone */
    {"25P03", ERROR_UNAVAILABLE, true}, /* idle_in_transaction_session_timeout */
    {"08", ERROR_UNAVAILABLE, true},    /* connection exceptions */
    {"53", ERROR_UNAVAILABLE, false},   /* insufficient resources */
    {"58", ERROR_UNAVAILABLE, false},   /* system errors */
};

static bool fail_result(PgConnection *connection, const PGresult *result, Error *err)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    const char *function = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);
    if (state == NULL || message == NULL) {
        connection->broken = true;
        return fail_handle(connection->handle, "connection lost", err);
    }
    if (detail != NULL && strncmp(detail, "Failing row", strlen("Failing row")) == 0)
        detail = NULL; /* its values are nobody's business */
    ErrorCode code = ERROR_INTERNAL;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (strncmp(state, states[i].state, strlen(states[i].state)) == 0) {
            code = states[i].code;
            connection->broken = connection->broken || states[i].drop;
            break;
        }
    if (function != NULL && strcmp(function, "RevalidateCachedQuery") == 0) {
        code =
            ERROR_UNAVAILABLE; /* the schema changed under a prepared statement: a new connection prepares it again */
        connection->broken = true;
    }
    return error_set(err, code, "Postgres: %s%s%.300s%s%s (SQLSTATE %s)", message, detail == NULL ? "" : "; ",
                     detail == NULL ? "" : detail, constraint == NULL ? "" : "; constraint ",
                     constraint == NULL ? "" : constraint, state);
}

bool pg_collect(PgConnection *connection, PGresult **ret_result, Error *err)
{
    int64_t deadline_ms = pg_deadline(connection);
    PG_RESULT_SCOPED PGresult *last = NULL;
    bool ok = pg_flush(connection, deadline_ms, err);
    for (PGresult *result = NULL; ok || !connection->broken; result = NULL) {
        if (!next_result(connection, deadline_ms, &result, ok ? err : NULL))
            return false;
        if (result == NULL)
            break;
        ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE)
            ok = ok && fail_result(connection, result, err);
        PQclear(last);
        last = result;
        if (status == PGRES_COPY_IN)
            break;
        assert(status != PGRES_COPY_OUT && status != PGRES_COPY_BOTH);
    }
    if (!ok)
        return false;
    if (ret_result != NULL) {
        *ret_result = last;
        last = NULL;
    }
    return true;
}

bool pg_command(PgConnection *connection, const char *sql, Error *err)
{
    if (PQsendQuery(connection->handle, sql) == 0) {
        connection->broken = true;
        return fail_handle(connection->handle, "can't send", err);
    }
    return pg_collect(connection, NULL, err);
}

bool pg_begin(PgConnection *connection, Error *err)
{
    return pg_command(connection, "BEGIN", err);
}

bool pg_commit(PgConnection *connection, Error *err)
{
    PG_RESULT_SCOPED PGresult *result = NULL;
    if (PQsendQuery(connection->handle, "COMMIT") == 0) {
        connection->broken = true;
        return fail_handle(connection->handle, "can't send", err);
    }
    if (!pg_collect(connection, &result, err))
        return false;
    /* Postgres answers the COMMIT of a failed transaction without an error. */
    if (result == NULL || strcmp(PQcmdStatus(result), "COMMIT") != 0)
        return error_set(err, ERROR_INTERNAL, "Postgres rolled the transaction back: an earlier statement had failed");
    return true;
}

void pg_rollback(PgConnection *connection)
{
    PGTransactionStatusType status = PQtransactionStatus(connection->handle);
    if (status == PQTRANS_IDLE)
        return;
    if (status == PQTRANS_ACTIVE || status == PQTRANS_UNKNOWN || !pg_command(connection, "ROLLBACK", NULL))
        connection->broken = true;
}

PGconn *pg_handle(PgConnection *connection)
{
    return connection->handle;
}
