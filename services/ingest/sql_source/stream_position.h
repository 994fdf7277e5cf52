/* How far the change stream was recorded, as raw.source_position keeps it. Pure. */
#pragma once

#include "services/ingest/sql_source/pgoutput.h"

/* "0/16B3748": all that was committed before; "0/16B3748 0/17A0010 5000": also the first 5,000 changes of the next
 * transaction, the one whose commit is at 0/17A0010. */
typedef struct StreamPosition {
    Lsn complete;
    Lsn partial;     /* 0: no transaction is recorded in part */
    int64_t changes; /* of the partial one */
} StreamPosition;

enum { STREAM_POSITION_TEXT_MAX = 80 };

void stream_position_format(const StreamPosition *position, char out[STREAM_POSITION_TEXT_MAX]);
bool stream_position_parse(const char *text, StreamPosition *ret_position) MUST_CHECK;
