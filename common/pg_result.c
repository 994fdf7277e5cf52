#include <assert.h>
#include <endian.h>
#include <math.h>
#include <string.h>
#include "common/pg.h"
#include "common/pg_internal.h"

/* Type oids, from Postgres' pg_type.dat. */
enum {
    TYPE_BOOL = 16,
    TYPE_BYTEA = 17,
    TYPE_CHAR = 18,
    TYPE_NAME = 19,
    TYPE_INT8 = 20,
    TYPE_INT2 = 21,
    TYPE_INT4 = 23,
    TYPE_TEXT = 25,
    TYPE_OID = 26,
    TYPE_JSON = 114,
    TYPE_FLOAT4 = 700,
    TYPE_FLOAT8 = 701,
    TYPE_BPCHAR = 1042,
    TYPE_VARCHAR = 1043,
    TYPE_TIMESTAMPTZ = 1184,
    TYPE_JSONB = 3802,
    TYPE_FIRST_OF_USERS = 16384,
};

bool pg_is_null(const PGresult *result, int row, int column)
{
    assert(row >= 0 && row < PQntuples(result) && column >= 0 && column < PQnfields(result));
    return PQgetisnull(result, row, column);
}

/* A wrong type is a mistake in the SQL or in its reader. */
static void need_type(const PGresult *result, int column, bool right)
{
    assert(PQfformat(result, column) == 1 && "columns are binary only in results of pg_run() and pg_each()");
    assert(right && "the column has another type: cast it in the SQL");
}

static uint64_t read_bits(const PGresult *result, int row, int column)
{
    const char *value = PQgetvalue(result, row, column);
    uint16_t bits_2;
    uint32_t bits_4;
    uint64_t bits_8;
    switch (PQgetlength(result, row, column)) {
    case 2:
        memcpy(&bits_2, value, sizeof bits_2);
        return be16toh(bits_2);
    case 4:
        memcpy(&bits_4, value, sizeof bits_4);
        return be32toh(bits_4);
    case 8:
        memcpy(&bits_8, value, sizeof bits_8);
        return be64toh(bits_8);
    }
    __builtin_unreachable();
}

int64_t pg_get_int(const PGresult *result, int row, int column)
{
    if (pg_is_null(result, row, column))
        return 0;
    Oid type = PQftype(result, column);
    need_type(result, column, type == TYPE_INT8 || type == TYPE_INT4 || type == TYPE_INT2 || type == TYPE_OID);
    uint64_t bits = read_bits(result, row, column);
    switch (type) {
    case TYPE_INT2:
        return (int16_t)bits;
    case TYPE_INT4:
        return (int32_t)bits;
    default:
        return (int64_t)bits;
    }
}

double pg_get_real(const PGresult *result, int row, int column)
{
    if (pg_is_null(result, row, column))
        return NAN;
    Oid type = PQftype(result, column);
    need_type(result, column, type == TYPE_FLOAT8 || type == TYPE_FLOAT4);
    uint64_t bits = read_bits(result, row, column);
    if (type == TYPE_FLOAT4) {
        uint32_t bits_4 = (uint32_t)bits;
        float value;
        memcpy(&value, &bits_4, sizeof value);
        return value;
    }
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

const char *pg_get_text(const PGresult *result, int row, int column)
{
    if (pg_is_null(result, row, column))
        return NULL;
    Oid type = PQftype(result, column);
    need_type(result, column,
              type == TYPE_TEXT || type == TYPE_VARCHAR || type == TYPE_BPCHAR || type == TYPE_CHAR ||
                  type == TYPE_NAME || type == TYPE_JSON || type == TYPE_JSONB ||
                  type >= TYPE_FIRST_OF_USERS /* an enum's label */);
    return PQgetvalue(result, row, column) + (type == TYPE_JSONB); /* its first byte is a version */
}

bool pg_get_bool(const PGresult *result, int row, int column)
{
    if (pg_is_null(result, row, column))
        return false;
    need_type(result, column, PQftype(result, column) == TYPE_BOOL);
    return *PQgetvalue(result, row, column) != 0;
}

Instant pg_get_instant(const PGresult *result, int row, int column)
{
    if (pg_is_null(result, row, column))
        return INSTANT_NONE;
    need_type(result, column, PQftype(result, column) == TYPE_TIMESTAMPTZ);
    Instant instant;
    if (__builtin_add_overflow((int64_t)read_bits(result, row, column), PG_EPOCH, &instant))
        return INT64_MAX; /* infinity */
    return instant;
}

Hour pg_get_hour(const PGresult *result, int row, int column)
{
    return pg_is_null(result, row, column) ? HOUR_NONE : hour_of(pg_get_instant(result, row, column));
}

const void *pg_get_bytes(const PGresult *result, int row, int column, size_t *ret_length_bytes)
{
    *ret_length_bytes = 0;
    if (pg_is_null(result, row, column))
        return NULL;
    need_type(result, column, PQftype(result, column) == TYPE_BYTEA);
    *ret_length_bytes = (size_t)PQgetlength(result, row, column);
    return PQgetvalue(result, row, column);
}

void pg_result_cleanup(PGresult **result)
{
    PQclear(*result);
}
