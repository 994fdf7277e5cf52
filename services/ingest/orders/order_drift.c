#include "services/ingest/orders/order_drift.h"

#include "services/ingest/orders/order_fields.h"

void order_drift_take(SchemaDrift *drift, const char *stream, OrderParser *parser)
{
    OrderFields *unknown = order_parser_unknown(parser);
    for (size_t i = 0; i < unknown->count; i++) {
        const OrderField *field = &unknown->items[i];
        schema_drift_add(drift, stream, field->path, DRIFT_UNKNOWN_FIELD, field->type, field->times);
    }
    if (unknown->others > 0)
        schema_drift_add(drift, stream, "...", DRIFT_UNKNOWN_FIELD, "", unknown->others);
    unknown->count = 0;
    unknown->others = 0;
}
