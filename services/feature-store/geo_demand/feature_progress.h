/* How far a feature view is: what it has read of its source and what it has recorded (features.progress). */
#pragma once

#include "common/pg.h"

enum { FEATURE_ORIGIN_MAX = 40 };

typedef struct FeatureProgress {
    int64_t source_cursor;           /* of the source's changes that are stored */
    int64_t recorded_seq;            /* number of the last recording: the cursor that `recorded_since` takes */
    Instant watermark;               /* of the source; INSTANT_NONE: none yet */
    Hour complete_hour;              /* every geo has features through this hour; HOUR_NONE: none yet */
    char origin[FEATURE_ORIGIN_MAX]; /* of these numbers: another one after the schema was made anew */
} FeatureProgress;

/* `lock` keeps other processes from recording until the transaction ends. INTERNAL when the view has no progress row.
 */
bool feature_progress_read(PgConnection *connection, const char *view, bool lock, FeatureProgress *ret_progress,
                           Error *err) MUST_CHECK;
