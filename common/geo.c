#include "common/geo.h"

#include <h3/h3api.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "common/json.h"
#include "common/timezone.h"

enum {
    RESOLUTION_MAX = 15,
    SERVICE_AREA_LIMIT_BYTES = 1 << 20,
    CITIES_MAX = 1000,
    CITY_CELLS_MAX = 200000,
};

#define EARTH_RADIUS_KM 6371.0088 /* mean radius, IUGG */
#define CITY_RADIUS_MAX_KM 500.0

/* Great-circle distance by the haversine formula. */
static double distance_km(double lat_a, double lon_a, double lat_b, double lon_b)
{
    double half_phi = sin(degsToRads(lat_b - lat_a) / 2), half_lambda = sin(degsToRads(lon_b - lon_a) / 2);
    double h = half_phi * half_phi + cos(degsToRads(lat_a)) * cos(degsToRads(lat_b)) * half_lambda * half_lambda;
    return 2 * EARTH_RADIUS_KM * asin(fmin(1, sqrt(h)));
}

static bool to_cell(double lat, double lon, int resolution, H3Index *ret_cell, Error *err)
{
    if (!(lat >= -90 && lat <= 90) || !(lon >= -180 && lon <= 180))
        return error_set(err, ERROR_INVALID_ARGUMENT, "no place on Earth has latitude %g and longitude %g", lat, lon);
    LatLng point = {.lat = degsToRads(lat), .lng = degsToRads(lon)};
    if (resolution < 0 || resolution > RESOLUTION_MAX || latLngToCell(&point, resolution, ret_cell) != E_SUCCESS)
        return error_set(err, ERROR_INVALID_ARGUMENT, "H3 resolution %d is not within 0..%d", resolution,
                         RESOLUTION_MAX);
    return true;
}

/* Only the spelling that h3ToString gives is an id: geos are compared as text. */
static bool parse_cell(const char *geo, H3Index *ret_cell)
{
    char canonical[GEO_ID_MAX];
    return strlen(geo) < GEO_ID_MAX && stringToH3(geo, ret_cell) == E_SUCCESS && isValidCell(*ret_cell) &&
           h3ToString(*ret_cell, canonical, sizeof canonical) == E_SUCCESS && strcmp(canonical, geo) == 0;
}

static bool need_cell(const char *geo, H3Index *ret_cell, Error *err)
{
    return parse_cell(geo, ret_cell) || error_set(err, ERROR_INVALID_ARGUMENT, "'%.60s' is not an H3 cell", geo);
}

bool geo_cell(double lat, double lon, int resolution, char ret_geo[GEO_ID_MAX], Error *err)
{
    H3Index cell;
    if (!to_cell(lat, lon, resolution, &cell, err))
        return false;
    h3ToString(cell, ret_geo, GEO_ID_MAX);
    return true;
}

bool geo_cell_center(const char *geo, double *ret_lat, double *ret_lon, Error *err)
{
    H3Index cell;
    LatLng center;
    if (!need_cell(geo, &cell, err))
        return false;
    cellToLatLng(cell, &center);
    *ret_lat = radsToDegs(center.lat);
    *ret_lon = radsToDegs(center.lng);
    return true;
}

bool geo_cell_boundary(const char *geo, double ret_lat[10], double ret_lon[10], size_t *ret_count, Error *err)
{
    H3Index cell;
    CellBoundary boundary;
    if (!need_cell(geo, &cell, err))
        return false;
    cellToBoundary(cell, &boundary);
    for (int i = 0; i < boundary.numVerts; i++) {
        ret_lat[i] = radsToDegs(boundary.verts[i].lat);
        ret_lon[i] = radsToDegs(boundary.verts[i].lng);
    }
    *ret_count = (size_t)boundary.numVerts;
    return true;
}

bool geo_is_cell(const char *geo)
{
    H3Index cell;
    return parse_cell(geo, &cell);
}

static bool read_file(const char *path, Arena *arena, char **ret_text, size_t *ret_length_bytes, Error *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT, "can't open the service area: %s", strerror(errno));
    char *text = arena_alloc(arena, SERVICE_AREA_LIMIT_BYTES + 1);
    size_t length_bytes = fread(text, 1, SERVICE_AREA_LIMIT_BYTES + 1, file);
    bool failed = ferror(file) != 0;
    fclose(file);
    if (failed)
        return error_set(err, ERROR_INVALID_ARGUMENT, "can't read the service area");
    if (length_bytes > SERVICE_AREA_LIMIT_BYTES)
        return error_set(err, ERROR_TOO_LARGE, "a service area has at most %d bytes", SERVICE_AREA_LIMIT_BYTES);
    *ret_text = text;
    *ret_length_bytes = length_bytes;
    return true;
}

static bool is_city_id(const char *id)
{
    size_t length = strlen(id);
    return length > 0 && length < GEO_ID_MAX && strcmp(id, "all") != 0 && !geo_is_cell(id) &&
           strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789:_-") == length;
}

static bool read_city(const json_t *object, size_t index, Arena *arena, ServiceArea *area, Error *err)
{
    static const JsonField fields[] = {
        {.name = "city", .type = JSON_FIELD_TEXT, .offset = offsetof(ServiceCity, city)},
        {.name = "name", .type = JSON_FIELD_TEXT, .offset = offsetof(ServiceCity, name)},
        {.name = "timezone", .type = JSON_FIELD_TEXT, .offset = offsetof(ServiceCity, timezone)},
        {.name = "country", .type = JSON_FIELD_TEXT, .offset = offsetof(ServiceCity, country)},
        {.name = "lat", .type = JSON_FIELD_REAL, .offset = offsetof(ServiceCity, lat), .minimum = -90, .maximum = 90},
        {.name = "lon", .type = JSON_FIELD_REAL, .offset = offsetof(ServiceCity, lon), .minimum = -180, .maximum = 180},
        {.name = "radius_km",
         .type = JSON_FIELD_REAL,
         .offset = offsetof(ServiceCity, radius_km),
         .maximum = CITY_RADIUS_MAX_KM},
        {.name = NULL},
    };
    char at[32];
    snprintf(at, sizeof at, "/cities/%zu", index);
    ServiceCity *city = &area->cities[index];
    if (!json_read(object, at, fields, arena, city, err))
        return false;
    if (!is_city_id(city->city))
        return error_set_at(err, ERROR_UNPROCESSABLE, at,
                            "%s/city: an id of up to %d lower-case letters, digits, ':', '-' and '_' is needed", at,
                            GEO_ID_MAX - 1);
    for (size_t i = 0; i < index; i++)
        if (strcmp(area->cities[i].city, city->city) == 0)
            return error_set_at(err, ERROR_UNPROCESSABLE, at, "%s/city: '%s' is there twice", at, city->city);
    if (strlen(city->country) != 2 || strspn(city->country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2)
        return error_set_at(err, ERROR_UNPROCESSABLE, at, "%s/country: two capitals (ISO 3166) are needed", at);
    const TimeZone *zone;
    return timezone_get(city->timezone, &zone, err) || error_prefix(err, "%s/timezone", at);
}

static bool read_area(const char *text, size_t length_bytes, Arena *arena, ServiceArea *ret_area, Error *err)
{
    JSON_SCOPED json_t *json = NULL;
    if (!json_parse(text, length_bytes, &json, err))
        return false;
    const json_t *cities = json_object_get(json, "cities");
    size_t count = json_array_size(cities);
    if (!json_is_array(cities) || count > CITIES_MAX)
        return error_set_at(err, ERROR_UNPROCESSABLE, "/cities", "/cities: an array of up to %d objects is needed",
                            CITIES_MAX);
    ServiceArea area = {.cities = arena_array(arena, count, sizeof *area.cities), .count = count};
    for (size_t i = 0; i < count; i++)
        if (!read_city(json_array_get(cities, i), i, arena, &area, err))
            return false;
    *ret_area = area;
    return true;
}

bool service_area_load(const char *path, Arena *arena, ServiceArea *ret_area, Error *err)
{
    if (path[0] == '\0') {
        *ret_area = (ServiceArea){0};
        return true;
    }
    char *text;
    size_t length_bytes;
    Error why = {0};
    if (!read_file(path, arena, &text, &length_bytes, &why))
        return error_set(err, why.code, "%s: %s", path, why.message);
    if (!read_area(text, length_bytes, arena, ret_area, &why))
        return error_set_at(err, ERROR_MALFORMED, why.pointer, "%s: %s", path, why.message);
    return true;
}

bool service_city_cells(const ServiceCity *city, int resolution, Arena *arena, char (**ret_cells)[GEO_ID_MAX],
                        size_t *ret_count, Error *err)
{
    H3Index center;
    double edge_km;
    if (!to_cell(city->lat, city->lon, resolution, &center, err))
        return false;
    getHexagonEdgeLengthAvgKm(resolution, &edge_km);
    /* Rings of hexagons are 1.5 edges apart where they are nearest; edges shrink to 0.7 of the average on the globe. */
    int rings = (int)ceil(city->radius_km / (1.5 * 0.7 * edge_km)) + 1;
    int64_t most = 0;
    if (city->radius_km > CITY_RADIUS_MAX_KM || maxGridDiskSize(rings, &most) != E_SUCCESS || most > CITY_CELLS_MAX)
        return error_set(
            err, ERROR_TOO_LARGE,
            "%s: a radius of %g km has more than %d cells of resolution %d: choose a smaller one of either", city->city,
            city->radius_km, CITY_CELLS_MAX, resolution);
    H3Index *disk = arena_array(arena, (size_t)most, sizeof *disk);
    if (gridDisk(center, rings, disk) != E_SUCCESS)
        return error_set(err, ERROR_INTERNAL, "H3 can't list the cells of %s", city->city);
    char(*cells)[GEO_ID_MAX] = arena_array(arena, (size_t)most, sizeof *cells);
    size_t count = 0;
    for (int64_t i = 0; i < most; i++) {
        LatLng point;
        if (disk[i] == 0)
            continue;
        cellToLatLng(disk[i], &point);
        if (distance_km(city->lat, city->lon, radsToDegs(point.lat), radsToDegs(point.lng)) <= city->radius_km)
            h3ToString(disk[i], cells[count++], GEO_ID_MAX);
    }
    *ret_cells = cells;
    *ret_count = count;
    return true;
}

GeoPlace geo_place(const ServiceArea *area, const char *default_timezone, double lat, double lon)
{
    const ServiceCity *nearest = NULL;
    double nearest_km = INFINITY;
    for (size_t i = 0; i < area->count; i++) {
        double away_km = distance_km(lat, lon, area->cities[i].lat, area->cities[i].lon);
        if (away_km <= area->cities[i].radius_km && away_km < nearest_km) {
            nearest = &area->cities[i];
            nearest_km = away_km;
        }
    }
    if (nearest != NULL)
        return (GeoPlace){.city = nearest->city, .timezone = nearest->timezone, .country = nearest->country};
    GeoPlace place = {.city = NULL, .timezone = "UTC", .country = ""};
    const char *zone, *country;
    if (timezone_nearest(lat, lon, &zone, &country, NULL)) {
        place.timezone = zone;
        place.country = country;
    }
    if (default_timezone[0] != '\0')
        place.timezone = default_timezone;
    return place;
}
