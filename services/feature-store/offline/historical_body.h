/* Reads a request for historical features: JSON, or the entities alone as CSV or an Arrow stream and the question in
 * the query string. */
#pragma once

#include "common/request.h"
#include "services/feature-store/offline/historical_request.h"

/* *ret_document owns what the question and the table point into; free it (yyjson_doc_free, accepts NULL) after use,
 * also on failure. Errors are those of historical_request.h and entity_table.h; UNSUPPORTED_MEDIA for another
 * Content-Type. */
bool historical_body_read(Request *request, yyjson_doc **ret_document, HistoricalQuestion *ret_question,
                          EntityTable *ret_table, Error *err) MUST_CHECK;
