/* rushcast_http_requests_total and rushcast_http_request_seconds, with the handles of each route looked up once. */
#pragma once

#include "common/router.h"

typedef struct HttpMetrics HttpMetrics;

HttpMetrics *http_metrics_new(const Router *router);
void http_metrics_free(HttpMetrics *metrics);
/* `route_index` as router_find() gave it; router_count() for requests that no route took. */
void http_metrics_count(HttpMetrics *metrics, size_t route_index, int status, double seconds);
