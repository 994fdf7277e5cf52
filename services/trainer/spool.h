/* Bodies too large for memory: unlinked files, written once and then mapped. */
#pragma once

#include <stddef.h>
#include <stdio.h>
#include "common/error.h"

/* An open file without a name in the directory; the caller closes it. */
bool spool_open(const char *directory, FILE **ret_file, Error *err) MUST_CHECK;

typedef struct SpoolMap {
    void *data; /* NULL: empty */
    size_t length_bytes;
} SpoolMap;

/* What was written, read-only, until spool_unmap(); outlives the file. */
bool spool_map(FILE *file, SpoolMap *ret_map, Error *err) MUST_CHECK;
void spool_unmap(SpoolMap *map); /* accepts a zeroed one */
void spool_close(FILE **file);

#define SPOOL_SCOPED __attribute__((cleanup(spool_close)))
#define SPOOL_MAP_SCOPED __attribute__((cleanup(spool_unmap)))
