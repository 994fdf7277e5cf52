/* Forward-only, numbered, checksummed schema changes, applied under an advisory lock and noted in
 * <schema>.schema_migration. */
#pragma once

#include "common/pg.h"

typedef struct Migration {
    const char *name; /* "0001_order_events" */
    const char *sql;
} Migration;

/* Creates the schema if it is not there and applies what is missing, each in its own transaction. CONFLICT when one
 * that was applied has been changed since, or the database is newer than this program. Returns how many were applied.
 */
bool migrations_apply(PgConnection *connection, const char *schema, const Migration *migrations, size_t count,
                      size_t *ret_applied, Error *err) MUST_CHECK;
