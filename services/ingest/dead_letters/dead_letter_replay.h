/* Dead letters once more through the reader of events: those that are good by now become events, the others stay with
 * their new reason. A job. */
#pragma once

#include "services/ingest/jobs/job.h"

#define DEAD_LETTER_REPLAY_JOB "dead_letter_replay"

/* Which unresolved letters: read from a request, kept as the job's parameters. */
typedef struct DeadLetterFilter {
    const char *ids;                    /* '{1,2}'; NULL: all */
    const char *reason;                 /* NULL: all */
    Instant received_from, received_to; /* [from, to); INSTANT_NONE: open */
} DeadLetterFilter;

/* UNPROCESSABLE names what is wrong. Texts live in the arena or the object. */
bool dead_letter_filter_read(const json_t *object, Arena *arena, DeadLetterFilter *ret_filter, Error *err) MUST_CHECK;

JobFunction dead_letter_replay_run;
