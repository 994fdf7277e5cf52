#include "services/feature-store/feast/feast_request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "services/feature-store/registry/feature_entity.h"
#include "services/feature-store/registry/feature_reference.h"

static bool add_join_key(FeastRequest *request, const FeatureKey *declared, size_t *ret_index, Error *err)
{
    size_t key = 0;
    while (key < request->join_keys_count && strcmp(request->join_keys[key].name, declared->join_key) != 0)
        key++;
    if (key == request->join_keys_count)
        request->join_keys[request->join_keys_count++] =
            (FeastJoinKey){.name = declared->join_key, .type = declared->type};
    else if (request->join_keys[key].type != declared->type)
        return error_set_at(err, ERROR_UNPROCESSABLE, "features",
                            "the join key %s is an int64 in one of these feature views and a string in another: ask "
                            "for them in two requests",
                            declared->join_key);
    *ret_index = key;
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
    FeastView added = {.view = view};
    for (size_t i = 0; i < view->keys_count; i++) {
        if (!add_join_key(request, &view->keys[i], &added.join_keys[i], err))
            return false;
    }
    *ret_index = request->views_count;
    request->views[request->views_count++] = added;
    return true;
}

bool feast_request_add(FeastRequest *request, const FeatureViews *views, const char *text, bool full_names,
                       Arena *arena, Error *err)
{
    const FeatureView *view = NULL;
    FeastColumn column = {0};
    if (!feature_reference_find(views, text, &view, &column.feature, err))
        return false;
    column.name = view->features[column.feature].name;
    if (full_names)
        column.name = arena_printf(arena, "%s__%s", view->name, column.name);
    for (size_t i = 0; i < request->columns_count; i++) {
        if (strcmp(request->columns[i].name, column.name) == 0)
            return error_set_at(err, ERROR_UNPROCESSABLE, "full_feature_names",
                                "Duplicate features named %s found; full_feature_names=true tells views apart",
                                column.name);
    }
    if (!add_view(request, view, &column.view, err))
        return false;
    request->columns[request->columns_count++] = column;
    return true;
}

/* NULL unless it is a text without a NUL in it. */
static const char *get_text(yyjson_val *value)
{
    const char *text = yyjson_get_str(value);
    return text != NULL && strlen(text) == yyjson_get_len(value) ? text : NULL;
}

static bool find_service(yyjson_val *body, const FeatureServices *services, const FeatureService **ret_service,
                         Error *err)
{
    yyjson_val *name = yyjson_obj_get(body, "feature_service");
    *ret_service = NULL;
    if (name == NULL || yyjson_is_null(name))
        return true;
    if (get_text(name) == NULL)
        return error_set_at(err, ERROR_UNPROCESSABLE, "feature_service", "feature_service must be a name");
    *ret_service = feature_services_find(services, get_text(name));
    return *ret_service != NULL || error_set_at(err, ERROR_NOT_FOUND, "feature_service",
                                                "Feature service %.100s does not exist", get_text(name));
}

static bool read_columns(yyjson_val *body, const FeatureViews *views, const FeatureServices *services, Arena *arena,
                         FeastRequest *request, Error *err)
{
    const FeatureService *service = NULL;
    if (!find_service(body, services, &service, err))
        return false;
    yyjson_val *features = yyjson_obj_get(body, "features");
    size_t count = service == NULL ? yyjson_arr_size(features) : service->features_count;
    if (count == 0 || count > FEAST_FEATURES_MAX)
        return error_set_at(err, ERROR_UNPROCESSABLE, "features",
                            "features must be a list of 1..%d references <feature_view>:<feature>", FEAST_FEATURES_MAX);
    bool full_names = yyjson_is_true(yyjson_obj_get(body, "full_feature_names"));
    request->columns = arena_array(arena, count, sizeof(*request->columns));
    yyjson_val *reference = yyjson_arr_get_first(features);
    for (size_t i = 0; i < count; i++) {
        const char *text = service == NULL ? get_text(reference) : service->features[i];
        reference = service == NULL ? unsafe_yyjson_get_next(reference) : NULL;
        if (text == NULL)
            return error_set_at(err, ERROR_UNPROCESSABLE, "features", "features[%zu] must be a string", i);
        if (!feast_request_add(request, views, text, full_names, arena, err))
            return false;
    }
    return true;
}

/* The integer that a text holds in decimal and nothing else, as SDKs may send keys of another type than declared. */
static bool text_is_integer(const char *text, int64_t *ret_value)
{
    char *end = NULL;
    errno = 0;
    *ret_value = strtoll(text, &end, 10);
    return (text[0] == '-' || (text[0] >= '0' && text[0] <= '9')) && *end == '\0' && errno == 0;
}

static bool value_is_integer(yyjson_val *value)
{
    return yyjson_is_sint(value) || (yyjson_is_uint(value) && yyjson_get_uint(value) <= INT64_MAX);
}

static bool read_entity_value(yyjson_val *value, const FeastJoinKey *key, size_t index, Arena *arena,
                              const char **ret_value, Error *err)
{
    const char *text = get_text(value);
    int64_t integer = yyjson_get_sint(value);
    if (value_is_integer(value) || (key->type == FEATURE_INT64 && text != NULL && text_is_integer(text, &integer))) {
        *ret_value = arena_printf(arena, "%" PRId64, integer);
        return true;
    }
    if (key->type == FEATURE_INT64)
        return error_set_at(err, ERROR_UNPROCESSABLE, "entities", "entities.%s[%zu] must be an integer", key->name,
                            index);
    if (text == NULL || yyjson_get_len(value) > FEAST_ENTITY_VALUE_MAX)
        return error_set_at(err, ERROR_UNPROCESSABLE, "entities",
                            "entities.%s[%zu] must be a string of at most %d bytes or an integer", key->name, index,
                            FEAST_ENTITY_VALUE_MAX);
    *ret_value = arena_strndup(arena, text, yyjson_get_len(value));
    return true;
}

static bool read_join_key(yyjson_val *entities, Arena *arena, FeastJoinKey *key, size_t count, Error *err)
{
    yyjson_val *values = yyjson_obj_get(entities, key->name);
    if (values == NULL)
        return error_set_at(err, ERROR_UNPROCESSABLE, "entities", "Missing join key values for keys: ['%s']",
                            key->name);
    key->values = arena_array(arena, count, sizeof(*key->values));
    size_t i, all;
    yyjson_val *value;
    yyjson_arr_foreach(values, i, all, value)
    {
        if (!read_entity_value(value, key, i, arena, &key->values[i], err))
            return false;
    }
    return true;
}

static bool read_entities(yyjson_val *body, size_t rows_max, Arena *arena, FeastRequest *request, Error *err)
{
    yyjson_val *entities = yyjson_obj_get(body, "entities");
    if (!yyjson_is_obj(entities))
        return error_set_at(err, ERROR_UNPROCESSABLE, "entities", "entities must be an object of lists");
    bool first = true;
    size_t index, all;
    yyjson_val *name, *values;
    yyjson_obj_foreach(entities, index, all, name, values)
    {
        size_t count = yyjson_arr_size(values);
        if (!yyjson_is_arr(values) || count == 0 || count > rows_max)
            return error_set_at(err, ERROR_UNPROCESSABLE, "entities", "entities.%.60s must be a list of 1..%zu values",
                                yyjson_get_str(name), rows_max);
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

static bool join_values(const FeastRequest *request, const FeastView *wanted, size_t index, Arena *arena,
                        const char **ret_entity, Error *err)
{
    FeatureValue keys[FEATURE_KEYS_MAX];
    char entity[FEATURE_ENTITY_MAX + 1];
    for (size_t i = 0; i < wanted->view->keys_count; i++) {
        const char *text = request->join_keys[wanted->join_keys[i]].values[index];
        keys[i] = (FeatureValue){.text = text};
        if (wanted->view->keys[i].type == FEATURE_INT64)
            keys[i] = (FeatureValue){.integer = strtoll(text, NULL, 10)};
    }
    if (!feature_entity_format(wanted->view, keys, entity, err)) {
        error_prefix(err, "entities[%zu]", index);
        return error_set_at(err, err->code, "entities", "%s", arena_strdup(arena, err->message));
    }
    *ret_entity = arena_strdup(arena, entity);
    return true;
}

/* The text of a single key is its value as it is. */
static bool make_entities(const FeastRequest *request, FeastView *wanted, Arena *arena, Error *err)
{
    if (wanted->view->keys_count == 1) {
        wanted->entities = request->join_keys[wanted->join_keys[0]].values;
        return true;
    }
    wanted->entities = arena_array(arena, request->entities_count, sizeof(*wanted->entities));
    for (size_t i = 0; i < request->entities_count; i++) {
        if (!join_values(request, wanted, i, arena, &wanted->entities[i], err))
            return false;
    }
    return true;
}

bool feast_request_join(FeastRequest *request, Arena *arena, Error *err)
{
    for (size_t i = 0; i < request->views_count; i++) {
        if (!make_entities(request, &request->views[i], arena, err))
            return false;
    }
    return true;
}

bool feast_request_read(yyjson_val *body, const FeatureViews *views, const FeatureServices *services, size_t rows_max,
                        Arena *arena, FeastRequest *ret_request, Error *err)
{
    FeastRequest request = {0};
    if (!read_columns(body, views, services, arena, &request, err) ||
        !read_entities(body, rows_max, arena, &request, err))
        return false;
    if (!feast_request_join(&request, arena, err))
        return false;
    request.with_version_metadata = yyjson_is_true(yyjson_obj_get(body, "include_feature_view_version_metadata"));
    *ret_request = request;
    return true;
}
