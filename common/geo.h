/* From coordinates to geos, and what the service area says of them. */
#pragma once

#include <stddef.h>
#include "common/arena.h"

enum { GEO_ID_MAX = 64, GEO_RESOLUTION_DEFAULT = 7 };

/* H3 cell id (15 hex digits) of the point at the resolution 0..15. INVALID_ARGUMENT when out of range or not finite. */
bool geo_cell(double lat, double lon, int resolution, char ret_geo[GEO_ID_MAX], Error *err) MUST_CHECK;
/* Centre of a cell. */
bool geo_cell_center(const char *geo, double *ret_lat, double *ret_lon, Error *err) MUST_CHECK;
/* Boundary of a cell: up to 10 vertices, degrees; returns how many. */
bool geo_cell_boundary(const char *geo, double ret_lat[10], double ret_lon[10], size_t *ret_count,
                       Error *err) MUST_CHECK;
bool geo_is_cell(const char *geo);

/* One city of the service area file: {"cities": [{"city","name","timezone","country","lat","lon","radius_km"}]}. */
typedef struct ServiceCity {
    const char *city; /* geo id of the city, e.g. "city:buenos-aires" */
    const char *name;
    const char *timezone;
    const char *country;
    double lat, lon, radius_km;
} ServiceCity;

typedef struct ServiceArea {
    ServiceCity *cities;
    size_t count;
} ServiceArea;

/* Reads the file into the arena; an empty path is an empty area. MALFORMED names file and field, INVALID_ARGUMENT a
 * file that can't be read. */
bool service_area_load(const char *path, Arena *arena, ServiceArea *ret_area, Error *err) MUST_CHECK;
/* Cells of the resolution whose centre lies within the city's radius: its geos before any order. In the arena.
 * TOO_LARGE when there would be far too many. */
bool service_city_cells(const ServiceCity *city, int resolution, Arena *arena, char (**ret_cells)[GEO_ID_MAX],
                        size_t *ret_count, Error *err) MUST_CHECK;

/* What is known of a geo from its place alone. All strings static or owned by the area. */
typedef struct GeoPlace {
    const char *city; /* parent geo; NULL outside every city: then the parent is "all" */
    const char *timezone;
    const char *country;
} GeoPlace;

/* The nearest city whose radius holds the point; else `default_timezone` if not empty, else the nearest place of
 * tzdata. Zone and country are never NULL (UTC and "" without tzdata). */
GeoPlace geo_place(const ServiceArea *area, const char *default_timezone, double lat, double lon);
