#include "cli/state_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

bool state_file_read(const char *path, char ret_line[STATE_LINE_MAX], bool *ret_found, Error *err)
{
    FILE *file = fopen(path, "r");
    *ret_found = file != NULL;
    if (!file)
        return errno == ENOENT || error_set(err, ERROR_INTERNAL, "%s can't be read: %s", path, strerror(errno));
    if (!fgets(ret_line, STATE_LINE_MAX, file))
        ret_line[0] = '\0';
    fclose(file);
    return true;
}

bool state_file_write(const char *path, const char *line, Error *err)
{
    char fresh[PATH_BYTES];
    snprintf(fresh, sizeof fresh, "%s.new", path);
    FILE *file = fopen(fresh, "w");
    if (!file)
        return error_set(err, ERROR_INTERNAL, "%s can't be written: %s", fresh, strerror(errno));
    fprintf(file, "%s\n", line);
    bool written = fflush(file) == 0 && fsync(fileno(file)) == 0;
    if (fclose(file) != 0 || !written || rename(fresh, path) != 0)
        return error_set(err, ERROR_INTERNAL, "%s can't be written: %s", path, strerror(errno));
    return true;
}
