/* What order events hold beyond what is known of them, as drift of their source. */
#pragma once

#include "services/ingest/drift/schema_drift.h"
#include "services/ingest/orders/order.h"

#define ORDER_DRIFT_SOURCE "orders"

/* Takes the parser's counts over. */
void order_drift_take(SchemaDrift *drift, const char *stream, OrderParser *parser);
