#include "services/trainer/spool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool spool_open(const char *directory, FILE **ret_file, Error *err)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/rushcast-XXXXXX", directory);
    int descriptor = length < 0 || (size_t)length >= sizeof path ? -1 : mkstemp(path);
    if (descriptor < 0) {
        return error_set(err, ERROR_INTERNAL, "No file can be made in the spool directory %.200s: %s.", directory,
                         strerror(errno));
    }
    unlink(path);
    FILE *file = fdopen(descriptor, "w+");
    if (file == NULL) {
        close(descriptor);
        return error_set(err, ERROR_INTERNAL, "The spool file can't be opened: %s.", strerror(errno));
    }
    *ret_file = file;
    return true;
}

bool spool_map(FILE *file, SpoolMap *ret_map, Error *err)
{
    struct stat status;
    if (fflush(file) != 0 || ferror(file) || fstat(fileno(file), &status) != 0) {
        return error_set(err, ERROR_INTERNAL, "The spool file can't be written: %s.", strerror(errno));
    }
    SpoolMap map = {.length_bytes = (size_t)status.st_size};
    if (map.length_bytes > 0) {
        map.data = mmap(NULL, map.length_bytes, PROT_READ, MAP_PRIVATE, fileno(file), 0);
        if (map.data == MAP_FAILED) {
            return error_set(err, ERROR_INTERNAL, "The spool file can't be mapped: %s.", strerror(errno));
        }
    }
    *ret_map = map;
    return true;
}

void spool_unmap(SpoolMap *map)
{
    if (map->data != NULL) {
        munmap(map->data, map->length_bytes);
    }
    *map = (SpoolMap){0};
}

void spool_close(FILE **file)
{
    if (*file != NULL) {
        fclose(*file);
    }
}
