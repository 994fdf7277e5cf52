#include "services/feature-store/registry/feature_view.h"

#include <string.h>

static const char *const type_names[] = {[FEATURE_INT64] = "int64", [FEATURE_FLOAT64] = "float64"};

static const JsonField view_fields[] = {
    {.name = "name", .type = JSON_FIELD_TEXT, .offset = offsetof(FeatureView, name)},
    {.name = "version", .type = JSON_FIELD_INT, .offset = offsetof(FeatureView, version), .minimum = 1, .maximum = 1e6},
    {.name = "description", .type = JSON_FIELD_TEXT, .offset = offsetof(FeatureView, description)},
    {.name = "owner", .type = JSON_FIELD_TEXT, .offset = offsetof(FeatureView, owner)},
    {.name = "ttl_s", .type = JSON_FIELD_INT, .offset = offsetof(FeatureView, ttl_s), .minimum = 1, .maximum = 1e9},
    {0},
};

static const JsonField entity_fields[] = {
    {.name = "name", .type = JSON_FIELD_TEXT, .offset = offsetof(FeatureView, entity)},
    {.name = "join_key", .type = JSON_FIELD_TEXT, .offset = offsetof(FeatureView, join_key)},
    {0},
};

typedef struct DeclaredFeature {
    const char *name, *type, *description;
} DeclaredFeature;

static const JsonField feature_fields[] = {
    {.name = "name", .type = JSON_FIELD_TEXT, .offset = offsetof(DeclaredFeature, name)},
    {.name = "type", .type = JSON_FIELD_TEXT, .offset = offsetof(DeclaredFeature, type)},
    {.name = "description", .type = JSON_FIELD_TEXT, .offset = offsetof(DeclaredFeature, description)},
    {0},
};

const char *feature_type_name(FeatureType type)
{
    return type_names[type];
}

/* At most FEATURE_NAME_MAX of a-z, 0-9 and _, beginning with a letter: safe in SQL, keys and labels. */
static bool feature_name_valid(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length <= FEATURE_NAME_MAX && name[0] >= 'a' && name[0] <= 'z' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

static bool feature_type_parse(const char *name, const char *at, FeatureType *ret_type, Error *err)
{
    for (size_t i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++) {
        if (strcmp(type_names[i], name) == 0) {
            *ret_type = (FeatureType)i;
            return true;
        }
    }
    return error_set_at(err, ERROR_UNPROCESSABLE, at, "%s: type \"%s\" is not one of int64, float64", at, name);
}

/* FNV-1a, 32 bits (Fowler, Noll, Vo; draft-eastlake-fnv). */
static uint32_t hash_text(uint32_t hash, const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        hash = (hash ^ (uint8_t)*c) * UINT32_C(16777619);
    return (hash ^ 0xff) * UINT32_C(16777619);
}

static uint32_t view_hash(const FeatureView *view, Arena *arena)
{
    uint32_t hash = hash_text(UINT32_C(2166136261), view->name);
    hash = hash_text(hash, arena_printf(arena, "%lld", (long long)view->version));
    for (size_t i = 0; i < view->features_count; i++) {
        hash = hash_text(hash, view->features[i].name);
        hash = hash_text(hash, type_names[view->features[i].type]);
    }
    return hash;
}

static bool read_features(const json_t *list, Arena *arena, FeatureView *view, Error *err)
{
    size_t count = json_array_size(list);
    if (count == 0 || count > FEATURES_PER_VIEW_MAX)
        return error_set_at(err, ERROR_UNPROCESSABLE, "/features", "a view has 1..%d features", FEATURES_PER_VIEW_MAX);
    Feature *features = arena_array(arena, count, sizeof(*features));
    view->features = features;
    for (size_t i = 0; i < count; i++) {
        const char *at = arena_printf(arena, "/features/%zu", i);
        DeclaredFeature declared = {0};
        if (!json_read(json_array_get(list, i), at, feature_fields, arena, &declared, err) ||
            !feature_type_parse(declared.type, at, &features[i].type, err))
            return false;
        if (!feature_name_valid(declared.name) || feature_view_index(view, declared.name) >= 0)
            return error_set_at(err, ERROR_UNPROCESSABLE, at, "%s: name \"%s\" is invalid or there twice", at,
                                declared.name);
        features[i].name = declared.name;
        features[i].description = declared.description;
        view->features_count = i + 1;
    }
    return true;
}

static bool read_view(json_t *declaration, Arena *arena, FeatureView *view, Error *err)
{
    if (!json_read(declaration, "", view_fields, arena, view, err) ||
        !json_read(json_object_get(declaration, "entity"), "/entity", entity_fields, arena, view, err) ||
        !read_features(json_object_get(declaration, "features"), arena, view, err))
        return false;
    if (!feature_name_valid(view->name) || !feature_name_valid(view->join_key))
        return error_set(err, ERROR_UNPROCESSABLE, "the names \"%s\" and \"%s\" must be a-z, 0-9 and _", view->name,
                         view->join_key);
    view->schema_hash = view_hash(view, arena);
    view->declaration = declaration;
    return true;
}

bool feature_views_load(const char *const *declarations, size_t count, FeatureViews *ret_views, Error *err)
{
    if (count > FEATURE_VIEWS_MAX)
        return error_set(err, ERROR_TOO_LARGE, "at most %d feature views", FEATURE_VIEWS_MAX);
    FeatureViews views = {.arena = arena_new()};
    views.items = arena_array(views.arena, count, sizeof(*views.items));
    for (; views.count < count; views.count++) {
        json_t *declaration = NULL;
        bool ok = json_parse(declarations[views.count], strlen(declarations[views.count]), &declaration, err);
        FeatureView *view = &views.items[views.count];
        ok = ok && read_view(declaration, views.arena, view, err);
        if (ok && feature_views_find(&views, view->name, strlen(view->name), view->version) != NULL)
            ok = error_set(err, ERROR_UNPROCESSABLE, "%s version %lld is declared twice", view->name,
                           (long long)view->version);
        if (!ok) {
            json_decref(declaration);
            error_prefix(err, "feature view declaration %zu", views.count);
            feature_views_fini(&views);
            return false;
        }
    }
    *ret_views = views;
    return true;
}

void feature_views_fini(FeatureViews *views)
{
    for (size_t i = 0; i < views->count; i++)
        json_decref(views->items[i].declaration);
    arena_free(views->arena);
    *views = (FeatureViews){0};
}

const FeatureView *feature_views_find(const FeatureViews *views, const char *name, size_t name_length, int64_t version)
{
    const FeatureView *found = NULL;
    for (size_t i = 0; i < views->count; i++) {
        const FeatureView *view = &views->items[i];
        if (strlen(view->name) != name_length || memcmp(view->name, name, name_length) != 0)
            continue;
        if (version == view->version || (version == 0 && (found == NULL || view->version > found->version)))
            found = view;
    }
    return found;
}

int feature_view_index(const FeatureView *view, const char *feature)
{
    for (size_t i = 0; i < view->features_count; i++) {
        if (strcmp(view->features[i].name, feature) == 0)
            return (int)i;
    }
    return -1;
}
