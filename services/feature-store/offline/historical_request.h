/* POST /get-historical-features: which features of which entities at which moments. Pure. */
#pragma once

#include "services/feature-store/feast/feast_request.h"
#include "services/feature-store/offline/entity_table.h"

enum { HISTORICAL_BODY_LIMIT_BYTES = 256 << 20 };

/* What is asked of each row, whatever form the rows come in. */
typedef struct HistoricalQuestion {
    const char *const *features; /* references */
    size_t features_count;
    const char *feature_service; /* NULL: `features` count; else it wins */
    bool full_feature_names, any_recorded;
} HistoricalQuestion;

typedef struct HistoricalRequest {
    FeastRequest wanted;
    EntityTable table; /* as given, but for `event_timestamp`; join keys have the type that is declared */
    Instant *moments;  /* one per row */
    bool any_recorded;
} HistoricalRequest;

/* The question in a body or a query string: {"features": [..] | "feature_service": "..", "full_feature_names",
 * "recorded": "before" (default) | "any"}. Texts point into the document. */
bool historical_question_read(yyjson_val *body, Arena *arena, HistoricalQuestion *ret_question, Error *err) MUST_CHECK;

/* The table needs each join key of the views and `event_timestamp` (a timestamp, RFC 3339, without an offset it is UTC,
 * or a whole number since 1970 whose size tells its unit), none of them null; further columns may have any name that no
 * feature of the answer has. Changes the table. NOT_FOUND for an unknown view or service, else UNPROCESSABLE, which
 * names the column and the row; err->pointer as of feast_request_read(). */
bool historical_request_make(const HistoricalQuestion *question, EntityTable table, const FeatureViews *views,
                             const FeatureServices *services, Arena *arena, HistoricalRequest *ret_request,
                             Error *err) MUST_CHECK;
