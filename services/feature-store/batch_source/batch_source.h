/* Worker that computes the views whose source is SQL: runs each one's query when it is due and appends the rows to the
 * offline store, from where they go online. */
#pragma once

#include "common/worker.h"
#include "services/feature-store/feature_store.h"

WorkerFunction batch_source_step;

/* Runs the query of one view ($1: `now`) and appends its rows; *ret_rows of them were read. The query answers the join
 * keys, event_timestamp and the features by name; rows without a key or event_timestamp, and keys that are no entity,
 * are left out and counted in rushcast_feature_rows_rejected_total. UNPROCESSABLE or INTERNAL for a query that does not
 * fit, TOO_LARGE beyond a million rows. */
bool batch_source_run(PgConnection *connection, const FeatureView *view, Instant now, size_t *ret_rows,
                      Error *err) MUST_CHECK;
