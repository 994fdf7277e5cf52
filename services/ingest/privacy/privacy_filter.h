/* Keeps what comes of erased customers out of the database: whoever stores what a source sent asks here, in the
 * transaction that stores it (docs/adr/0008-erasure-holds-against-what-is-on-its-way.md). Thread-safe. */
#pragma once

#include "common/pg.h"
#include "services/ingest/orders/order_batch.h"
#include "services/ingest/privacy/tombstones.h"

typedef struct PrivacyFilter PrivacyFilter;

PrivacyFilter *privacy_filter_new(void);
void privacy_filter_free(PrivacyFilter *filter); /* accepts NULL */

/* Takes out of the batch what is known to be an erased customer's, ahead of privacy_filter_admit(), which then has
 * nothing left to do. Before order_batch_pack(). Costs nothing while nobody was erased. */
void privacy_filter_strip(PrivacyFilter *filter, OrderBatch *batch);
/* In the transaction that is to store the packed batch, before anything of it is written: takes out what is an erased
 * customer's and packs again if there was any. No erasure begins before the transaction ends. */
bool privacy_filter_admit(PrivacyFilter *filter, PgConnection *connection, OrderBatch *batch, Error *err) MUST_CHECK;

/* For other data, in the transaction that stores it: afterwards privacy_filter_knows() is right until it ends. */
bool privacy_filter_hold(PrivacyFilter *filter, PgConnection *connection, Error *err) MUST_CHECK;
bool privacy_filter_knows(PrivacyFilter *filter, const char *customer_id, size_t length_bytes);

/* The tombstone that the customer has or would have. */
bool privacy_tombstone_of(PgConnection *connection, const char *customer_id, Tombstone *ret_tombstone,
                          Error *err) MUST_CHECK;
