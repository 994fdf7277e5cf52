/* Takes what is personal out of a batch that is not stored yet. Pure. */
#pragma once

#include "services/ingest/orders/order_batch.h"
#include "services/ingest/privacy/personal_ids.h"

/* Orders lose the customer, their messages and the dead letters that are these customers' all that order_strip() takes
 * out. Returns whether anything was: then order_batch_pack() is to be called again. */
bool batch_strip(OrderBatch *batch, const PersonalIds *ids);
