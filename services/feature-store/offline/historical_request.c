#include "services/feature-store/offline/historical_request.h"

#include <stdio.h>
#include <string.h>
#include "services/feature-store/offline/point_in_time.h"

#define MOMENTS_COLUMN "event_timestamp"

/* pandas writes times without an offset: they are UTC. */
static bool read_moment(const json_t *value, Instant *ret_moment)
{
    const char *text = json_string_value(value);
    char utc[INSTANT_TEXT_MAX];
    if (text == NULL)
        return false;
    if (instant_parse(text, ret_moment, NULL))
        return true;
    int length = snprintf(utc, sizeof(utc), "%sZ", text);
    return length > 0 && (size_t)length < sizeof(utc) && instant_parse(utc, ret_moment, NULL);
}

static bool read_moments(const json_t *body, Arena *arena, HistoricalRequest *request, Error *err)
{
    const json_t *list = json_object_get(json_object_get(body, "entities"), MOMENTS_COLUMN);
    size_t count = request->wanted.entities_count;
    if (!json_is_array(list))
        return error_set_at(err, ERROR_UNPROCESSABLE, "entities",
                            "entities must have a list " MOMENTS_COLUMN ": the moment of each row");
    request->moments = arena_array(arena, count, sizeof(*request->moments));
    for (size_t i = 0; i < count; i++) {
        if (!read_moment(json_array_get(list, i), &request->moments[i]))
            return error_set_at(err, ERROR_UNPROCESSABLE, "entities",
                                "entities." MOMENTS_COLUMN "[%zu] must be a time such as 2026-11-23T16:00:00Z", i);
    }
    return true;
}

static bool read_recorded(const json_t *body, bool *ret_any, Error *err)
{
    const json_t *recorded = json_object_get(body, "recorded");
    const char *word = json_string_value(recorded);
    *ret_any = word != NULL && strcmp(word, "any") == 0;
    return recorded == NULL || json_is_null(recorded) || *ret_any || (word != NULL && strcmp(word, "before") == 0) ||
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

bool historical_request_read(const json_t *body, const FeatureViews *views, const FeatureServices *services,
                             Arena *arena, HistoricalRequest *ret_request, Error *err)
{
    HistoricalRequest request = {0};
    if (!feast_request_read(body, views, services, POINT_IN_TIME_ROWS_MAX, arena, &request.wanted, err) ||
        !check_features(&request.wanted, err) || !read_moments(body, arena, &request, err) ||
        !read_recorded(body, &request.any_recorded, err))
        return false;
    *ret_request = request;
    return true;
}
