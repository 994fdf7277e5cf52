/* The folder of declarations that users add: every *.json file, in the order of the names. */
#pragma once

#include "common/arena.h"
#include "common/error.h"

enum { DECLARATION_FILE_MAX_BYTES = 1 << 20 };

/* The whole file with a NUL behind it, in the arena. UNPROCESSABLE or TOO_LARGE names the path. */
bool declaration_file_read(const char *path, size_t limit_bytes, Arena *arena, const char **ret_text,
                           size_t *ret_length_bytes, Error *err) MUST_CHECK;

/* Calls `visit` with the text of each file, which lives during the call. Errors name the file, or the folder when it
 * can't be read. */
bool declaration_folder_each(const char *folder,
                             bool (*visit)(void *context, const char *text, size_t length_bytes, Error *err),
                             void *context, Error *err) MUST_CHECK;
