/* Bodies of POST /materialize and /materialize-incremental. Pure. */
#pragma once

#include <yyjson.h>
#include "services/feature-store/registry/feature_view.h"

typedef struct MaterializeRequest {
    const FeatureView *views[FEATURE_VIEWS_MAX]; /* each once */
    size_t views_count;
    Instant start, end; /* rows of (start, end]; start INSTANT_NONE: from the first */
    bool incremental;   /* start is found in the database */
} MaterializeRequest;

/* `now` is the end with disable_event_timestamp. UNPROCESSABLE for missing or bad times, a start after the end, and
 * views that are computed on demand; NOT_FOUND for unknown ones. */
bool materialize_request_read(yyjson_val *body, const FeatureViews *views, bool incremental, Instant now,
                              MaterializeRequest *ret_request, Error *err) MUST_CHECK;
