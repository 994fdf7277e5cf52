#include "services/ingest/sql_source/source_connection.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/clock.h"

/* One form of every value. Statements end by themselves where the client's wait would end too. */
static const char session_settings[] =
    "SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC'; SET extra_float_digits = 3;"
    "SET bytea_output = 'hex'; SET standard_conforming_strings = on; SET search_path = pg_catalog;"
    "SET statement_timeout = '900s'; SET wal_sender_timeout = '60s'";

/* SQLSTATE -> how it is reported; others are UPSTREAM. */
static const struct {
    const char *state;
    ErrorCode code;
} states[] = {
    {"42501", ERROR_FORBIDDEN}, {"28", ERROR_UNAVAILABLE},    {"42704", ERROR_NOT_FOUND}, {"42P01", ERROR_NOT_FOUND},
    {"42710", ERROR_CONFLICT},  {"55006", ERROR_CONFLICT},    {"57014", ERROR_DEADLINE},  {"57P", ERROR_UNAVAILABLE},
    {"08", ERROR_UNAVAILABLE},  {"53300", ERROR_UNAVAILABLE},
};

bool source_fail(SourceConnection *connection, const char *what, Error *err)
{
    char line[400];
    connection->state[0] = '\0';
    snprintf(line, sizeof line, "%s", PQerrorMessage(connection->handle));
    size_t length = strlen(line);
    while (length > 0 && line[length - 1] == '\n')
        line[--length] = '\0';
    for (size_t i = 0; i < length; i++)
        if (line[i] == '\n')
            line[i] = ' ';
    return error_set(err, ERROR_UNAVAILABLE, "source: %s: %s", what, length > 0 ? line : "connection lost");
}

bool source_connect(SourceConnection *connection, const char *conninfo, bool replication, Error *err)
{
    char timeout[12];
    snprintf(timeout, sizeof timeout, "%d", SOURCE_CONNECT_TIMEOUT_S);
    const char *names[] = {"dbname",
                           "application_name",
                           "client_encoding",
                           "connect_timeout",
                           "keepalives_idle",
                           "keepalives_interval",
                           "keepalives_count",
                           "tcp_user_timeout",
                           replication ? "replication" : NULL,
                           NULL};
    const char *values[] = {conninfo, "rushcast-ingest", "UTF8", timeout, "30", "10", "3", "30000", "database", NULL};
    *connection = (SourceConnection){.handle = PQconnectdbParams(names, values, 1)};
    if (connection->handle == NULL)
        abort();
    return PQstatus(connection->handle) == CONNECTION_OK
               ? source_command(connection, session_settings, SOURCE_QUERY_DEADLINE_MS, NULL, err)
               : source_fail(connection, "can't connect", err);
}

void source_close(SourceConnection *connection)
{
    PQfinish(connection->handle);
    connection->handle = NULL;
}

bool source_poll(SourceConnection *connection, int wait_ms, Error *err)
{
    struct pollfd waited = {.fd = PQsocket(connection->handle), .events = POLLIN};
    if (poll(&waited, 1, wait_ms) < 0 && errno != EINTR)
        return error_set(err, ERROR_UNAVAILABLE, "source: can't wait for the connection: %s", strerror(errno));
    return true;
}

static bool fail_result(SourceConnection *connection, const PGresult *result, Error *err)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (state == NULL || message == NULL)
        return source_fail(connection, "connection lost", err);
    ErrorCode code = ERROR_UPSTREAM;
    for (size_t i = 0; i < sizeof states / sizeof *states && code == ERROR_UPSTREAM; i++)
        if (strncmp(state, states[i].state, strlen(states[i].state)) == 0)
            code = states[i].code;
    snprintf(connection->state, sizeof connection->state, "%s", state);
    return error_set(err, code, "source: %.300s (SQLSTATE %s)", message, state);
}

/* All results of what was sent; *ret_result is the last. */
static bool collect(SourceConnection *connection, int deadline_ms, PGresult **ret_result, Error *err)
{
    int64_t deadline = clock_monotonic_ms() + deadline_ms;
    PG_RESULT_SCOPED PGresult *last = NULL;
    for (;;) {
        while (PQisBusy(connection->handle)) {
            int64_t left_ms = deadline - clock_monotonic_ms();
            if (left_ms <= 0)
                return error_set(err, ERROR_DEADLINE, "source: no answer within %d ms", deadline_ms);
            if (!source_poll(connection, (int)left_ms, err))
                return false;
            if (PQconsumeInput(connection->handle) == 0)
                return source_fail(connection, "connection lost", err);
        }
        PGresult *result = PQgetResult(connection->handle);
        if (result == NULL)
            break;
        PQclear(last);
        last = result;
        ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_COPY_BOTH || status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE)
            break;
    }
    ExecStatusType status = PQresultStatus(last);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_COPY_BOTH) {
        bool ok = fail_result(connection, last, err);
        for (PGresult *rest;
             PQstatus(connection->handle) == CONNECTION_OK && (rest = PQgetResult(connection->handle)) != NULL;)
            PQclear(rest);
        return ok;
    }
    if (ret_result != NULL) {
        *ret_result = last;
        last = NULL;
    }
    return true;
}

bool source_command(SourceConnection *connection, const char *sql, int deadline_ms, PGresult **ret_result, Error *err)
{
    connection->state[0] = '\0';
    if (PQsendQuery(connection->handle, sql) == 0)
        return source_fail(connection, "can't send", err);
    return collect(connection, deadline_ms, ret_result, err);
}

bool source_run(SourceConnection *connection, const PgStatement *statement, const char *const *params, int count,
                PGresult **ret_result, Error *err)
{
    connection->state[0] = '\0';
    if (PQsendQueryParams(connection->handle, statement->sql, count, NULL, params, NULL, NULL, 0) == 0)
        return source_fail(connection, "can't send", err);
    return collect(connection, SOURCE_QUERY_DEADLINE_MS, ret_result, err) || error_prefix(err, "%s", statement->name);
}

const char *source_text(const PGresult *rows, int row, int column)
{
    return PQgetisnull(rows, row, column) ? NULL : PQgetvalue(rows, row, column);
}

bool source_bool(const PGresult *rows, int row, int column)
{
    return PQgetvalue(rows, row, column)[0] == 't';
}

int64_t source_int(const PGresult *rows, int row, int column, int64_t fallback)
{
    return PQgetisnull(rows, row, column) ? fallback : strtoll(PQgetvalue(rows, row, column), NULL, 10);
}
