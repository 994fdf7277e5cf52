/* The body of POST /get-historical-features: which features of which entities at which moments. Pure. */
#pragma once

#include "services/feature-store/feast/feast_request.h"

enum { HISTORICAL_BODY_LIMIT_BYTES = 256 << 20 };

typedef struct HistoricalRequest {
    FeastRequest wanted;
    Instant *moments; /* one per row */
    bool any_recorded;
} HistoricalRequest;

/* As feast_request_read(), with up to POINT_IN_TIME_ROWS_MAX rows, `event_timestamp` among the columns of `entities`
 * (as feast_instant_read() takes it), and `recorded`: "before" (default) or "any". UNPROCESSABLE names the row of
 * a bad moment, and a feature that is kept online only. */
bool historical_request_read(yyjson_val *body, const FeatureViews *views, const FeatureServices *services, Arena *arena,
                             HistoricalRequest *ret_request, Error *err) MUST_CHECK;
