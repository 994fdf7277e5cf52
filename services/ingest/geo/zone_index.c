#include "services/ingest/geo/zone_index.h"

#include <geos_c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TREE_NODE_CAPACITY = 10, REASON_MAX_BYTES = 256 };

typedef struct Shape {
    const Zone *zone;
    GEOSGeometry *geometry;
    const GEOSPreparedGeometry *prepared;
    double area; /* square degrees */
    double inside_lat, inside_lon;
} Shape;

struct ZoneIndex {
    GEOSContextHandle_t geos;
    GEOSSTRtree *tree;
    GEOSGeometry *point; /* the place asked for */
    Shape *shapes;
    size_t count;
    char reason[REASON_MAX_BYTES]; /* what GEOS said last */
};

/* A search in the tree. */
typedef struct Search {
    ZoneIndex *index;
    const Shape *best;
} Search;

static void keep_reason(const char *message, void *context)
{
    ZoneIndex *index = context;
    snprintf(index->reason, sizeof index->reason, "%s", message);
}

static bool lies_on_earth(const ZoneIndex *index, const GEOSGeometry *geometry)
{
    double west, south, east, north;
    return GEOSGeom_getXMin_r(index->geos, geometry, &west) && GEOSGeom_getXMax_r(index->geos, geometry, &east) &&
           GEOSGeom_getYMin_r(index->geos, geometry, &south) && GEOSGeom_getYMax_r(index->geos, geometry, &north) &&
           west >= -180 && east <= 180 && south >= -90 && north <= 90;
}

static bool find_inside(ZoneIndex *index, Shape *shape)
{
    GEOSGeometry *inside = GEOSPointOnSurface_r(index->geos, shape->geometry);
    bool ok = inside && GEOSGeomGetX_r(index->geos, inside, &shape->inside_lon) == 1 &&
              GEOSGeomGetY_r(index->geos, inside, &shape->inside_lat) == 1;
    GEOSGeom_destroy_r(index->geos, inside);
    return ok;
}

static bool read_shape(ZoneIndex *index, GEOSGeoJSONReader *reader, Shape *shape, Error *err)
{
    snprintf(index->reason, sizeof index->reason, "not a geometry");
    shape->geometry = GEOSGeoJSONReader_readGeometry_r(index->geos, reader, shape->zone->geometry);
    if (!shape->geometry)
        return error_set(err, ERROR_UNPROCESSABLE, "the geometry of '%s': %s", shape->zone->zone, index->reason);
    if (GEOSisEmpty_r(index->geos, shape->geometry) != 0)
        return error_set(err, ERROR_UNPROCESSABLE, "the geometry of '%s' is empty", shape->zone->zone);
    if (!lies_on_earth(index, shape->geometry))
        return error_set(err, ERROR_UNPROCESSABLE,
                         "the geometry of '%s' leaves longitudes -180 to 180 or latitudes -90 to 90",
                         shape->zone->zone);
    if (GEOSisValid_r(index->geos, shape->geometry) != 1)
        return error_set(err, ERROR_UNPROCESSABLE, "the geometry of '%s' is not valid: %s", shape->zone->zone,
                         index->reason);
    shape->prepared = GEOSPrepare_r(index->geos, shape->geometry);
    if (!shape->prepared || GEOSArea_r(index->geos, shape->geometry, &shape->area) != 1 || !find_inside(index, shape))
        return error_set(err, ERROR_UNPROCESSABLE, "the geometry of '%s': %s", shape->zone->zone, index->reason);
    GEOSSTRtree_insert_r(index->geos, index->tree, shape->geometry, shape);
    return true;
}

bool zone_index_new(const ZoneFile *file, const char *file_name, ZoneIndex **ret_index, Error *err)
{
    ZoneIndex *index = calloc(1, sizeof *index);
    if (!index)
        abort();
    index->geos = GEOS_init_r();
    GEOSContext_setErrorMessageHandler_r(index->geos, keep_reason, index);
    GEOSContext_setNoticeMessageHandler_r(index->geos, keep_reason, index);
    index->tree = GEOSSTRtree_create_r(index->geos, TREE_NODE_CAPACITY);
    index->point = GEOSGeom_createPointFromXY_r(index->geos, 0, 0);
    index->shapes = calloc(file->count + 1, sizeof *index->shapes);
    if (!index->tree || !index->point || !index->shapes)
        abort();
    GEOSGeoJSONReader *reader = GEOSGeoJSONReader_create_r(index->geos);
    bool ok = true;
    for (size_t i = 0; ok && i < file->count; i++) {
        index->shapes[i].zone = &file->zones[i];
        index->count++;
        ok = read_shape(index, reader, &index->shapes[i], err) || error_prefix(err, "%s: feature %zu", file_name, i);
    }
    GEOSGeoJSONReader_destroy_r(index->geos, reader);
    if (ok)
        *ret_index = index;
    else
        zone_index_free(index);
    return ok;
}

void zone_index_free(ZoneIndex *index)
{
    if (!index)
        return;
    for (size_t i = 0; i < index->count; i++) {
        GEOSPreparedGeom_destroy_r(index->geos, index->shapes[i].prepared);
        GEOSGeom_destroy_r(index->geos, index->shapes[i].geometry);
    }
    GEOSGeom_destroy_r(index->geos, index->point);
    GEOSSTRtree_destroy_r(index->geos, index->tree);
    GEOS_finish_r(index->geos);
    free(index->shapes);
    free(index);
}

static bool is_better(const Shape *shape, const Shape *best)
{
    return !best || shape->area < best->area ||
           (shape->area == best->area && strcmp(shape->zone->zone, best->zone->zone) < 0);
}

static void consider(void *item, void *context)
{
    Search *search = context;
    const Shape *shape = item;
    ZoneIndex *index = search->index;
    if (is_better(shape, search->best) && GEOSPreparedIntersects_r(index->geos, shape->prepared, index->point) == 1)
        search->best = shape;
}

const Zone *zone_index_find(ZoneIndex *index, double lat, double lon)
{
    if (index->count == 0)
        return NULL;
    Search search = {.index = index};
    GEOSGeom_destroy_r(index->geos, index->point);
    index->point = GEOSGeom_createPointFromXY_r(index->geos, lon, lat);
    GEOSSTRtree_query_r(index->geos, index->tree, index->point, consider, &search);
    return search.best ? search.best->zone : NULL;
}

void zone_index_inside(const ZoneIndex *index, size_t number, double *ret_lat, double *ret_lon)
{
    *ret_lat = index->shapes[number].inside_lat;
    *ret_lon = index->shapes[number].inside_lon;
}
