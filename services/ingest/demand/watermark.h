/* How far the history reaches: event time up to which everything sent so far has been recorded. Pure. */
#pragma once

#include <stddef.h>
#include "common/hour.h"

typedef struct PartitionPosition {
    int32_t partition;
    int64_t next_offset;     /* first one not recorded */
    int64_t end_offset;      /* -1: not known */
    Instant latest_event_at; /* INSTANT_NONE: none recorded */
    int64_t events, duplicates, dead_letters;
} PartitionPosition;

/* The least of the latest event times of partitions that are not read to their end, else the latest event time of all.
 * INSTANT_NONE while a partition with unread messages has brought no event, or the end of one is not known. */
Instant watermark_of(const PartitionPosition *positions, size_t count);
/* The last hour that lies wholly before the watermark; HOUR_NONE for INSTANT_NONE. */
Hour watermark_complete_hour(Instant watermark);
/* Messages not read yet. */
int64_t watermark_lag(const PartitionPosition *positions, size_t count);
