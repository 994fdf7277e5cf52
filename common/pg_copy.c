#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/pg.h"
#include "common/pg_internal.h"

enum { BUFFER_BYTES = 32 << 10 };

struct PgCopy {
    PgConnection *connection;
    size_t used_bytes;
    int fields_left; /* of the current row */
    bool failed;
    Error failure;
    char buffer[BUFFER_BYTES];
};

bool pg_copy_begin(PgConnection *connection, const char *target_with_columns, PgCopy **ret_copy, Error *err)
{
    /* Signature, flags, length of the header's extension: "Binary Format" in the manual's page on COPY. */
    static const char header[] = "PGCOPY\n\377\r\n\0"
                                 "\0\0\0\0"
                                 "\0\0\0";
    char *sql;
    PG_RESULT_SCOPED PGresult *result = NULL;
    if (asprintf(&sql, "COPY %s FROM STDIN (FORMAT binary)", target_with_columns) < 0)
        abort();
    bool sent = PQsendQuery(connection->handle, sql) != 0;
    free(sql);
    if (!sent) {
        connection->broken = true;
        return error_set(err, ERROR_UNAVAILABLE, "Postgres: can't send: %.300s", PQerrorMessage(connection->handle));
    }
    if (!pg_collect(connection, &result, err))
        return error_prefix(err, "COPY %s", target_with_columns);
    assert(PQresultStatus(result) == PGRES_COPY_IN);
    PgCopy *copy = malloc(sizeof *copy);
    if (copy == NULL)
        abort();
    copy->connection = connection;
    copy->fields_left = 0;
    copy->failed = false;
    copy->used_bytes = sizeof header;
    memcpy(copy->buffer, header, sizeof header);
    *ret_copy = copy;
    return true;
}

/* Queues the bytes and waits until they are with the kernel, so that libpq's own buffer stays small. */
static void send_bytes(PgCopy *copy, const void *data, size_t length_bytes)
{
    int64_t deadline_ms = pg_deadline(copy->connection);
    while (!copy->failed && length_bytes > 0) {
        int part = length_bytes < BUFFER_BYTES ? (int)length_bytes : BUFFER_BYTES;
        int queued = PQputCopyData(copy->connection->handle, data, part);
        if (queued < 0) {
            copy->connection->broken = true;
            copy->failed = !error_set(&copy->failure, ERROR_UNAVAILABLE, "Postgres: COPY broke off: %.300s",
                                      PQerrorMessage(copy->connection->handle));
            return;
        }
        copy->failed = !pg_flush(copy->connection, deadline_ms, &copy->failure);
        if (queued > 0) {
            data = (const char *)data + part;
            length_bytes -= (size_t)part;
        }
    }
}

static void append(PgCopy *copy, const void *data, size_t length_bytes)
{
    if (copy->used_bytes + length_bytes > BUFFER_BYTES) {
        send_bytes(copy, copy->buffer, copy->used_bytes);
        copy->used_bytes = 0;
    }
    if (length_bytes > BUFFER_BYTES) {
        send_bytes(copy, data, length_bytes);
        return;
    }
    memcpy(copy->buffer + copy->used_bytes, data, length_bytes);
    copy->used_bytes += length_bytes;
}

void pg_copy_row(PgCopy *copy, int16_t fields)
{
    assert(copy->fields_left == 0);
    uint16_t bits = htobe16((uint16_t)fields);
    copy->fields_left = fields;
    append(copy, &bits, sizeof bits);
}

static void field(PgCopy *copy, const void *data, int32_t length_bytes)
{
    assert(copy->fields_left > 0);
    copy->fields_left--;
    uint32_t bits = htobe32((uint32_t)length_bytes);
    append(copy, &bits, sizeof bits);
    if (length_bytes > 0)
        append(copy, data, (size_t)length_bytes);
}

void pg_copy_null(PgCopy *copy)
{
    field(copy, NULL, -1);
}

void pg_copy_int2(PgCopy *copy, int16_t value)
{
    uint16_t bits = htobe16((uint16_t)value);
    field(copy, &bits, sizeof bits);
}

void pg_copy_int4(PgCopy *copy, int32_t value)
{
    uint32_t bits = htobe32((uint32_t)value);
    field(copy, &bits, sizeof bits);
}

void pg_copy_int8(PgCopy *copy, int64_t value)
{
    uint64_t bits = htobe64((uint64_t)value);
    field(copy, &bits, sizeof bits);
}

void pg_copy_float8(PgCopy *copy, double value)
{
    int64_t bits;
    memcpy(&bits, &value, sizeof bits);
    pg_copy_int8(copy, bits);
}

void pg_copy_bool(PgCopy *copy, bool value)
{
    char byte = value;
    field(copy, &byte, 1);
}

void pg_copy_instant(PgCopy *copy, Instant value)
{
    if (value == INSTANT_NONE)
        pg_copy_null(copy);
    else
        pg_copy_int8(copy, value - PG_EPOCH);
}

void pg_copy_text(PgCopy *copy, const char *text)
{
    pg_copy_bytes(copy, text, text == NULL ? 0 : strlen(text));
}

void pg_copy_text_n(PgCopy *copy, const char *text, size_t length_bytes)
{
    pg_copy_bytes(copy, text, length_bytes);
}

void pg_copy_bytes(PgCopy *copy, const void *data, size_t length_bytes)
{
    assert(length_bytes <= INT32_MAX);
    if (data == NULL)
        pg_copy_null(copy);
    else
        field(copy, data, (int32_t)length_bytes);
}

/* Ends the COPY on the connection; the server's verdict is the last result. */
static bool end_copy(PgCopy *copy, bool abandon, int64_t *ret_rows, Error *err)
{
    PgConnection *connection = copy->connection;
    PG_RESULT_SCOPED PGresult *result = NULL;
    while (!connection->broken) {
        int queued = PQputCopyEnd(connection->handle, abandon ? "abandoned" : NULL);
        if (queued > 0)
            break;
        if (queued < 0)
            connection->broken = true;
        else if (!pg_flush(connection, pg_deadline(connection), err))
            return false;
    }
    if (connection->broken)
        return error_set(err, ERROR_UNAVAILABLE, "Postgres: COPY broke off: connection lost");
    if (!pg_collect(connection, &result, err))
        return false;
    *ret_rows = strtoll(PQcmdTuples(result), NULL, 10);
    return true;
}

bool pg_copy_end(PgCopy *copy, bool abandon, int64_t *ret_rows, Error *err)
{
    static const char trailer[] = {'\377', '\377'};
    if (!abandon) {
        assert(copy->fields_left == 0);
        append(copy, trailer, sizeof trailer);
        send_bytes(copy, copy->buffer, copy->used_bytes);
    }
    int64_t rows = 0;
    bool ok;
    if (abandon) {
        /* Postgres reports what we asked for as an error, and the transaction is to be rolled back. */
        ok = end_copy(copy, true, &rows, NULL) || !copy->connection->broken ||
             error_set(err, ERROR_UNAVAILABLE, "Postgres: connection lost");
        rows = 0;
    } else {
        ok = !copy->failed;
        if (copy->failed && err != NULL)
            *err = copy->failure;
        ok = ok && end_copy(copy, false, &rows, err);
    }
    if (ok && ret_rows != NULL)
        *ret_rows = rows;
    free(copy);
    return ok;
}
