/* The places that an erasure goes through: see erasure.c. */
#pragma once

#include "services/ingest/jobs/job.h"
#include "services/ingest/privacy/personal_ids.h"

/* How much was erased. */
typedef struct ErasureCounts {
    int64_t dead_letters, payloads, messages, order_events, things;
} ErasureCounts;

typedef struct Erasure {
    const char *customer_id;
    PersonalId id;
    PersonalIds ids; /* the one of the customer */
    PgConnection *connection;
    int64_t job_id;
    int64_t letters_until, batches_until; /* what comes after them was stripped before it was stored */
    ErasureCounts counts;
} Erasure;

/* Erases a part of one place, in the open transaction: what lies after *after, which it moves on. *ret_found is how
 * many rows it changed. *ret_end: the place is done. */
typedef bool ErasureStep(Erasure *erasure, int64_t *after, int64_t *ret_found, bool *ret_end, Error *err);

ErasureStep erasure_search_dead_letters;
ErasureStep erasure_search_payloads;
ErasureStep erasure_search_order_events;
ErasureStep erasure_search_things;
