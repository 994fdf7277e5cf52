/* Order events that do not come from the stream (files, dead letters), written batch by batch under the same rule: a
 * step of an order counts once. One thread uses it. */
#pragma once

#include "services/ingest/ingest.h"

typedef struct OrderIntake OrderIntake;

/* `topic` and `origin` are kept by reference; the record() of `origin` makes each batch recorded once. */
bool order_intake_new(Ingest *ingest, const char *topic, const OrderOrigin *origin, OrderIntake **ret_intake,
                      Error *err) MUST_CHECK;
void order_intake_free(OrderIntake *intake); /* accepts NULL */

/* Whether one more message fits; else order_intake_commit() comes first. */
bool order_intake_has_room(const OrderIntake *intake, size_t message_bytes);
/* `offset` is the message's number in its source; numbers rise. */
bool order_intake_add(OrderIntake *intake, int64_t offset, const char *data, size_t length_bytes,
                      Error *err) MUST_CHECK;
/* Writes what was added; does nothing when that is nothing. What Postgres refuses becomes dead letters. */
bool order_intake_commit(OrderIntake *intake, Error *err) MUST_CHECK;
