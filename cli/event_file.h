/* Order events in a CSV file with a header: event_id, ts_utc, lat, lon (other columns are ignored); plain or gzip. */
#pragma once

#include <stddef.h>
#include "common/hour.h"

enum { EVENT_ID_MAX = 200 };

typedef struct FileEvent {
    char event_id[EVENT_ID_MAX + 1];
    Instant at;
    double lat, lon;
} FileEvent;

typedef struct EventFile EventFile;

/* NOT_FOUND when it can't be opened; MALFORMED names the columns that the header lacks. */
bool event_file_open(const char *path, EventFile **ret_file, Error *err) MUST_CHECK;
void event_file_close(EventFile *file); /* accepts NULL */
/* The next event; *ret_more is false at the end. MALFORMED names file, line and column. */
bool event_file_next(EventFile *file, FileEvent *ret_event, bool *ret_more, Error *err) MUST_CHECK;
