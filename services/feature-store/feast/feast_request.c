#include "services/feature-store/feast/feast_request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* "view:feature" or "view@v2:feature" */
typedef struct FeatureReference {
    const char *view;
    size_t view_length;
    int64_t version; /* 0: the newest */
    const char *feature;
} FeatureReference;

static bool reference_parse(const char *text, FeatureReference *ret_reference, Error *err)
{
    const char *colon = strchr(text, ':');
    if (colon == NULL || colon == text || colon[1] == '\0')
        return error_set_at(err, ERROR_UNPROCESSABLE, "features",
                            "Invalid feature reference '%.100s': it must be <feature_view>:<feature> or "
                            "<feature_view>@v<version>:<feature>",
                            text);
    FeatureReference reference = {.view = text, .view_length = (size_t)(colon - text), .feature = colon + 1};
    const char *at = memchr(text, '@', reference.view_length);
    if (at != NULL) {
        char *end = NULL;
        errno = 0;
        reference.version = at[1] == 'v' && at[2] >= '0' && at[2] <= '9' ? strtoll(at + 2, &end, 10) : 0;
        if (end != colon || errno != 0 || reference.version < 1)
            return error_set_at(err, ERROR_UNPROCESSABLE, "features",
                                "Invalid version in the feature reference '%.100s': it must be @v1, @v2, ...", text);
        reference.view_length = (size_t)(at - text);
    }
    *ret_reference = reference;
    return true;
}

static bool add_view(FeastRequest *request, const FeatureView *view, size_t *ret_index, Error *err)
{
    for (size_t i = 0; i < request->views_count; i++) {
        if (request->views[i].view == view) {
            *ret_index = i;
            return true;
        }
    }
    if (request->views_count == FEAST_VIEWS_MAX)
        return error_set_at(err, ERROR_UNPROCESSABLE, "features", "at most %d feature views in one request",
                            FEAST_VIEWS_MAX);
    size_t key = 0;
    while (key < request->join_keys_count && strcmp(request->join_keys[key].name, view->keys[0].join_key) != 0)
        key++;
    if (key == request->join_keys_count)
        request->join_keys[request->join_keys_count++] = (FeastJoinKey){.name = view->keys[0].join_key};
    *ret_index = request->views_count;
    request->views[request->views_count++] = (FeastView){.view = view, .join_key = key};
    return true;
}

static bool add_column(FeastRequest *request, const FeatureViews *views, const char *text, bool full_names,
                       Arena *arena, Error *err)
{
    FeatureReference reference = {0};
    if (!reference_parse(text, &reference, err))
        return false;
    const FeatureView *view = feature_views_find(views, reference.view, reference.view_length, reference.version);
    if (view == NULL)
        return error_set_at(err, ERROR_NOT_FOUND, "features", "Feature view %.*s does not exist",
                            (int)(strchr(text, ':') - text), text);
    int feature = feature_view_index(view, reference.feature);
    if (feature < 0)
        return error_set_at(err, ERROR_UNPROCESSABLE, "features", "Feature %.100s not found in feature view %s",
                            reference.feature, view->name);
    FeastColumn column = {.feature = (size_t)feature, .name = view->features[feature].name};
    if (full_names)
        column.name = arena_printf(arena, "%s__%s", view->name, column.name);
    for (size_t i = 0; i < request->columns_count; i++) {
        if (strcmp(request->columns[i].name, column.name) == 0)
            return error_set_at(err, ERROR_UNPROCESSABLE, "features",
                                "Duplicate features named %s found; full_feature_names=true tells views apart",
                                column.name);
    }
    if (!add_view(request, view, &column.view, err))
        return false;
    request->columns[request->columns_count++] = column;
    return true;
}

static bool read_columns(const json_t *body, const FeatureViews *views, Arena *arena, FeastRequest *request, Error *err)
{
    const json_t *service = json_object_get(body, "feature_service");
    if (json_is_string(service))
        return error_set_at(err, ERROR_NOT_FOUND, "feature_service", "Feature service %.100s does not exist",
                            json_string_value(service));
    const json_t *features = json_object_get(body, "features");
    size_t count = json_array_size(features);
    if (count == 0 || count > FEAST_FEATURES_MAX)
        return error_set_at(err, ERROR_UNPROCESSABLE, "features",
                            "features must be a list of 1..%d references <feature_view>:<feature>", FEAST_FEATURES_MAX);
    bool full_names = json_is_true(json_object_get(body, "full_feature_names"));
    request->columns = arena_array(arena, count, sizeof(*request->columns));
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(features, i));
        if (text == NULL)
            return error_set_at(err, ERROR_UNPROCESSABLE, "features", "features[%zu] must be a string", i);
        if (!add_column(request, views, text, full_names, arena, err))
            return false;
    }
    return true;
}

static bool read_entity_value(const json_t *value, const char *key, size_t index, Arena *arena, const char **ret_value,
                              Error *err)
{
    if (json_is_integer(value)) {
        *ret_value = arena_printf(arena, "%lld", (long long)json_integer_value(value));
        return true;
    }
    if (!json_is_string(value) || json_string_length(value) > FEAST_ENTITY_VALUE_MAX)
        return error_set_at(err, ERROR_UNPROCESSABLE, "entities",
                            "entities.%s[%zu] must be a string of at most %d bytes or an integer", key, index,
                            FEAST_ENTITY_VALUE_MAX);
    *ret_value = arena_strndup(arena, json_string_value(value), json_string_length(value));
    return true;
}

static bool read_join_key(const json_t *entities, Arena *arena, FeastJoinKey *key, size_t count, Error *err)
{
    const json_t *values = json_object_get(entities, key->name);
    if (values == NULL)
        return error_set_at(err, ERROR_UNPROCESSABLE, "entities", "Missing join key values for keys: ['%s']",
                            key->name);
    key->values = arena_array(arena, count, sizeof(*key->values));
    for (size_t i = 0; i < count; i++) {
        if (!read_entity_value(json_array_get(values, i), key->name, i, arena, &key->values[i], err))
            return false;
    }
    return true;
}

static bool read_entities(const json_t *body, Arena *arena, FeastRequest *request, Error *err)
{
    json_t *entities = json_object_get(body, "entities");
    if (!json_is_object(entities))
        return error_set_at(err, ERROR_UNPROCESSABLE, "entities", "entities must be an object of lists");
    bool first = true;
    const char *name;
    json_t *values;
    json_object_foreach(entities, name, values)
    {
        size_t count = json_array_size(values);
        if (!json_is_array(values) || count == 0 || count > FEAST_ENTITIES_MAX)
            return error_set_at(err, ERROR_UNPROCESSABLE, "entities", "entities.%.60s must be a list of 1..%d values",
                                name, FEAST_ENTITIES_MAX);
        if (!first && count != request->entities_count)
            return error_set_at(err, ERROR_UNPROCESSABLE, "entities", "All entity rows must have the same columns.");
        request->entities_count = count;
        first = false;
    }
    for (size_t i = 0; i < request->join_keys_count; i++) {
        if (!read_join_key(entities, arena, &request->join_keys[i], request->entities_count, err))
            return false;
    }
    return true;
}

bool feast_request_read(const json_t *body, const FeatureViews *views, Arena *arena, FeastRequest *ret_request,
                        Error *err)
{
    FeastRequest request = {0};
    if (!read_columns(body, views, arena, &request, err) || !read_entities(body, arena, &request, err))
        return false;
    request.with_version_metadata = json_is_true(json_object_get(body, "include_feature_view_version_metadata"));
    *ret_request = request;
    return true;
}
