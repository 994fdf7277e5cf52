/* Bodies too large for memory: unlinked files, written once and then mapped. */
#pragma once

#include <stddef.h>
#include <stdio.h>
#include "common/error.h"

/* An open file without a name in the directory; the caller closes it. */
bool spool_file_open(const char *directory, FILE **ret_file, Error *err) MUST_CHECK;

typedef struct SpoolFileMap {
    void *data; /* NULL: empty */
    size_t length_bytes;
} SpoolFileMap;

/* What was written, read-only, until spool_file_unmap(); outlives the file. */
bool spool_file_map(FILE *file, SpoolFileMap *ret_map, Error *err) MUST_CHECK;
void spool_file_unmap(SpoolFileMap *map); /* accepts a zeroed one */
void spool_file_close(FILE **file);

#define SPOOL_FILE_SCOPED __attribute__((cleanup(spool_file_close)))
#define SPOOL_FILE_MAP_SCOPED __attribute__((cleanup(spool_file_unmap)))
