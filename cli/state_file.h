/* A line that remembers how far a command came, replaced as a whole so that a kill leaves the old one or the new one.
 */
#pragma once

#include "common/error.h"

enum { STATE_LINE_MAX = 256 };

/* *ret_found is false when there is no file yet. */
bool state_file_read(const char *path, char ret_line[STATE_LINE_MAX], bool *ret_found, Error *err) MUST_CHECK;
/* On disk when it returns true. */
bool state_file_write(const char *path, const char *line, Error *err) MUST_CHECK;
