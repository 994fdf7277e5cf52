/* Deletions that no change told of: things of the warehouse whose keys the source has no more. */
#pragma once

#include "services/ingest/sql_source/sql_reader.h"

/* Deletes what is missing in the source's table, as it is in the open transaction of reader->source, in batches that
 * move the stream. Nothing is deleted when it would be more than the reader's share of the things, unless the status
 * accepts it: then *ret_problem says so, in the session's arena; else it is NULL. */
bool key_sweep(SqlReader *reader, const SourceTable *table, const char *stream, char position[SQL_POSITION_MAX_BYTES],
               const char **ret_problem, Error *err) MUST_CHECK;
/* Deletes all things of the entity: its table was truncated. */
bool key_sweep_all(SqlReader *reader, const Entity *entity, Instant at, const char *stream,
                   char position[SQL_POSITION_MAX_BYTES], Error *err) MUST_CHECK;
