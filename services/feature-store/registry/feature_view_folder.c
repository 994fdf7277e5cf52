#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "services/feature-store/registry/feature_views_add.h"

static bool read_file(const char *path, size_t limit_bytes, Arena *arena, const char **ret_text, size_t *ret_length,
                      Error *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return error_set(err, ERROR_UNPROCESSABLE, "can't open %s: %s", path, strerror(errno));
    char *text = arena_alloc(arena, limit_bytes + 1);
    size_t length = fread(text, 1, limit_bytes + 1, file);
    int failed = ferror(file) ? errno : 0;
    fclose(file);
    if (failed != 0)
        return error_set(err, ERROR_UNPROCESSABLE, "can't read %s: %s", path, strerror(failed));
    if (length > limit_bytes)
        return error_set(err, ERROR_TOO_LARGE, "%s is larger than %zu bytes", path, limit_bytes);
    text[length] = '\0';
    *ret_text = text;
    *ret_length = length;
    return true;
}

static bool read_query(void *context, const char *file, Arena *arena, const char **ret_sql, Error *err)
{
    const char *folder = context, *text = NULL;
    size_t length = 0;
    ARENA_SCOPED Arena *reading = arena_new();
    if (!read_file(arena_printf(reading, "%s/%s", folder, file), FEATURE_SQL_MAX, reading, &text, &length, err))
        return false;
    if (memchr(text, '\0', length) != NULL)
        return error_set(err, ERROR_UNPROCESSABLE, "%s/%s holds a NUL", folder, file);
    *ret_sql = arena_strndup(arena, text, length);
    return true;
}

static int is_declaration(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return entry->d_name[0] != '.' && length > 5 && strcmp(entry->d_name + length - 5, ".json") == 0;
}

static bool add_file(const char *path, const char *folder, FeatureViews *views, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    FeatureQueryReader queries = {.read = read_query, .context = arena_strdup(arena, folder)};
    const char *text = NULL;
    size_t length = 0;
    return read_file(path, FEATURE_DECLARATION_MAX, arena, &text, &length, err) &&
           (feature_views_add(views, text, length, &queries, err) || error_prefix(err, "%s", path));
}

bool feature_views_load_folder(const char *folder, FeatureViews *views, Error *err)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_declaration, alphasort);
    if (count < 0)
        return error_set(err, ERROR_UNPROCESSABLE, "can't read the folder of feature views %s: %s", folder,
                         strerror(errno));
    size_t before = views->count;
    bool ok = true;
    ARENA_SCOPED Arena *arena = arena_new();
    for (int i = 0; i < count; i++) {
        ok = ok && add_file(arena_printf(arena, "%s/%s", folder, entries[i]->d_name), folder, views, err);
        free(entries[i]);
    }
    free(entries);
    while (!ok && views->count > before)
        json_decref(views->items[--views->count].declaration);
    return ok;
}
