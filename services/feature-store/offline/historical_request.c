#include "services/feature-store/offline/historical_request.h"

#include <string.h>
#include "services/feature-store/feast/feast_value.h"
#include "services/feature-store/offline/point_in_time.h"

#define MOMENTS_COLUMN "event_timestamp"

static bool read_moments(yyjson_val *body, Arena *arena, HistoricalRequest *request, Error *err)
{
    yyjson_val *list = yyjson_obj_get(yyjson_obj_get(body, "entities"), MOMENTS_COLUMN), *value;
    size_t count = request->wanted.entities_count;
    if (!yyjson_is_arr(list))
        return error_set_at(err, ERROR_UNPROCESSABLE, "entities",
                            "entities must have a list " MOMENTS_COLUMN ": the moment of each row");
    request->moments = arena_array(arena, count, sizeof(*request->moments));
    size_t i, all;
    yyjson_arr_foreach(list, i, all, value)
    {
        if (!feast_instant_read(value, &request->moments[i]))
            return error_set_at(err, ERROR_UNPROCESSABLE, "entities",
                                "entities." MOMENTS_COLUMN "[%zu] must be a time such as 2026-11-23T16:00:00Z", i);
    }
    return true;
}

static bool read_recorded(yyjson_val *body, bool *ret_any, Error *err)
{
    yyjson_val *recorded = yyjson_obj_get(body, "recorded");
    const char *word = yyjson_get_str(recorded);
    *ret_any = word != NULL && strcmp(word, "any") == 0;
    return recorded == NULL || yyjson_is_null(recorded) || *ret_any || (word != NULL && strcmp(word, "before") == 0) ||
           error_set_at(err, ERROR_UNPROCESSABLE, "recorded",
                        "recorded must be \"before\" (only what was known at the row's time) or \"any\"");
}

static bool check_features(const FeastRequest *wanted, Error *err)
{
    for (size_t i = 0; i < wanted->columns_count; i++) {
        const FeatureView *view = wanted->views[wanted->columns[i].view].view;
        const Feature *feature = &view->features[wanted->columns[i].feature];
        if (feature->online_only)
            return error_set_at(err, ERROR_UNPROCESSABLE, "features",
                                "Feature %s of feature view %s is kept online only: it has no history", feature->name,
                                view->name);
    }
    return true;
}

bool historical_request_read(yyjson_val *body, const FeatureViews *views, const FeatureServices *services, Arena *arena,
                             HistoricalRequest *ret_request, Error *err)
{
    HistoricalRequest request = {0};
    if (!feast_request_read(body, views, services, POINT_IN_TIME_ROWS_MAX, arena, &request.wanted, err) ||
        !check_features(&request.wanted, err) || !read_moments(body, arena, &request, err) ||
        !read_recorded(body, &request.any_recorded, err))
        return false;
    *ret_request = request;
    return true;
}
