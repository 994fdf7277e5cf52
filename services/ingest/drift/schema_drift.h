/* What a source sends other than expected, counted in memory and added to raw.schema_drift from time to time. One
 * thread uses it. */
#pragma once

#include "common/pg.h"
#include "services/ingest/drift/drift_kind.h"

enum { DRIFT_PATHS_MAX = 1000 };

typedef struct SchemaDrift SchemaDrift;

/* `source` is kept by reference. */
SchemaDrift *schema_drift_new(const char *source);
void schema_drift_free(SchemaDrift *drift); /* accepts NULL */

/* Once for each message, row or document and path. `path` has dots between nested names and [] for items of an array;
 * `value_type` is the type found, "" for a missing field. Beyond DRIFT_PATHS_MAX different ones since the last flush
 * (field names made of data) all are counted under the path "...". Longer paths are cut. */
void schema_drift_note(SchemaDrift *drift, const char *stream, const char *path, DriftKind kind,
                       const char *value_type);
/* The same of several at once. */
void schema_drift_add(SchemaDrift *drift, const char *stream, const char *path, DriftKind kind, const char *value_type,
                      int64_t times);
bool schema_drift_is_empty(const SchemaDrift *drift);
/* Adds to the table and forgets; in the open transaction of the connection, or in its own. After a failure all is still
 * there. */
bool schema_drift_flush(SchemaDrift *drift, PgConnection *connection, Error *err) MUST_CHECK;
