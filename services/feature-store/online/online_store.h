/* The online store: one packed row per feature view and entity in Redis, replaced as a whole.
 * Keys: rushcast:<view>:<version>:<entity> for rows, rushcast:marker:<view>:<version> for how far the view is. */
#pragma once

#include "common/redis_pool.h"
#include "services/feature-store/feast/feast_response.h"

enum { ONLINE_KEY_MAX = FEATURE_NAME_MAX + FEAST_ENTITY_VALUE_MAX + 40, ONLINE_PIPELINE_ROWS = 1000 };

/* Rows of all entities and views of the request in one pipelined round trip: ret_rows[view * entities_count + entity],
 * in the arena. A row of another declaration of the view counts as not found. */
bool online_store_read(RedisConnection *connection, const FeastRequest *request, Arena *arena,
                       FeastEntityRow **ret_rows, Error *err) MUST_CHECK;

/* Queues the row of one entity; online_store_flush() after at most ONLINE_PIPELINE_ROWS of them. */
bool online_store_put(RedisConnection *connection, const FeatureView *view, const char *entity, const Buffer *packed,
                      Error *err) MUST_CHECK;
/* Reads the answers to `count` queued rows. */
bool online_store_flush(RedisConnection *connection, size_t count, Error *err) MUST_CHECK;

/* Number of the last recording that is online in full; 0 when the store is empty, or holds another declaration of the
 * view or numbers of another origin (a word). */
bool online_store_marker(RedisConnection *connection, const FeatureView *view, const char *origin,
                         int64_t *ret_recorded_seq, Error *err) MUST_CHECK;
bool online_store_set_marker(RedisConnection *connection, const FeatureView *view, const char *origin,
                             int64_t recorded_seq, Error *err) MUST_CHECK;
