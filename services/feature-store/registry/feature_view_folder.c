#include <string.h>
#include "services/feature-store/registry/declaration_folder.h"
#include "services/feature-store/registry/feature_views_add.h"

typedef struct Loading {
    const char *folder;
    FeatureViews *views;
} Loading;

/* `context` is the folder. */
static bool read_query(void *context, const char *file, Arena *arena, const char **ret_sql, Error *err)
{
    const char *folder = context, *text = NULL;
    size_t length = 0;
    ARENA_SCOPED Arena *reading = arena_new();
    if (!declaration_file_read(arena_printf(reading, "%s/%s", folder, file), FEATURE_SQL_MAX, reading, &text, &length,
                               err))
        return false;
    if (memchr(text, '\0', length) != NULL)
        return error_set(err, ERROR_UNPROCESSABLE, "%s/%s holds a NUL", folder, file);
    *ret_sql = arena_strndup(arena, text, length);
    return true;
}

static bool add(void *context, const char *text, size_t length_bytes, Error *err)
{
    const Loading *loading = context;
    ARENA_SCOPED Arena *arena = arena_new();
    FeatureQueryReader queries = {.read = read_query, .context = arena_strdup(arena, loading->folder)};
    return feature_views_add(loading->views, text, length_bytes, &queries, err);
}

bool feature_views_load_folder(const char *folder, FeatureViews *views, Error *err)
{
    size_t before = views->count;
    Loading loading = {folder, views};
    if (declaration_folder_each(folder, add, &loading, err))
        return true;
    while (views->count > before)
        json_decref(views->items[--views->count].declaration);
    return false;
}
