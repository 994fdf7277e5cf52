#include "services/feature-store/feast/feast_handlers.h"

#include "common/clock.h"
#include "common/metrics.h"
#include "services/feature-store/feast/feast_body.h"
#include "services/feature-store/feast/feast_endpoint.h"
#include "services/feature-store/feature_store.h"
#include "services/feature-store/monitoring/feature_metrics.h"
#include "services/feature-store/on_demand/on_demand.h"

enum { ANSWER_LIMIT_BYTES = 64 << 20, QUICK_BODY_MAX_BYTES = 4096 };

static Metric requests = {
    .kind = METRIC_COUNTER,
    .name = "feast_online_features_request_total",
    .help = "Requests for online features that were answered.",
};
static Metric entities_asked = {
    .kind = METRIC_HISTOGRAM,
    .name = "feast_online_features_entity_count",
    .help = "Entities asked for in one request.",
    .buckets = (const double[]){1, 5, 10, 50, 100, 500, 1000},
    .buckets_count = 7,
};
static Metric read_seconds = {
    .kind = METRIC_HISTOGRAM,
    .name = "feast_feature_server_online_store_read_duration_seconds",
    .help = "Time to read the rows of one request from the online store.",
};

static void count_served(const FeastRequest *wanted, const FeastEntityRow *rows, Instant now,
                         size_t (*counts)[FEAST_STATUSES])
{
    for (size_t i = 0; i < wanted->views_count; i++) {
        feature_metrics_served(wanted->views[i].view, counts[i]);
        feature_metrics_event_age(wanted->views[i].view, &rows[i * wanted->entities_count], wanted->entities_count,
                                  now);
    }
}

static bool read_rows(Request *request, const FeastRequest *wanted, FeastEntityRow **ret_rows, Error *err)
{
    FeatureStore *store = request->service;
    Arena *arena = request_arena(request);
    double begin_s = clock_monotonic_s();
    if (!request->may_wait && !online_reader_try(&store->reader, wanted, arena, ret_rows))
        return request_must_wait(request);
    if (request->may_wait && !online_reader_wait(&store->reader, wanted, arena, ret_rows, err))
        return feast_fail_store(err);
    metric_observe(metric_with(&read_seconds), clock_monotonic_s() - begin_s);
    return true;
}

static void compute_on_demand(FeatureStore *store, const FeastRequest *wanted, Instant now, Arena *arena,
                              FeastEntityRow *rows)
{
    size_t count = wanted->entities_count;
    for (size_t i = 0; i < wanted->views_count; i++) {
        const FeastView *asked = &wanted->views[i];
        if (feature_view_is_stored(asked->view))
            continue;
        FeatureValue *values = arena_array(arena, count * asked->view->features_count, sizeof(*values));
        for (size_t k = 0; k < count; k++) {
            FeastEntityRow *row = &rows[i * count + k];
            row->row.values = &values[k * asked->view->features_count];
            row->found = on_demand_compute(asked->view, store->places, asked->entities[k], now, &row->row);
        }
    }
}

static bool answer(Request *request, Response *response, const FeastRequest *wanted, Error *err)
{
    FeastEntityRow *rows = NULL;
    if (!read_rows(request, wanted, &rows, err))
        return false;
    size_t counts[FEAST_VIEWS_MAX][FEAST_STATUSES] = {{0}};
    BUFFER_SCOPED Buffer body;
    buffer_init(&body, ANSWER_LIMIT_BYTES);
    Instant now = clock_now();
    if (now == INSTANT_NONE)
        now = clock_wall();
    compute_on_demand(request->service, wanted, now, request_arena(request), rows);
    feast_response_write(wanted, rows, now, &body, counts);
    if (!buffer_ok(&body, err))
        return false;
    metric_add(metric_with(&requests), 1);
    metric_observe(metric_with(&entities_asked), (double)wanted->entities_count);
    count_served(wanted, rows, now, counts);
    response_buffer(response, "application/json", &body);
    return true;
}

static bool handle_online_features(Request *request, Response *response, Error *err)
{
    const FeatureStore *store = request->service;
    if (!request->may_wait && request->body_length_bytes > QUICK_BODY_MAX_BYTES)
        return request_must_wait(request);
    FEAST_BODY_SCOPED yyjson_doc *body = NULL;
    FeastRequest wanted;
    return feast_body_read(request, &body, err) &&
           feast_request_read(yyjson_doc_get_root(body), &store->views, &store->services, FEAST_ENTITIES_MAX,
                              request_arena(request), &wanted, err) &&
           answer(request, response, &wanted, err);
}

bool feast_handle_online_features(Request *request, Response *response, Error *err)
{
    return feast_endpoint(handle_online_features, request, response, err);
}

bool feast_handle_health(Request *request, Response *response, Error *err)
{
    (void)err;
    const FeatureStore *store = request->service;
    response_empty(response, atomic_load(&store->schema_ready) ? 200 : 503);
    return true;
}
