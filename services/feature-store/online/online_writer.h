/* Worker that carries what was recorded offline of demand to the online store: what is new since the marker there, or
 * everything when Redis was emptied. Rows come first and the marker last, so a crash between only repeats work. */
#pragma once

#include "common/worker.h"
#include "services/feature-store/feature_store.h"

WorkerFunction online_writer_step;

/* Brings one view up to date in Redis; *ret_rows rows were written. */
bool online_writer_sync(PgConnection *postgres, RedisClient *redis, const FeatureView *view, size_t *ret_rows,
                        Error *err) MUST_CHECK;
