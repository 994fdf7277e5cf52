#include "services/feature-store/registry/declaration_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool declaration_file_read(const char *path, size_t limit_bytes, Arena *arena, const char **ret_text,
                           size_t *ret_length_bytes, Error *err)
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
    *ret_length_bytes = length;
    return true;
}

static int is_declaration(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return entry->d_name[0] != '.' && length > 5 && strcmp(entry->d_name + length - 5, ".json") == 0;
}

bool declaration_folder_each(const char *folder,
                             bool (*visit)(void *context, const char *text, size_t length_bytes, Error *err),
                             void *context, Error *err)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_declaration, alphasort);
    if (count < 0)
        return error_set(err, ERROR_UNPROCESSABLE, "can't read the folder of declarations %s: %s", folder,
                         strerror(errno));
    bool ok = true;
    for (int i = 0; i < count; i++) {
        ARENA_SCOPED Arena *arena = arena_new();
        const char *path = arena_printf(arena, "%s/%s", folder, entries[i]->d_name), *text = NULL;
        size_t length = 0;
        ok = ok && declaration_file_read(path, DECLARATION_FILE_MAX_BYTES, arena, &text, &length, err) &&
             (visit(context, text, length, err) || error_prefix(err, "%s", path));
        free(entries[i]);
    }
    free(entries);
    return ok;
}
