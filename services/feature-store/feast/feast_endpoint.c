#include "services/feature-store/feast/feast_endpoint.h"

#include "common/clock.h"
#include "common/metrics.h"
#include "services/feature-store/feast/feast_error.h"

enum { RETRY_AFTER_S = 1 };

static Metric requests = {
    .kind = METRIC_COUNTER,
    .name = "feast_feature_server_request_total",
    .help = "Requests to Feast's endpoints: success or error.",
    .labels = {"endpoint", "status"},
};
static Metric request_seconds = {
    .kind = METRIC_HISTOGRAM,
    .name = "feast_feature_server_request_latency_seconds",
    .help = "Time to answer a request to one of Feast's endpoints.",
    .labels = {"endpoint"},
};

bool feast_endpoint(RouteHandler *handler, Request *request, Response *response, Error *err)
{
    double begin_s = clock_monotonic_s();
    bool done = handler(request, response, err);
    if (request->must_wait)
        return false;
    const char *endpoint = request->route->pattern;
    metric_add(metric_with(&requests, endpoint, done ? "success" : "error"), 1);
    metric_observe(metric_with(&request_seconds, endpoint), clock_monotonic_s() - begin_s);
    return done || feast_answer_error(response, err);
}

bool feast_fail_store(Error *err)
{
    if (error_is_transient(err)) {
        err->code = ERROR_UNAVAILABLE;
        err->retry_after_s = RETRY_AFTER_S;
    }
    return false;
}
