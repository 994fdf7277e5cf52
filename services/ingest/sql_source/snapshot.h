/* All rows of the company's tables as they were when the replication slot was made, so that the change stream goes on
 * exactly where they end. Things that the source has no more are deleted. */
#pragma once

#include "services/ingest/sql_source/sql_reader.h"

/* Stream of raw.source_position: "begun ..." while a snapshot is written, then "done ...". */
extern const char snapshot_stream[];

/* Reads every row of the tables in the open transaction of reader->source into the warehouse, then sweeps keys. `begun`
 * is the position meanwhile. *ret_problem: what was not deleted, see key_sweep(); NULL: nothing. DEADLINE and others
 * leave the position "begun": the snapshot is to be made again. */
bool snapshot_copy(SqlReader *reader, const char *begun, char position[SQL_POSITION_MAX_BYTES],
                   const char **ret_problem, Error *err) MUST_CHECK;
/* The rows of one table, in the open transaction of reader->source, in batches of the stream that move it to
 * `meanwhile`. `filter` is put after the table's name: "" or " WHERE ...". */
bool snapshot_copy_table(SqlReader *reader, const SourceTable *table, const char *filter, const char *stream,
                         const char *meanwhile, char position[SQL_POSITION_MAX_BYTES], Error *err) MUST_CHECK;
