/* The polygon zones of a GeoJSON file, ahead of geometry: docs/geos.md describes the file. Pure. */
#pragma once

#include <stddef.h>
#include "common/arena.h"

enum {
    ZONES_MAX = 20000,
    ZONE_FILE_MAX_BYTES = 64 << 20,
    ZONE_NAME_MAX_BYTES = 200,
    ZONE_HASH_MAX = 65, /* of the text, with its NUL */
};

typedef struct Zone {
    const char *zone;     /* the geo id */
    const char *name;     /* for people */
    const char *timezone; /* NULL: as its place has it */
    const char *country;  /* NULL: likewise */
    const char *city;     /* geo id of the city it adds up into; NULL: the city it lies in, if any */
    const char *geometry; /* GeoJSON Polygon or MultiPolygon */
} Zone;

typedef struct ZoneFile {
    const char *text; /* the file; empty: no zones */
    char hash[ZONE_HASH_MAX];
    Zone *zones;
    size_t count;
} ZoneFile;

/* Reads the text into the arena; an empty text is no zones. MALFORMED or UNPROCESSABLE names `file_name`, the feature
 * and what is allowed. Geometries are checked by zone_index_new(). */
bool zone_file_parse(const char *text, const char *file_name, Arena *arena, ZoneFile *ret_file, Error *err) MUST_CHECK;
/* The same from a file; an empty path is no zones. INVALID_ARGUMENT for a file that can't be read. */
bool zone_file_load(const char *path, Arena *arena, ZoneFile *ret_file, Error *err) MUST_CHECK;
