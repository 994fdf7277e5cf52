/* Materialization: the newest row of each entity of a feature view in a span of event timestamps goes from the offline
 * to the online store. A run goes page by page of entities; each page is one transaction that also says how far the run
 * is, so after a crash the page is repeated, which changes nothing, and any process may go on. */
#pragma once

#include "common/worker.h"
#include "services/feature-store/feature_store.h"

enum { MATERIALIZE_PAGE_ENTITIES = 5000 };

/* Worker "materializer". */
WorkerFunction materialize_step;

/* One page of at most `page_entities` entities of the oldest run that is not finished; *ret_found: there was one. A run
 * that can't succeed is marked as failed, which is no error here; on failures that may pass it stays where it was. */
bool materialize_page(PgConnection *postgres, RedisClient *redis, const FeatureViews *views, size_t page_entities,
                      bool *ret_found, Error *err) MUST_CHECK;
