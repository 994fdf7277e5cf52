#include "services/feature-store/view_handlers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "common/clock.h"
#include "common/service.h"
#include "services/feature-store/feature_store.h"
#include "services/feature-store/monitoring/feature_metrics.h"
#include "services/feature-store/monitoring/feature_statistics.h"
#include "services/feature-store/offline/offline_export.h"
#include "services/feature-store/registry/feature_entity.h"

static bool find_view(Request *request, const FeatureView **ret_view, Error *err)
{
    const FeatureStore *store = request->service;
    const char *name = request_path(request, "name");
    int64_t version = 0;
    if (!request_query_int(request, "version", 1, 1000000, 0, &version, err))
        return false;
    *ret_view = feature_views_find(&store->views, name, strlen(name), version);
    return *ret_view != NULL ||
           error_set(err, ERROR_NOT_FOUND, "no feature view \"%.64s\" of that version; GET /feature-views lists them",
                     name);
}

static bool find_stored_view(Request *request, const FeatureView **ret_view, Error *err)
{
    if (!find_view(request, ret_view, err))
        return false;
    return feature_view_is_stored(*ret_view) ||
           error_set(err, ERROR_NOT_FOUND, "feature view %s is computed when asked for: nothing of it is kept",
                     (*ret_view)->name);
}

static json_t *view_json(const FeatureView *view)
{
    json_t *json = json_copy(view->declaration);
    char hash[16];
    snprintf(hash, sizeof(hash), "%08" PRIx32, view->schema_hash);
    json_object_set_new(json, "schema_hash", json_string(hash));
    return json;
}

bool view_handle_list(Request *request, Response *response, Error *err)
{
    (void)err;
    const FeatureStore *store = request->service;
    json_t *views = json_array();
    for (size_t i = 0; i < store->views.count; i++)
        json_array_append_new(views, view_json(&store->views.items[i]));
    response_json(response, json_pack("{s:o}", "feature_views", views));
    return true;
}

bool view_handle_services(Request *request, Response *response, Error *err)
{
    (void)err;
    const FeatureStore *store = request->service;
    json_t *services = json_array();
    for (size_t i = 0; i < store->services.count; i++)
        json_array_append(services, store->services.items[i].declaration);
    response_json(response, json_pack("{s:o}", "feature_services", services));
    return true;
}

bool view_handle_get(Request *request, Response *response, Error *err)
{
    const FeatureView *view = NULL;
    if (!find_view(request, &view, err))
        return false;
    response_json(response, view_json(view));
    return true;
}

/* What this process has answered and compared. */
static void add_served(FeatureStore *store, const FeatureView *view, json_t *json)
{
    int64_t counts[FEAST_STATUSES];
    feature_metrics_served_read(view, counts);
    json_object_set_new(json, "online",
                        json_pack("{s:I, s:I, s:I, s:I}", "hit", (json_int_t)counts[FEAST_PRESENT], "miss",
                                  (json_int_t)counts[FEAST_NOT_FOUND], "expired",
                                  (json_int_t)counts[FEAST_OUTSIDE_MAX_AGE], "null",
                                  (json_int_t)counts[FEAST_NULL_VALUE]));
    ParityResult parity = feature_monitor_parity(&store->monitor, (size_t)(view - store->views.items));
    json_object_set_new(json, "parity",
                        json_pack("{s:I, s:I, s:o}", "checked", (json_int_t)parity.checked, "mismatched",
                                  (json_int_t)parity.mismatched, "at",
                                  json_instant(parity.at == 0 ? INSTANT_NONE : parity.at)));
}

bool view_handle_statistics(Request *request, Response *response, Error *err)
{
    const FeatureView *view = NULL;
    PG_SCOPED PgConnection *connection = NULL;
    json_t *json = NULL;
    if (!find_stored_view(request, &view, err) || !feature_store_acquire(request->service, &connection, err) ||
        !feature_statistics_read(connection, view, clock_now(), &json, err))
        return false;
    add_served(request->service, view, json);
    response_json(response, json);
    return true;
}

/* features=a,b: their indices; absent: all that are kept offline. */
static bool read_features(Request *request, const FeatureView *view, ExportRequest *wanted, Error *err)
{
    const char *list = request_query(request, "features");
    int *indices = arena_array(request_arena(request), FEATURES_PER_VIEW_MAX, sizeof(*indices));
    wanted->features = indices;
    if (list == NULL) {
        for (size_t i = 0; i < view->features_count; i++) {
            if (!view->features[i].online_only)
                indices[wanted->features_count++] = (int)i;
        }
        return true;
    }
    char *names = arena_strdup(request_arena(request), list), *rest = NULL;
    for (char *name = strtok_r(names, ",", &rest); name != NULL; name = strtok_r(NULL, ",", &rest)) {
        int index = feature_view_index(view, name);
        if (index < 0)
            return error_set_at(err, ERROR_INVALID_ARGUMENT, "features",
                                "feature view %s has no feature \"%.64s\"; GET /feature-views/%s lists them",
                                view->name, name, view->name);
        if (view->features[index].online_only)
            return error_set_at(err, ERROR_INVALID_ARGUMENT, "features",
                                "feature \"%s\" of %s is online only: nothing of it is kept", name, view->name);
        for (size_t i = 0; i < wanted->features_count; i++) {
            if (indices[i] == index)
                return error_set_at(err, ERROR_INVALID_ARGUMENT, "features", "feature \"%s\" is there twice", name);
        }
        indices[wanted->features_count++] = index;
    }
    return wanted->features_count > 0 ||
           error_set_at(err, ERROR_INVALID_ARGUMENT, "features", "features must name at least one feature");
}

/* A query parameter for each join key, or none. */
static bool read_entity(Request *request, const FeatureView *view, const char **ret_entity, Error *err)
{
    FeatureValue keys[FEATURE_KEYS_MAX] = {0};
    size_t given = 0;
    for (size_t i = 0; i < view->keys_count; i++) {
        const FeatureKey *key = &view->keys[i];
        const char *text = request_query(request, key->join_key);
        keys[i] = (FeatureValue){.null = text == NULL, .text = text};
        if (text == NULL)
            continue;
        given++;
        if (key->type == FEATURE_INT64 &&
            !request_query_int(request, key->join_key, INT64_MIN, INT64_MAX, 0, &keys[i].integer, err))
            return false;
    }
    if (given == 0)
        return true;
    char entity[FEATURE_ENTITY_MAX + 1];
    if (!feature_entity_format(view, keys, entity, err)) {
        err->code = ERROR_INVALID_ARGUMENT;
        return false;
    }
    *ret_entity = arena_strdup(request_arena(request), entity);
    return true;
}

/* from and to: hours of hourly views, which end an hour later; event timestamps of others. */
static bool read_span(Request *request, ExportRequest *wanted, Error *err)
{
    Hour first = 0, last = 0, from = 0, to = 0;
    if (!hour_parse("1970-01-01", &first, err) || !hour_parse("2200-01-01", &last, err))
        return false;
    if (!offline_export_is_hourly(wanted->view))
        return request_query_instant(request, "from", hour_start(first), &wanted->from, err) &&
               request_query_instant(request, "to", hour_start(last), &wanted->to, err);
    if (!request_query_hour(request, "from", first, &from, err) || !request_query_hour(request, "to", last, &to, err))
        return false;
    wanted->from = hour_start(from + 1);
    wanted->to = hour_start(to + 1);
    return true;
}

static bool read_export_request(Request *request, ExportRequest *ret_wanted, Error *err)
{
    ExportRequest wanted = {0};
    bool ok = find_stored_view(request, &wanted.view, err) && read_span(request, &wanted, err) &&
              read_entity(request, wanted.view, &wanted.entity, err) &&
              request_query_int(request, "recorded_since", 0, INT64_C(1) << 53, 0, &wanted.recorded_since, err) &&
              read_features(request, wanted.view, &wanted, err);
    if (ok)
        *ret_wanted = wanted;
    return ok;
}

static void set_progress_headers(Request *request, Response *response, const FeatureProgress *progress)
{
    char text[INSTANT_TEXT_MAX];
    snprintf(text, sizeof(text), "%" PRId64, progress->recorded_seq);
    response_header(response, request, "Rushcast-Cursor", text);
    if (progress->watermark != INSTANT_NONE) {
        instant_format(progress->watermark, text);
        response_header(response, request, "Rushcast-Watermark", text);
    }
    if (progress->complete_hour != HOUR_NONE) {
        hour_format(progress->complete_hour, text);
        response_header(response, request, "Rushcast-Complete-Hour", text);
    }
}

bool view_handle_export(Request *request, Response *response, Error *err)
{
    int format = TABLE_CSV;
    ExportRequest wanted;
    FeatureProgress progress;
    PG_SCOPED PgConnection *connection = NULL;
    FILE *out = NULL;
    if (!request_accepts(request, table_media_types, &format, err) || !read_export_request(request, &wanted, err) ||
        !feature_store_acquire(request->service, &connection, err) ||
        !response_spool(response, request, table_media_types[format], &out, err) ||
        !offline_export_write(connection, &wanted, (TableFormat)format, out, &progress, err))
        return false;
    set_progress_headers(request, response, &progress);
    return true;
}

bool view_handle_hint(Request *request, Response *response, Error *err)
{
    (void)request;
    (void)err;
    workers_wake(service_workers(), "demand_follower");
    response_empty(response, 202);
    return true;
}
