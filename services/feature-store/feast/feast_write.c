#include "services/feature-store/feast/feast_write.h"

#include <string.h>
#include "common/clock.h"
#include "common/metrics.h"
#include "services/feature-store/feast/feast_body.h"
#include "services/feature-store/feast/feast_endpoint.h"
#include "services/feature-store/feast/feast_frame.h"
#include "services/feature-store/feature_store.h"
#include "services/feature-store/monitoring/feature_metrics.h"
#include "services/feature-store/offline/offline_store.h"
#include "services/feature-store/online/online_store.h"
#include "services/feature-store/registry/feature_reference.h"

static Metric pushes = {
    .kind = METRIC_COUNTER,
    .name = "feast_push_request_total",
    .help = "Pushes, by source and by the stores they were for.",
    .labels = {"push_source", "mode"},
};
typedef enum Target { TARGET_ONLINE, TARGET_OFFLINE, TARGET_BOTH } Target;
static const char *const target_names[] = {"online", "offline", "online_and_offline"};

/* What is to be written to one view. */
typedef struct ViewWrite {
    const FeatureView *view;
    FeastFrame frame;
} ViewWrite;

static bool read_name(yyjson_val *body, const char *field, const char **ret_name, Error *err)
{
    *ret_name = yyjson_get_str(yyjson_obj_get(body, field));
    return *ret_name != NULL || error_set_at(err, ERROR_UNPROCESSABLE, "/", "%s must be a name", field);
}

static bool read_view(const FeatureStore *store, yyjson_val *body, const FeatureView **ret_view, Error *err)
{
    const char *name = NULL;
    if (!read_name(body, "feature_view_name", &name, err))
        return false;
    const FeatureView *view = feature_reference_view(&store->views, name, strlen(name));
    if (view == NULL)
        return error_set_at(err, ERROR_NOT_FOUND, "feature_view_name", "Feature view %.100s does not exist", name);
    if (!feature_view_is_stored(view))
        return error_set_at(err, ERROR_UNPROCESSABLE, "/feature_view_name",
                            "Feature view %s is computed when it is asked for; nothing can be written to it", name);
    *ret_view = view;
    return true;
}

static bool read_target(yyjson_val *body, Target *ret_target, Error *err)
{
    yyjson_val *to = yyjson_obj_get(body, "to");
    *ret_target = TARGET_ONLINE;
    if (to == NULL)
        return true;
    for (size_t i = 0; i < sizeof(target_names) / sizeof(target_names[0]); i++) {
        if (yyjson_equals_str(to, target_names[i])) {
            *ret_target = (Target)i;
            return true;
        }
    }
    return error_set_at(err, ERROR_UNPROCESSABLE, "/to", "to must be online, offline or online_and_offline");
}

/* The views that take rows of the source, and what each takes of the frame. */
static bool read_push(const FeatureStore *store, const char *source, yyjson_val *frame, Arena *arena,
                      ViewWrite *ret_writes, size_t *ret_count, Error *err)
{
    size_t count = 0;
    for (size_t i = 0; i < store->views.count; i++) {
        const FeatureView *view = &store->views.items[i];
        if (view->source.kind != FEATURE_SOURCE_PUSH || strcmp(view->source.name, source) != 0)
            continue;
        ret_writes[count].view = view;
        if (!feast_frame_read(frame, view, arena, &ret_writes[count++].frame, err))
            return false;
    }
    *ret_count = count;
    return count > 0 ||
           error_set_at(err, ERROR_UNPROCESSABLE, "push_source_name", "Unable to find push source '%.100s'.", source);
}

static bool write_offline(FeatureStore *store, const ViewWrite *write, Arena *arena, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    int64_t recorded_seq = 0;
    size_t count = write->frame.count;
    OfflineRow *rows = arena_array(arena, count, sizeof(*rows));
    for (size_t i = 0; i < count; i++)
        rows[i] = (OfflineRow){.entity = write->frame.rows[i].entity, .row = write->frame.rows[i].row};
    if (count > 0 && (!feature_store_acquire(store, &connection, err) ||
                      !offline_store_append(connection, write->view, rows, count, &recorded_seq, err)))
        return feast_fail_store(err);
    return true;
}

static bool write_online(FeatureStore *store, const ViewWrite *write, OnlineWriteMode mode, Arena *arena, Error *err)
{
    FeastFrame newest = feast_frame_newest(&write->frame, arena);
    OnlineRow *rows = arena_array(arena, newest.count, sizeof(*rows));
    Instant now = clock_wall();
    for (size_t i = 0; i < newest.count; i++) {
        rows[i] = (OnlineRow){.entity = newest.rows[i].entity, .row = newest.rows[i].row};
        if (rows[i].row.created == INSTANT_NONE)
            rows[i].row.created = now;
    }
    size_t applied = 0;
    if (newest.count > 0 && !online_store_write(store->redis, write->view, rows, newest.count, mode, &applied, err))
        return feast_fail_store(err);
    feature_metrics_rows_online(write->view, applied, write->frame.count - applied);
    return true;
}

/* Offline first: what is online only would be lost with Redis. */
static bool write_views(FeatureStore *store, const ViewWrite *writes, size_t count, Target target, yyjson_val *body,
                        Arena *arena, Error *err)
{
    OnlineWriteMode mode = yyjson_is_true(yyjson_obj_get(body, "overwrite")) ? ONLINE_OVERWRITE : ONLINE_NEWER_ONLY;
    for (size_t i = 0; i < count && target != TARGET_ONLINE; i++) {
        if (!write_offline(store, &writes[i], arena, err))
            return false;
    }
    for (size_t i = 0; i < count && target != TARGET_OFFLINE; i++) {
        if (!write_online(store, &writes[i], mode, arena, err))
            return false;
    }
    return true;
}

static bool handle_write(Request *request, Response *response, Error *err)
{
    FeatureStore *store = request->service;
    Arena *arena = request_arena(request);
    FEAST_BODY_SCOPED yyjson_doc *document = NULL;
    ViewWrite write = {0};
    if (!feast_body_read(request, &document, err))
        return false;
    yyjson_val *body = yyjson_doc_get_root(document);
    if (!read_view(store, body, &write.view, err) ||
        !feast_frame_read(yyjson_obj_get(body, "df"), write.view, arena, &write.frame, err) ||
        !write_views(store, &write, 1, TARGET_ONLINE, body, arena, err))
        return false;
    response_text(response, "application/json", "null");
    return true;
}

static bool handle_push(Request *request, Response *response, Error *err)
{
    FeatureStore *store = request->service;
    Arena *arena = request_arena(request);
    FEAST_BODY_SCOPED yyjson_doc *document = NULL;
    ViewWrite writes[FEATURE_VIEWS_MAX] = {0};
    const char *source = NULL;
    Target target = TARGET_ONLINE;
    size_t count = 0;
    if (!feast_body_read(request, &document, err))
        return false;
    yyjson_val *body = yyjson_doc_get_root(document);
    if (!read_name(body, "push_source_name", &source, err) || !read_target(body, &target, err) ||
        !read_push(store, source, yyjson_obj_get(body, "df"), arena, writes, &count, err))
        return false;
    metric_add(metric_with(&pushes, writes[0].view->source.name, target_names[target]), 1);
    if (!write_views(store, writes, count, target, body, arena, err))
        return false;
    response_empty(response, 200);
    return true;
}

bool feast_handle_write(Request *request, Response *response, Error *err)
{
    return feast_endpoint(handle_write, request, response, err);
}

bool feast_handle_push(Request *request, Response *response, Error *err)
{
    return feast_endpoint(handle_push, request, response, err);
}
