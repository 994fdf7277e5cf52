#include "common/migrations.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "common/pg_internal.h"

enum {
    SQL_MAX_BYTES = 512,
    SCHEMA_MAX_BYTES = 40,
    MIGRATION_TIMEOUT_MS = 30 * 60 * 1000, /* building an index on a large table, or waiting for another's doing so */
};

/* FNV-1a, 64 bits: finds changes, not forgeries. */
static int64_t checksum(const char *sql)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *sql != '\0'; sql++)
        hash = (hash ^ (unsigned char)*sql) * UINT64_C(0x100000001b3);
    return (int64_t)hash;
}

static bool PRINTF_LIKE(3, 4) command(PgConnection *connection, Error *err, const char *format, ...)
{
    char sql[SQL_MAX_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(sql, sizeof sql, format, args);
    va_end(args);
    return pg_command(connection, sql, err);
}

static bool read_applied(PgConnection *connection, const char *schema, PGresult **ret_applied, Error *err)
{
    char sql[SQL_MAX_BYTES];
    snprintf(sql, sizeof sql, "SELECT name, checksum FROM %s.schema_migration ORDER BY name", schema);
    return pg_query(connection, sql, PG_PARAMS(), ret_applied, err);
}

static const Migration *find(const Migration *migrations, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(migrations[i].name, name) == 0)
            return &migrations[i];
    return NULL;
}

static bool check_applied(const PGresult *applied, const char *schema, const Migration *migrations, size_t count,
                          Error *err)
{
    for (int row = 0; row < PQntuples(applied); row++) {
        const char *name = pg_get_text(applied, row, 0);
        const Migration *migration = find(migrations, count, name);
        if (migration == NULL)
            return error_set(err, ERROR_CONFLICT,
                             "schema %s has migration %s, which this program does not know: the database is newer; "
                             "start the newer program",
                             schema, name);
        if (checksum(migration->sql) != pg_get_int(applied, row, 1))
            return error_set(err, ERROR_CONFLICT,
                             "migration %s of schema %s was changed after it had been applied: take the change back "
                             "and add a new migration",
                             name, schema);
    }
    return true;
}

static bool is_applied(const PGresult *applied, const char *name)
{
    for (int row = 0; row < PQntuples(applied); row++)
        if (strcmp(pg_get_text(applied, row, 0), name) == 0)
            return true;
    return false;
}

static bool apply(PgConnection *connection, const char *schema, const Migration *migration, Error *err)
{
    char sql[SQL_MAX_BYTES];
    snprintf(sql, sizeof sql, "INSERT INTO %s.schema_migration (name, checksum) VALUES ($1, $2)", schema);
    bool ok =
        pg_begin(connection, err) && pg_command(connection, migration->sql, err) &&
        pg_query(connection, sql, PG_PARAMS(pg_text(migration->name), pg_int(checksum(migration->sql))), NULL, err) &&
        pg_commit(connection, err);
    if (!ok)
        pg_rollback(connection);
    return ok || error_prefix(err, "migration %s of schema %s", migration->name, schema);
}

static bool apply_missing(PgConnection *connection, const char *schema, const Migration *migrations, size_t count,
                          size_t *ret_applied, Error *err)
{
    PG_RESULT_SCOPED PGresult *applied = NULL;
    if (!command(connection, err, "CREATE SCHEMA IF NOT EXISTS %s", schema) ||
        !command(connection, err,
                 "CREATE TABLE IF NOT EXISTS %s.schema_migration (name text PRIMARY KEY, checksum bigint NOT NULL, "
                 "applied_at timestamptz NOT NULL DEFAULT now())",
                 schema) ||
        !read_applied(connection, schema, &applied, err) || !check_applied(applied, schema, migrations, count, err))
        return false;
    size_t newly = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_applied(applied, migrations[i].name))
            continue;
        if (!apply(connection, schema, &migrations[i], err))
            return false;
        newly++;
    }
    *ret_applied = newly;
    return true;
}

bool migrations_apply(PgConnection *connection, const char *schema, const Migration *migrations, size_t count,
                      size_t *ret_applied, Error *err)
{
    assert(strlen(schema) <= SCHEMA_MAX_BYTES && strspn(schema, "abcdefghijklmnopqrstuvwxyz_") == strlen(schema));
    if (!pg_set_timeout(connection, MIGRATION_TIMEOUT_MS, err) ||
        !command(connection, err, "SELECT pg_advisory_lock(hashtextextended('schema_migration:%s', 0))", schema))
        return false;
    bool ok = apply_missing(connection, schema, migrations, count, ret_applied, err);
    Error unlocking;
    if (!command(connection, &unlocking, "SELECT pg_advisory_unlock(hashtextextended('schema_migration:%s', 0))",
                 schema) &&
        ok)
        ok = error_set(err, unlocking.code, "%s", unlocking.message);
    return ok;
}
