/* What all endpoints of Feast's contract have in common. */
#pragma once

#include "common/router.h"

/* Runs the handler; its errors of 4xx are answered as the SDK expects them, and the request is counted under its route:
 * feast_feature_server_request_total, feast_feature_server_request_latency_seconds. */
bool feast_endpoint(RouteHandler *handler, Request *request, Response *response, Error *err) MUST_CHECK;

/* For a store that failed: what may pass becomes UNAVAILABLE, to be tried again soon. Always returns false. */
bool feast_fail_store(Error *err);
