#include "services/feature-store/materialize/materialize_request.h"

#include "services/feature-store/feast/feast_value.h"
#include "services/feature-store/registry/feature_reference.h"

static bool read_time(yyjson_val *body, const char *field, Instant *ret_instant, Error *err)
{
    yyjson_val *value = yyjson_obj_get(body, field);
    if (value == NULL || yyjson_is_null(value))
        return error_set_at(err, ERROR_UNPROCESSABLE, field, "%s is required", field);
    return feast_instant_read(value, ret_instant) ||
           error_set_at(err, ERROR_UNPROCESSABLE, field, "%s must be a time such as 2026-11-23T16:00:00 (UTC)", field);
}

static bool read_times(yyjson_val *body, Instant now, MaterializeRequest *request, Error *err)
{
    request->start = INSTANT_NONE;
    if (!request->incremental && yyjson_is_true(yyjson_obj_get(body, "disable_event_timestamp"))) {
        request->end = now;
        return now != INSTANT_NONE ||
               error_set(err, ERROR_UNPROCESSABLE, "without times, demand must have come: nothing says what is now");
    }
    if (request->incremental)
        return read_time(body, "end_ts", &request->end, err);
    if (!read_time(body, "start_ts", &request->start, err) || !read_time(body, "end_ts", &request->end, err))
        return false;
    return request->start <= request->end ||
           error_set_at(err, ERROR_UNPROCESSABLE, "start_ts", "start_ts must not be after end_ts");
}

static void add_view(MaterializeRequest *request, const FeatureView *view)
{
    for (size_t i = 0; i < request->views_count; i++) {
        if (request->views[i] == view)
            return;
    }
    request->views[request->views_count++] = view;
}

static bool read_view(yyjson_val *value, const FeatureViews *views, MaterializeRequest *request, Error *err)
{
    if (!yyjson_is_str(value))
        return error_set_at(err, ERROR_UNPROCESSABLE, "/feature_views", "feature_views must be names, or null for all");
    const FeatureView *view = feature_reference_view(views, yyjson_get_str(value), yyjson_get_len(value));
    if (view == NULL)
        return error_set_at(err, ERROR_NOT_FOUND, "features", "Feature view %.100s does not exist",
                            yyjson_get_str(value));
    if (!feature_view_is_stored(view))
        return error_set_at(err, ERROR_UNPROCESSABLE, "/feature_views",
                            "Feature view %s is computed when it is asked for; there is nothing to materialize",
                            view->name);
    add_view(request, view);
    return true;
}

static bool read_views(yyjson_val *body, const FeatureViews *views, MaterializeRequest *request, Error *err)
{
    yyjson_val *list = yyjson_obj_get(body, "feature_views"), *value;
    size_t i, count;
    if (list == NULL || yyjson_is_null(list)) {
        for (i = 0; i < views->count; i++) {
            if (feature_view_is_stored(&views->items[i]))
                add_view(request, &views->items[i]);
        }
        return true;
    }
    if (!yyjson_is_arr(list))
        return error_set_at(err, ERROR_UNPROCESSABLE, "/feature_views", "feature_views must be names, or null for all");
    yyjson_arr_foreach(list, i, count, value)
    {
        if (!read_view(value, views, request, err))
            return false;
    }
    return true;
}

bool materialize_request_read(yyjson_val *body, const FeatureViews *views, bool incremental, Instant now,
                              MaterializeRequest *ret_request, Error *err)
{
    MaterializeRequest request = {.incremental = incremental};
    if (!read_times(body, now, &request, err) || !read_views(body, views, &request, err))
        return false;
    *ret_request = request;
    return true;
}
