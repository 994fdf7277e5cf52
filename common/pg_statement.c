#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/pg.h"
#include "common/pg_internal.h"

enum { EACH_ROWS = 5000 }; /* fetched at a time */

/* Type oid by PgParam.kind, from Postgres' pg_type.dat. */
static const Oid param_types[] = {
    [PG_NULL] = 0, [PG_INT] = 20, [PG_REAL] = 701, [PG_TEXT] = 25, [PG_BYTES] = 17, [PG_BOOL] = 16, [PG_INSTANT] = 1184,
};

/* Parameters as libpq takes them. */
typedef struct BoundParams {
    Oid types[PG_PARAMS_MAX];
    const char *values[PG_PARAMS_MAX];
    int lengths[PG_PARAMS_MAX];
    int formats[PG_PARAMS_MAX];
    uint64_t numbers[PG_PARAMS_MAX]; /* in network order */
    char booleans[PG_PARAMS_MAX];
    uint64_t kinds; /* FNV-1a of the kinds */
} BoundParams;

static void bind_number(BoundParams *bound, size_t i, uint64_t bits)
{
    bound->numbers[i] = htobe64(bits);
    bound->values[i] = (const char *)&bound->numbers[i];
    bound->lengths[i] = sizeof bound->numbers[i];
}

static void bind(BoundParams *bound, PgParams params)
{
    assert(params.count <= PG_PARAMS_MAX);
    bound->kinds = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < params.count; i++) {
        const PgParam *param = &params.items[i];
        bound->types[i] = param_types[param->kind];
        bound->values[i] = NULL;
        bound->lengths[i] = 0;
        bound->formats[i] = 1;
        bound->kinds = (bound->kinds ^ param->kind) * UINT64_C(0x100000001b3);
        switch (param->kind) {
        case PG_NULL:
            break;
        case PG_INT:
            bind_number(bound, i, (uint64_t)param->integer);
            break;
        case PG_REAL: {
            uint64_t bits;
            memcpy(&bits, &param->real, sizeof bits);
            bind_number(bound, i, bits);
            break;
        }
        case PG_TEXT:
            bound->values[i] = param->text;
            bound->lengths[i] = param->text == NULL ? 0 : (int)strlen(param->text);
            break;
        case PG_BYTES:
            bound->values[i] = param->bytes;
            bound->lengths[i] = (int)param->length_bytes;
            break;
        case PG_BOOL:
            bound->booleans[i] = param->boolean;
            bound->values[i] = &bound->booleans[i];
            bound->lengths[i] = 1;
            break;
        case PG_INSTANT:
            if (param->instant != INSTANT_NONE)
                bind_number(bound, i, (uint64_t)(param->instant - PG_EPOCH));
            break;
        }
    }
}

/* libpq refuses to send only on a lost connection. */
static bool fail_send(PgConnection *connection, Error *err)
{
    connection->broken = true;
    return error_set(err, ERROR_UNAVAILABLE, "Postgres: can't send: %.300s", PQerrorMessage(connection->handle));
}

/* Name under which the statement is prepared on this connection, after preparing it if it was not. */
static bool prepare(PgConnection *connection, const PgStatement *statement, const BoundParams *bound, size_t count,
                    char name[64], Error *err)
{
    size_t number = 0;
    while (number < connection->prepared_count &&
           (connection->prepared[number].sql != statement->sql || connection->prepared[number].kinds != bound->kinds))
        number++;
    snprintf(name, 64, "%zu_%.50s", number, statement->name);
    if (number < connection->prepared_count)
        return true;
    assert(number < PG_PREPARED_MAX);
    if (PQsendPrepare(connection->handle, name, statement->sql, (int)count, bound->types) == 0)
        return fail_send(connection, err);
    if (!pg_collect(connection, NULL, err))
        return false;
    connection->prepared[connection->prepared_count++] = (PgPrepared){.sql = statement->sql, .kinds = bound->kinds};
    return true;
}

bool pg_run(PgConnection *connection, const PgStatement *statement, PgParams params, PGresult **ret_result, Error *err)
{
    BoundParams bound;
    char name[64];
    bind(&bound, params);
    if (!prepare(connection, statement, &bound, params.count, name, err))
        return error_prefix(err, "%s", statement->name);
    if (PQsendQueryPrepared(connection->handle, name, (int)params.count, bound.values, bound.lengths, bound.formats,
                            1) == 0)
        return fail_send(connection, err);
    return pg_collect(connection, ret_result, err) || error_prefix(err, "%s", statement->name);
}

bool pg_query(PgConnection *connection, const char *sql, PgParams params, PGresult **ret_result, Error *err)
{
    BoundParams bound;
    bind(&bound, params);
    if (PQsendQueryParams(connection->handle, sql, (int)params.count, bound.types, bound.values, bound.lengths,
                          bound.formats, 1) == 0)
        return fail_send(connection, err);
    return pg_collect(connection, ret_result, err);
}

static bool fetch_all(PgConnection *connection, const char *fetch,
                      bool (*visit)(void *context, const PGresult *rows, Error *err), void *context, Error *err)
{
    for (;;) {
        PG_RESULT_SCOPED PGresult *rows = NULL;
        if (!pg_query(connection, fetch, PG_PARAMS(), &rows, err))
            return false;
        if (PQntuples(rows) > 0 && !visit(context, rows, err))
            return false;
        if (PQntuples(rows) < EACH_ROWS)
            return true;
    }
}

bool pg_each(PgConnection *connection, const PgStatement *statement, PgParams params,
             bool (*visit)(void *context, const PGresult *rows, Error *err), void *context, Error *err)
{
    assert(PQtransactionStatus(connection->handle) == PQTRANS_INTRANS);
    char declare[64], fetch[64], close[64];
    unsigned number = connection->cursors++;
    snprintf(declare, sizeof declare, "DECLARE each_%u NO SCROLL CURSOR FOR ", number);
    snprintf(fetch, sizeof fetch, "FETCH %d FROM each_%u", EACH_ROWS, number);
    snprintf(close, sizeof close, "CLOSE each_%u", number);
    char *sql;
    if (asprintf(&sql, "%s%s", declare, statement->sql) < 0)
        abort();
    bool ok = pg_query(connection, sql, params, NULL, err) || error_prefix(err, "%s", statement->name);
    free(sql);
    if (ok) {
        ok = fetch_all(connection, fetch, visit, context, err);
        /* After a failure of the visitor alone the transaction may go on. */
        bool closed = PQtransactionStatus(connection->handle) != PQTRANS_INTRANS ||
                      pg_command(connection, close, ok ? err : NULL);
        ok = ok && closed;
    }
    connection->cursors--;
    return ok;
}
