/* Finds the zone that a place lies in (GEOS: prepared geometries in an STR tree). One thread uses an index. */
#pragma once

#include "services/ingest/geo/zone_file.h"

typedef struct ZoneIndex ZoneIndex;

/* Takes the zones of the file, which must outlive the index. UNPROCESSABLE names `file_name`, the zone and what is
 * wrong with its geometry. A file without zones gives an index that holds nothing. */
bool zone_index_new(const ZoneFile *file, const char *file_name, ZoneIndex **ret_index, Error *err) MUST_CHECK;
void zone_index_free(ZoneIndex *index); /* accepts NULL */

/* The zone that holds the place, its border included; of several the smallest, of equal ones the first id. NULL: none
 * does. */
const Zone *zone_index_find(ZoneIndex *index, double lat, double lon);
/* A place inside zone `number` of the file. */
void zone_index_inside(const ZoneIndex *index, size_t number, double *ret_lat, double *ret_lon);
