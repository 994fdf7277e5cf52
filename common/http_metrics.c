#include "common/http_metrics.h"

#include <stdlib.h>

#include "common/metrics.h"

static Metric requests_total = {
    .kind = METRIC_COUNTER,
    .name = "rushcast_http_requests_total",
    .help = "Requests answered, by route and status.",
    .labels = {"route", "status"},
};
static Metric request_seconds = {
    .kind = METRIC_HISTOGRAM,
    .name = "rushcast_http_request_seconds",
    .help = "Time from the request line to the end of the answer, by route.",
    .labels = {"route"},
};

enum { STATUS_SLOTS = 6, STATUS_MAX = 600, ROUTE_LABEL_MAX_BYTES = 128 };

/* Statuses frequent enough to have their handle kept; slot 0 is none of them. */
static const uint8_t status_slots[STATUS_MAX] = {[200] = 1, [202] = 2, [204] = 3, [304] = 4, [404] = 5};

typedef struct RouteMetrics {
    char label[ROUTE_LABEL_MAX_BYTES];
    MetricSeries *seconds;
    MetricSeries *_Atomic by_status[STATUS_SLOTS];
} RouteMetrics;

struct HttpMetrics {
    size_t routes_count;
    RouteMetrics routes[];
};

HttpMetrics *http_metrics_new(const Router *router)
{
    size_t count = router_count(router) + 1;
    HttpMetrics *metrics = calloc(1, sizeof(*metrics) + count * sizeof(metrics->routes[0]));
    if (metrics == NULL)
        abort();
    metrics->routes_count = count;
    for (size_t i = 0; i < count; i++) {
        RouteMetrics *route = &metrics->routes[i];
        const Route *row = i + 1 < count ? router_route(router, i) : NULL;
        snprintf(route->label, sizeof(route->label), "%s%s%s", row == NULL ? "unmatched" : row->method,
                 row == NULL ? "" : " ", row == NULL ? "" : row->pattern);
        route->seconds = metric_with(&request_seconds, route->label);
    }
    return metrics;
}

void http_metrics_free(HttpMetrics *metrics)
{
    free(metrics);
}

static MetricSeries *find_status(const RouteMetrics *route, int status)
{
    char text[16];
    snprintf(text, sizeof(text), "%d", status);
    return metric_with(&requests_total, route->label, text);
}

static MetricSeries *status_series(RouteMetrics *route, int status)
{
    unsigned slot = status >= 0 && status < STATUS_MAX ? status_slots[status] : 0;
    if (slot == 0)
        return find_status(route, status);
    MetricSeries *series = atomic_load_explicit(&route->by_status[slot], memory_order_acquire);
    if (series == NULL) {
        series = find_status(route, status);
        atomic_store_explicit(&route->by_status[slot], series, memory_order_release);
    }
    return series;
}

void http_metrics_count(HttpMetrics *metrics, size_t route_index, int status, double seconds)
{
    RouteMetrics *route = &metrics->routes[route_index];
    metric_add(status_series(route, status), 1);
    metric_observe(route->seconds, seconds);
}
