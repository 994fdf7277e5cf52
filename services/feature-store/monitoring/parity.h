/* Whether the online store says what the offline store says, on samples. */
#pragma once

#include "common/pg.h"
#include "common/redis_client.h"
#include "services/feature-store/registry/feature_view.h"

enum { PARITY_SAMPLE = 50, PARITY_PATIENCE_S = 60 };

typedef struct ParityResult {
    Instant at; /* 0: not checked yet */
    int64_t checked, mismatched;
} ParityResult;

/* Of one view, from check to check; zeroed at first. */
typedef struct ParityCheck {
    int64_t entity_id; /* entities up to it were sampled */
    struct {
        int64_t entity_id;
        Instant since;
        bool confirmed;
    } suspects[PARITY_SAMPLE];
    size_t suspects_count;
    ParityResult result; /* of the last check */
} ParityCheck;

/* Compares the newest offline row of the next PARITY_SAMPLE entities (all come in turn) and of those that differed
 * before with the online row: of the same event time it must have the same values, and it must not be older, unless the
 * row is older than the time to live. A row being written makes them differ for a moment, so an entity is mismatched
 * when it has differed for PARITY_PATIENCE_S, until it no longer does. `wall`: now for that, `now` for the time to live
 * (INSTANT_NONE: unknown). *ret_news: mismatched entities that were not before. */
bool parity_check(PgConnection *connection, RedisClient *redis, const FeatureView *view, Instant wall, Instant now,
                  ParityCheck *check, size_t *ret_news, Error *err) MUST_CHECK;
