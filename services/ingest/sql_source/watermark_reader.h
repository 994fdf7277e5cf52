/* Where the source allows no replication slot: rows by the column that tells when they changed, each table on its own.
 * Every poll goes back a little before where the last one ended, for clocks that differ and transactions that commit
 * late; rows seen before are equal and not recorded again. Deletions are found by key sweeps. */
#pragma once

#include "services/ingest/sql_source/sql_reader.h"

typedef struct WatermarkOptions {
    int64_t overlap_s; /* how far a poll goes back */
    bool read_whole;   /* as if nothing had been read before */
    bool with_sweep;
} WatermarkOptions;

/* Reads once what changed in all tables. A stream of raw.source_position is "table <schema.table>", its position the
 * newest time that was read. *ret_problem, in the session's arena, says which tables could not be read and *ret_swept
 * what the sweep did not delete; NULL: nothing. */
bool watermark_poll(SqlReader *reader, const WatermarkOptions *options, const char **ret_problem,
                    const char **ret_swept, Error *err) MUST_CHECK;
