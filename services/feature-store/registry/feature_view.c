#include "services/feature-store/registry/feature_view.h"

#include <string.h>
#include "services/feature-store/registry/feature_declaration.h"
#include "services/feature-store/registry/feature_views_add.h"

void feature_views_begin(FeatureViews *views)
{
    *views = (FeatureViews){.arena = arena_new()};
    views->items = arena_array(views->arena, FEATURE_VIEWS_MAX, sizeof(*views->items));
}

bool feature_views_add(FeatureViews *views, const char *text, size_t length_bytes, const FeatureQueryReader *queries,
                       Error *err)
{
    JSON_SCOPED json_t *declaration = NULL;
    FeatureView view = {0};
    if (views->count == FEATURE_VIEWS_MAX)
        return error_set(err, ERROR_TOO_LARGE, "at most %d feature views", FEATURE_VIEWS_MAX);
    if (!json_parse(text, length_bytes, &declaration, err) ||
        !feature_declaration_read(declaration, queries, views->arena, &view, err))
        return false;
    if (feature_views_find(views, view.name, strlen(view.name), view.version) != NULL)
        return error_set_at(err, ERROR_UNPROCESSABLE, "/version", "%s version %lld is declared twice", view.name,
                            (long long)view.version);
    view.declaration = json_incref(declaration);
    views->items[views->count++] = view;
    return true;
}

static bool read_embedded_query(void *context, const char *file, Arena *arena, const char **ret_sql, Error *err)
{
    (void)context;
    (void)arena;
    for (size_t i = 0; i < feature_view_queries_count; i++) {
        if (strcmp(feature_view_queries[i].name, file) == 0) {
            *ret_sql = feature_view_queries[i].sql;
            return true;
        }
    }
    return error_set_at(err, ERROR_UNPROCESSABLE, "/source/query", "there is no file %s", file);
}

bool feature_views_load(const char *const *declarations, size_t count, FeatureViews *ret_views, Error *err)
{
    static const FeatureQueryReader queries = {.read = read_embedded_query};
    FeatureViews views;
    feature_views_begin(&views);
    for (size_t i = 0; i < count; i++) {
        if (!feature_views_add(&views, declarations[i], strlen(declarations[i]), &queries, err)) {
            error_prefix(err, "feature view declaration %zu", i);
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

bool feature_view_is_stored(const FeatureView *view)
{
    return view->source.kind != FEATURE_SOURCE_ON_DEMAND;
}
