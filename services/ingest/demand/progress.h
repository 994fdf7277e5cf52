/* How far ingestion has come, as the database has it. */
#pragma once

#include "common/arena.h"
#include "common/pg.h"
#include "services/ingest/demand/watermark.h"

typedef struct Progress {
    Instant watermark;   /* INSTANT_NONE: none yet */
    Hour first_hour;     /* with an order; HOUR_NONE: none yet */
    int64_t orders;      /* counted in demand */
    int64_t changed_seq; /* newest cursor of demand */
    int64_t as_of;       /* newest commit_seq, of whatever source */
    int32_t geo_version; /* present division into geos */
} Progress;

bool progress_read(PgConnection *connection, Progress *ret_progress, Error *err) MUST_CHECK;
/* Partitions of the topic ever read, in the arena. */
bool progress_read_positions(PgConnection *connection, const char *topic, Arena *arena,
                             PartitionPosition **ret_positions, size_t *ret_count, Error *err) MUST_CHECK;
