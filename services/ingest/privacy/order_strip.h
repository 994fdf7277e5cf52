/* Takes what is personal out of a message of the order stream. Pure. */
#pragma once

#include "common/buffer.h"
#include "services/ingest/privacy/personal_ids.h"

typedef enum StripOutcome {
    STRIP_NOTHING,   /* it says nothing of these customers */
    STRIP_REWRITTEN, /* what is left is what totals are computed from */
    STRIP_EMPTIED,   /* what it says of whom can't be told: nothing of it may stay */
} StripOutcome;

/* A message that is a JSON object belongs to the customer that its customer_id names; without one, to the customer that
 * any field mentions which the order event's contract does not name. It is rewritten to the fields of the contract
 * except customer_id, in their order, numbers as they were written; an order event that could be read can be read
 * afterwards, with the same meaning. Another message that mentions a customer anywhere is emptied.
 * `out` is overwritten with what is left, unless nothing is to be done. */
StripOutcome order_strip(const PersonalIds *ids, const char *message, size_t length_bytes, Buffer *out);
/* Hash of the customer that the message names, as in raw.batch_payload.customers; false: it names none. */
bool order_names_customer(const char *message, size_t length_bytes, uint64_t *ret_customer_hash);
