/* The source's changes, transaction by transaction, into the warehouse. Several small transactions are one batch; of
 * one that is too large for a batch, the position says how many of its changes are recorded: they come again after a
 * restart and are left out. */
#pragma once

#include "services/ingest/sql_source/replication.h"
#include "services/ingest/sql_source/sql_reader.h"
#include "services/ingest/sql_source/stream_position.h"

extern const char change_stream[]; /* of raw.source_position; its positions: stream_position.h */

typedef struct ChangeStreamOptions {
    Replication *replication; /* started */
    Lsn caught_up_at;         /* end of the source's log when it was started */
    int64_t batch_wait_ms;    /* that the first change of a batch waits for more */
    _Atomic Lsn *reached;     /* kept at how far everything is recorded */
} ChangeStreamOptions;

/* Reads and writes until sql_reader_should_end() (true) or a failure; `position` is that of the stream. */
bool change_stream_follow(SqlReader *reader, const ChangeStreamOptions *options, char position[SQL_POSITION_MAX_BYTES],
                          Error *err) MUST_CHECK;
