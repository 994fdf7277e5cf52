/* The online store: one packed row per feature view and entity in Redis, replaced as a whole.
 * Keys: rushcast:<view>:<version>:<entity text> for rows, rushcast:marker:<view>:<version> for how far the view is.
 * A row of a view with a time to live leaves Redis at twice that time after it was written, at the earliest after two
 * days: until then it can still be told from one that never was (OUTSIDE_MAX_AGE, not NOT_FOUND). */
#pragma once

#include "common/redis_client.h"
#include "services/feature-store/feast/feast_response.h"

enum { ONLINE_KEY_MAX = FEATURE_NAME_MAX + FEAST_ENTITY_VALUE_MAX + 40, ONLINE_PIPELINE_ROWS = 1000 };

typedef struct OnlineRow {
    const char *entity; /* canonical text */
    FeatureRow row;
} OnlineRow;

typedef enum OnlineWriteMode {
    ONLINE_NEWER_ONLY, /* a stored row of the same or a later event time stays */
    ONLINE_OVERWRITE,
} OnlineWriteMode;

/* Writes the rows, ONLINE_PIPELINE_ROWS to a round trip; each row is atomic, whoever else writes. A stored row of
 * another declaration is always replaced. ret_applied (may be NULL): rows that were stored. UNPROCESSABLE when an
 * entity is too long, before anything is written; on other failures some rows may have been stored: write them again.
 */
bool online_store_write(RedisClient *redis, const FeatureView *view, const OnlineRow *rows, size_t count,
                        OnlineWriteMode mode, size_t *ret_applied, Error *err) MUST_CHECK;

/* Rows of all entities and views of the request in one pipelined round trip to each node:
 * ret_rows[view * entities_count + entity], in the arena. A row of another declaration of the view counts as not
 * found, and so do those of views that are not stored (feature_view_is_stored()). */
bool online_store_read(RedisClient *redis, const FeastRequest *request, Arena *arena, FeastEntityRow **ret_rows,
                       Error *err) MUST_CHECK;
/* The same for `count` entities (canonical texts) of one view. */
bool online_store_get(RedisClient *redis, const FeatureView *view, const char *const *entities, size_t count,
                      Arena *arena, FeastEntityRow **ret_rows, Error *err) MUST_CHECK;

/* Key of an entity's row. */
const char *online_store_key(const FeatureView *view, const char *entity, Arena *arena);

/* Number of the last recording that is online in full; 0 when the store is empty, or holds another declaration of the
 * view or numbers of another origin (a word). */
bool online_store_marker(RedisClient *redis, const FeatureView *view, const char *origin, int64_t *ret_recorded_seq,
                         Error *err) MUST_CHECK;
bool online_store_set_marker(RedisClient *redis, const FeatureView *view, const char *origin, int64_t recorded_seq,
                             Error *err) MUST_CHECK;
