#include "services/trainer/spool_file.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/http_body.h"

bool spool_file_open(const char *directory, FILE **ret_file, Error *err)
{
    int descriptor;
    if (!spool_open(directory, &descriptor, err)) {
        return false;
    }
    FILE *file = fdopen(descriptor, "w+");
    if (file == NULL) {
        close(descriptor);
        return error_set(err, ERROR_INTERNAL, "The spool file can't be opened: %s.", strerror(errno));
    }
    *ret_file = file;
    return true;
}

bool spool_file_map(FILE *file, SpoolFileMap *ret_map, Error *err)
{
    struct stat status;
    if (fflush(file) != 0 || ferror(file) || fstat(fileno(file), &status) != 0) {
        return error_set(err, ERROR_INTERNAL, "The spool file can't be written: %s.", strerror(errno));
    }
    SpoolFileMap map = {.length_bytes = (size_t)status.st_size};
    if (map.length_bytes > 0) {
        map.data = mmap(NULL, map.length_bytes, PROT_READ, MAP_PRIVATE, fileno(file), 0);
        if (map.data == MAP_FAILED) {
            return error_set(err, ERROR_INTERNAL, "The spool file can't be mapped: %s.", strerror(errno));
        }
    }
    *ret_map = map;
    return true;
}

void spool_file_unmap(SpoolFileMap *map)
{
    if (map->data != NULL) {
        munmap(map->data, map->length_bytes);
    }
    *map = (SpoolFileMap){0};
}

void spool_file_close(FILE **file)
{
    if (*file != NULL) {
        fclose(*file);
    }
}
