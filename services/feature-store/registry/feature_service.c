#include "services/feature-store/registry/feature_service.h"

#include <string.h>
#include "services/feature-store/registry/declaration_folder.h"
#include "services/feature-store/registry/feature_reference.h"

static const JsonField service_fields[] = {
    {.name = "name", .type = JSON_FIELD_TEXT, .offset = offsetof(FeatureService, name)},
    {.name = "description", .type = JSON_FIELD_TEXT, .offset = offsetof(FeatureService, description)},
    {.name = "owner", .type = JSON_FIELD_TEXT, .offset = offsetof(FeatureService, owner)},
    {0},
};

static bool read_features(const json_t *list, const FeatureViews *views, Arena *arena, FeatureService *service,
                          Error *err)
{
    size_t count = json_array_size(list);
    if (count == 0 || count > FEATURES_PER_SERVICE_MAX)
        return error_set_at(err, ERROR_UNPROCESSABLE, "/features",
                            "/features: a list of 1..%d references <feature_view>:<feature> is needed",
                            FEATURES_PER_SERVICE_MAX);
    service->features = arena_array(arena, count, sizeof(*service->features));
    for (; service->features_count < count; service->features_count++) {
        const char *text = json_string_value(json_array_get(list, service->features_count));
        const FeatureView *view = NULL;
        size_t feature = 0;
        if (!feature_reference_find(views, text == NULL ? "" : text, &view, &feature, err))
            return false;
        service->features[service->features_count] = arena_strdup(arena, text);
    }
    return true;
}

static bool add_service(FeatureServices *services, const FeatureViews *views, const char *text, size_t length_bytes,
                        Error *err)
{
    JSON_SCOPED json_t *declaration = NULL;
    FeatureService service = {0};
    if (services->count == FEATURE_SERVICES_MAX)
        return error_set(err, ERROR_TOO_LARGE, "at most %d feature services", FEATURE_SERVICES_MAX);
    if (!json_parse(text, length_bytes, &declaration, err) ||
        !json_read(declaration, "", service_fields, services->arena, &service, err) ||
        !read_features(json_object_get(declaration, "features"), views, services->arena, &service, err))
        return false;
    if (service.name[0] == '\0' || strlen(service.name) > FEATURE_NAME_MAX ||
        feature_services_find(services, service.name) != NULL)
        return error_set_at(err, ERROR_UNPROCESSABLE, "/name", "the name \"%.64s\" is empty, too long or there twice",
                            service.name);
    service.declaration = json_incref(declaration);
    services->items[services->count++] = service;
    return true;
}

bool feature_services_load(const char *const *declarations, size_t count, const FeatureViews *views,
                           FeatureServices *ret_services, Error *err)
{
    FeatureServices services = {.arena = arena_new()};
    services.items = arena_array(services.arena, FEATURE_SERVICES_MAX, sizeof(*services.items));
    for (size_t i = 0; i < count; i++) {
        if (!add_service(&services, views, declarations[i], strlen(declarations[i]), err)) {
            error_prefix(err, "feature service declaration %zu", i);
            feature_services_fini(&services);
            return false;
        }
    }
    *ret_services = services;
    return true;
}

typedef struct Loading {
    const FeatureViews *views;
    FeatureServices *services;
} Loading;

static bool add(void *context, const char *text, size_t length_bytes, Error *err)
{
    const Loading *loading = context;
    return add_service(loading->services, loading->views, text, length_bytes, err);
}

bool feature_services_load_folder(const char *folder, const FeatureViews *views, FeatureServices *services, Error *err)
{
    Loading loading = {views, services};
    return declaration_folder_each(folder, add, &loading, err);
}

void feature_services_fini(FeatureServices *services)
{
    for (size_t i = 0; i < services->count; i++)
        json_decref(services->items[i].declaration);
    arena_free(services->arena);
    *services = (FeatureServices){0};
}

const FeatureService *feature_services_find(const FeatureServices *services, const char *name)
{
    for (size_t i = 0; i < services->count; i++) {
        if (strcmp(services->items[i].name, name) == 0)
            return &services->items[i];
    }
    return NULL;
}
