#include "services/forecast-api/geo_catalog.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char unknown_zone[] = "UTC";

static void geo_catalog_destroy(void *object)
{
    GeoCatalog *catalog = object;
    arena_free(catalog->arena);
    free(catalog);
}

GeoCatalog *geo_catalog_new(size_t count)
{
    GeoCatalog *catalog = calloc(1, sizeof *catalog);
    if (catalog == NULL)
        abort();
    shared_init(&catalog->shared, geo_catalog_destroy);
    catalog->arena = arena_new();
    catalog->geos = arena_array(catalog->arena, count + 1, sizeof *catalog->geos);
    return catalog;
}

static const TimeZone *zone_or_utc(const char *name)
{
    const TimeZone *zone;
    Error ignored;
    if (name != NULL && timezone_get(name, &zone, &ignored))
        return zone;
    if (!timezone_get(unknown_zone, &zone, &ignored))
        abort(); /* UTC needs no tzdata */
    return zone;
}

static const char *copied(Arena *arena, const char *text)
{
    return text != NULL ? arena_strdup(arena, text) : NULL;
}

void geo_catalog_add(GeoCatalog *catalog, const GeoInfo *info)
{
    Arena *arena = catalog->arena;
    GeoInfo *geo = &catalog->geos[catalog->count++];
    *geo = *info;
    geo->geo = arena_strdup(arena, info->geo);
    geo->name = arena_strdup(arena, info->name);
    geo->kind = arena_strdup(arena, info->kind);
    geo->country = copied(arena, info->country);
    geo->parent = copied(arena, info->parent);
    geo->zone = zone_or_utc(info->timezone);
    geo->timezone = timezone_name(geo->zone);
    if (info->revision > catalog->revision)
        catalog->revision = info->revision;
}

static int geo_compare(const void *a, const void *b)
{
    return strcmp(((const GeoInfo *)a)->geo, ((const GeoInfo *)b)->geo);
}

void geo_catalog_finish(GeoCatalog *catalog)
{
    qsort(catalog->geos, catalog->count, sizeof *catalog->geos, geo_compare);
}

bool geo_catalog_has(const GeoCatalog *catalog, const char *geo)
{
    GeoInfo key = {.geo = geo};
    return bsearch(&key, catalog->geos, catalog->count, sizeof *catalog->geos, geo_compare) != NULL;
}

GeoInfo geo_info_unknown(const char *geo)
{
    const char *kind = "zone";
    if (strcmp(geo, "all") == 0)
        kind = "all";
    else if (strncmp(geo, "city:", 5) == 0)
        kind = "city";
    else if (geo_is_cell(geo))
        kind = "cell";
    return (GeoInfo){.geo = geo,
                     .name = geo,
                     .kind = kind,
                     .timezone = unknown_zone,
                     .zone = zone_or_utc(unknown_zone),
                     .lat = NAN,
                     .lon = NAN,
                     .first_hour = HOUR_NONE};
}
