#include "services/ingest/sql_source/stream_position.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void stream_position_format(const StreamPosition *position, char out[STREAM_POSITION_TEXT_MAX])
{
    char complete[LSN_TEXT_MAX], partial[LSN_TEXT_MAX];
    lsn_format(position->complete, complete);
    lsn_format(position->partial, partial);
    if (position->partial == 0)
        snprintf(out, STREAM_POSITION_TEXT_MAX, "%s", complete);
    else
        snprintf(out, STREAM_POSITION_TEXT_MAX, "%s %s %" PRId64, complete, partial, position->changes);
}

bool stream_position_parse(const char *text, StreamPosition *ret_position)
{
    StreamPosition position = {0};
    const char *rest;
    if (!lsn_parse(text, &position.complete, &rest))
        return false;
    if (*rest != '\0') {
        char *end;
        if (*rest != ' ' || !lsn_parse(rest + 1, &position.partial, &rest) || *rest != ' ')
            return false;
        position.changes = strtoll(rest + 1, &end, 10);
        if (end == rest + 1 || *end != '\0' || position.changes < 0)
            return false;
    }
    *ret_position = position;
    return true;
}
