#include "services/ingest/geo/geo_directory.h"

#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "gen/ingest_sql.h"
#include "services/ingest/geo/zone_index.h"
#include "services/ingest/text_hash.h"

enum {
    PLACES_COUNT = 1 << 14, /* remembered coordinates: orders repeat those of their branches */
    BRANCHES_MAX = 1000000, /* remembered; beyond it, events without coordinates wait */
    ACQUIRE_DEADLINE_MS = 5000,
    CELL_NAME_DIGITS = 5, /* enough to tell the cells of a city apart */
};

static const double BRANCH_MOVED_DEGREES = 0.001; /* about 100 m: less is how well the location is known */

typedef struct Place {
    double lat, lon;
    int32_t geo_id; /* GEO_UNPLACED: empty */
} Place;

typedef struct Branch {
    double lat, lon;
    Instant located_at;
    int32_t geo_id;
} Branch;

struct GeoDirectory {
    GeoDirectoryOptions options;
    GHashTable *geos;     /* geo -> geo_id */
    GHashTable *branches; /* branch_id -> Branch */
    Place *places;
    int32_t geo_version; /* of the division into geos; 0: none was read yet */
    Arena *zones_arena;  /* of the file */
    ZoneFile zone_file;
    ZoneIndex *zones;
    int64_t branches_seq; /* newest commit whose branches are known */
};

GeoDirectory *geo_directory_new(const GeoDirectoryOptions *options)
{
    GeoDirectory *directory = g_new0(GeoDirectory, 1);
    directory->options = *options;
    directory->geos = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    directory->branches = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    directory->places = g_new0(Place, PLACES_COUNT);
    return directory;
}

void geo_directory_free(GeoDirectory *directory)
{
    if (!directory)
        return;
    g_hash_table_destroy(directory->geos);
    g_hash_table_destroy(directory->branches);
    g_free(directory->places);
    zone_index_free(directory->zones);
    arena_free(directory->zones_arena);
    g_free(directory);
}

/* A row of core.geo; `parent` NULL only for `all`. */
typedef struct NewGeo {
    const char *geo, *name, *kind, *parent;
    GeoPlace place;
    double lat, lon;
    bool located;
} NewGeo;

static bool insert_geo(PgConnection *connection, const NewGeo *geo, Error *err)
{
    PgParam lat = geo->located ? pg_real(geo->lat) : pg_null();
    PgParam lon = geo->located ? pg_real(geo->lon) : pg_null();
    return pg_run(connection, &sql_insert_geo,
                  PG_PARAMS(pg_text(geo->geo), pg_text(geo->name), pg_text(geo->kind), pg_text(geo->place.timezone),
                            pg_text(geo->place.country), lat, lon, pg_text(geo->parent)),
                  NULL, err);
}

/* The middle of the cities stands for all of them; without cities, the first leaf will (place_all_geo). */
static NewGeo all_geo(const GeoDirectory *directory)
{
    const ServiceArea *area = directory->options.area;
    const char *timezone = directory->options.default_timezone;
    NewGeo all = {.geo = "all", .name = "All", .kind = "all", .place = {.timezone = timezone, .country = ""}};
    if (timezone[0] == '\0')
        all.place.timezone = "UTC";
    for (size_t i = 0; i < area->count; i++) {
        all.lat += area->cities[i].lat / (double)area->count;
        all.lon += area->cities[i].lon / (double)area->count;
    }
    if (area->count > 0) {
        all.located = true;
        all.place.timezone = area->cities[0].timezone;
        all.place.country = area->cities[0].country;
    }
    return all;
}

static const ServiceCity *find_city(const ServiceArea *area, const char *city)
{
    for (size_t i = 0; city && i < area->count; i++) {
        if (strcmp(area->cities[i].city, city) == 0)
            return &area->cities[i];
    }
    return NULL;
}

/* "Rosario c2a1f": the city and the digits that tell its cells apart; the trailing f of a cell id mean nothing. */
static void name_cell(const ServiceCity *city, const char *cell, char *out, size_t out_bytes)
{
    size_t length = strlen(cell);
    while (length > CELL_NAME_DIGITS && cell[length - 1] == 'f')
        length--;
    if (city)
        snprintf(out, out_bytes, "%s %.*s", city->name, CELL_NAME_DIGITS, cell + length - CELL_NAME_DIGITS);
    else
        snprintf(out, out_bytes, "%s", cell);
}

static bool register_cell(const GeoDirectory *directory, PgConnection *connection, const char *cell, Error *err)
{
    NewGeo geo = {.geo = cell, .kind = "cell", .located = true};
    if (!geo_cell_center(cell, &geo.lat, &geo.lon, err))
        return false;
    geo.place = geo_place(directory->options.area, directory->options.default_timezone, geo.lat, geo.lon);
    geo.parent = geo.place.city ? geo.place.city : "all";
    char name[GEO_ID_MAX * 2];
    name_cell(find_city(directory->options.area, geo.place.city), cell, name, sizeof name);
    geo.name = name;
    return insert_geo(connection, &geo, err) &&
           pg_run(
               connection, &sql_place_all_geo,
               PG_PARAMS(pg_text(geo.place.timezone), pg_text(geo.place.country), pg_real(geo.lat), pg_real(geo.lon)),
               NULL, err);
}

static bool register_city(const GeoDirectory *directory, PgConnection *connection, const ServiceCity *city, Error *err)
{
    NewGeo geo = {.geo = city->city,
                  .name = city->name,
                  .kind = "city",
                  .parent = "all",
                  .place = {.timezone = city->timezone, .country = city->country},
                  .lat = city->lat,
                  .lon = city->lon,
                  .located = true};
    if (!insert_geo(connection, &geo, err))
        return false;
    ARENA_SCOPED Arena *arena = arena_new();
    char(*cells)[GEO_ID_MAX];
    size_t count;
    if (!service_city_cells(city, directory->options.resolution, arena, &cells, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!g_hash_table_contains(directory->geos, cells[i]) && !register_cell(directory, connection, cells[i], err))
            return false;
    }
    return true;
}

bool geo_directory_register_area(GeoDirectory *directory, PgConnection *connection, Error *err)
{
    const ServiceArea *area = directory->options.area;
    NewGeo all = all_geo(directory);
    if (!insert_geo(connection, &all, err))
        return false;
    for (size_t i = 0; i < area->count; i++) {
        if (!register_city(directory, connection, &area->cities[i], err))
            return false;
    }
    return true;
}

/* `anew`: also when it is registered already. */
static bool register_zone(const GeoDirectory *directory, PgConnection *connection, const Zone *zone, double lat,
                          double lon, bool anew, Error *err)
{
    GeoPlace place = geo_place(directory->options.area, directory->options.default_timezone, lat, lon);
    const ServiceCity *city = find_city(directory->options.area, zone->city ? zone->city : place.city);
    if (zone->city && !city)
        return error_set(err, ERROR_UNPROCESSABLE, "the city '%s' of the zone '%s' is not in the service area",
                         zone->city, zone->zone);
    if (city)
        place = (GeoPlace){.city = city->city, .timezone = city->timezone, .country = city->country};
    if (zone->timezone)
        place.timezone = zone->timezone;
    if (zone->country)
        place.country = zone->country;
    NewGeo geo = {.geo = zone->zone,
                  .name = zone->name,
                  .kind = "zone",
                  .parent = place.city ? place.city : "all",
                  .place = place,
                  .lat = lat,
                  .lon = lon,
                  .located = true};
    return insert_geo(connection, &geo, err) &&
           (!anew || pg_run(connection, &sql_update_zone,
                            PG_PARAMS(pg_text(geo.geo), pg_text(geo.name), pg_text(place.timezone),
                                      pg_text(place.country), pg_real(lat), pg_real(lon), pg_text(geo.parent)),
                            NULL, err));
}

static bool register_zones(const GeoDirectory *directory, PgConnection *connection, const ZoneFile *file,
                           const ZoneIndex *index, bool anew, Error *err)
{
    for (size_t i = 0; i < file->count; i++) {
        double lat, lon;
        zone_index_inside(index, i, &lat, &lon);
        if (!register_zone(directory, connection, &file->zones[i], lat, lon, anew, err))
            return false;
    }
    return true;
}

bool geo_directory_divide(GeoDirectory *directory, PgConnection *connection, int32_t geo_version, const char *zones,
                          Error *err)
{
    Arena *arena = arena_new();
    ZoneIndex *index = NULL;
    ZoneFile file;
    if (!zone_file_parse(zones, "zones", arena, &file, err) || !zone_index_new(&file, "zones", &index, err) ||
        !register_zones(directory, connection, &file, index, false, err)) {
        zone_index_free(index);
        arena_free(arena);
        return false;
    }
    zone_index_free(directory->zones);
    arena_free(directory->zones_arena);
    directory->zones = index;
    directory->zone_file = file;
    directory->zones_arena = arena;
    directory->geo_version = geo_version;
    memset(directory->places, 0, PLACES_COUNT * sizeof *directory->places);
    return true;
}

bool geo_directory_describe_zones(GeoDirectory *directory, PgConnection *connection, Error *err)
{
    return register_zones(directory, connection, &directory->zone_file, directory->zones, true, err);
}

int32_t geo_directory_version(const GeoDirectory *directory)
{
    return directory->geo_version;
}

/* Reads the present division unless it is the one that is in use. */
static bool load_division(GeoDirectory *directory, PgConnection *connection, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    return pg_run(connection, &sql_select_other_zones, PG_PARAMS(pg_int(directory->geo_version)), &row, err) &&
           (PQntuples(row) == 0 ||
            geo_directory_divide(directory, connection, (int32_t)pg_get_int(row, 0, 0), pg_get_text(row, 0, 1), err));
}

static bool load_geos(GeoDirectory *directory, PgConnection *connection, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!pg_run(connection, &sql_select_leaf_geos, PG_PARAMS(), &rows, err))
        return false;
    g_hash_table_remove_all(directory->geos);
    for (int i = 0; i < PQntuples(rows); i++)
        g_hash_table_insert(directory->geos, g_strdup(pg_get_text(rows, i, 1)),
                            GINT_TO_POINTER((int)pg_get_int(rows, i, 0)));
    return true;
}

static void remember_branch(GeoDirectory *directory, const char *branch_id, const Branch *branch)
{
    Branch *known = g_hash_table_lookup(directory->branches, branch_id);
    if (known)
        *known = *branch;
    else if (g_hash_table_size(directory->branches) < BRANCHES_MAX)
        g_hash_table_insert(directory->branches, g_strdup(branch_id), g_memdup2(branch, sizeof *branch));
}

/* Rows of branch_id, geo_id, lat, lon, located_at, and the newest commit; branch_id null: no branch. */
static void remember_branches(GeoDirectory *directory, const PGresult *rows)
{
    for (int i = 0; i < PQntuples(rows); i++) {
        Branch branch = {.geo_id = (int32_t)pg_get_int(rows, i, 1),
                         .lat = pg_get_real(rows, i, 2),
                         .lon = pg_get_real(rows, i, 3),
                         .located_at = pg_get_instant(rows, i, 4)};
        const char *branch_id = pg_get_text(rows, i, 0);
        const Branch *known = branch_id ? g_hash_table_lookup(directory->branches, branch_id) : NULL;
        if (branch_id && (!known || known->located_at <= branch.located_at))
            remember_branch(directory, branch_id, &branch);
        directory->branches_seq = pg_get_int(rows, i, 5);
    }
}

static bool load_branches(GeoDirectory *directory, PgConnection *connection, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!pg_run(connection, &sql_select_branches, PG_PARAMS(pg_int(BRANCHES_MAX)), &rows, err))
        return false;
    g_hash_table_remove_all(directory->branches);
    directory->branches_seq = 0;
    remember_branches(directory, rows);
    return true;
}

bool geo_directory_reload(GeoDirectory *directory, PgConnection *connection, Error *err)
{
    memset(directory->places, 0, PLACES_COUNT * sizeof *directory->places);
    return load_division(directory, connection, err) && load_geos(directory, connection, err) &&
           load_branches(directory, connection, err);
}

bool geo_directory_learn(GeoDirectory *directory, PgConnection *connection, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!pg_run(connection, &sql_select_branches_since,
                PG_PARAMS(pg_int(directory->branches_seq), pg_int(BRANCHES_MAX)), &rows, err))
        return false;
    if (pg_get_int(rows, 0, 6) != directory->geo_version)
        return geo_directory_reload(directory, connection, err);
    remember_branches(directory, rows);
    return true;
}

/* A leaf that is not in memory; a zone is registered with its division. */
static bool learn_leaf(GeoDirectory *directory, const char *leaf, bool is_zone, int32_t *ret_geo_id, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    PG_RESULT_SCOPED PGresult *row = NULL;
    if (!pg_acquire(directory->options.pool, ACQUIRE_DEADLINE_MS, &connection, err) ||
        (!is_zone && !register_cell(directory, connection, leaf, err)) ||
        !pg_run(connection, &sql_select_geo_id, PG_PARAMS(pg_text(leaf)), &row, err))
        return false;
    if (PQntuples(row) != 1)
        return error_set(err, ERROR_INTERNAL, "the geo %s was registered and is not there", leaf);
    *ret_geo_id = (int32_t)pg_get_int(row, 0, 0);
    g_hash_table_insert(directory->geos, g_strdup(leaf), GINT_TO_POINTER(*ret_geo_id));
    return true;
}

bool geo_directory_locate(void *context, double lat, double lon, int32_t *ret_geo_id, Error *err)
{
    GeoDirectory *directory = context;
    double point[2] = {lat, lon};
    Place *place = &directory->places[text_hash((const char *)point, sizeof point, 0) % PLACES_COUNT];
    if (place->geo_id == GEO_UNPLACED || place->lat != lat || place->lon != lon) {
        char cell[GEO_ID_MAX];
        if (!geo_cell(lat, lon, directory->options.resolution, cell, err))
            return false;
        const Zone *zone = directory->zones ? zone_index_find(directory->zones, lat, lon) : NULL;
        const char *leaf = zone ? zone->zone : cell;
        int32_t geo_id = GPOINTER_TO_INT(g_hash_table_lookup(directory->geos, leaf));
        if (geo_id == GEO_UNPLACED && !learn_leaf(directory, leaf, zone != NULL, &geo_id, err))
            return false;
        *place = (Place){.lat = lat, .lon = lon, .geo_id = geo_id};
    }
    *ret_geo_id = place->geo_id;
    return true;
}

static bool has_moved(const Branch *branch, const Order *order)
{
    return fabs(branch->lat - order->lat) > BRANCH_MOVED_DEGREES ||
           fabs(branch->lon - order->lon) > BRANCH_MOVED_DEGREES;
}

static void learn_branch(GeoDirectory *directory, OrderBatch *batch, const BatchOrder *placed)
{
    const Order *order = &placed->order;
    const char *branch_id = order->branch_id.data;
    const Branch *known = g_hash_table_lookup(directory->branches, branch_id);
    if (known && (known->located_at > order->occurred_at || !has_moved(known, order)))
        return;
    Branch branch = {.lat = order->lat, .lon = order->lon, .located_at = order->occurred_at, .geo_id = placed->geo_id};
    remember_branch(directory, branch_id, &branch);
    order_batch_add_branch(batch, &(BatchBranch){.branch_id = branch_id,
                                                 .lat = order->lat,
                                                 .lon = order->lon,
                                                 .located_at = order->occurred_at,
                                                 .geo_id = placed->geo_id});
}

bool geo_directory_place(GeoDirectory *directory, OrderBatch *batch, BatchOrder *placed, Error *err)
{
    const Order *order = &placed->order;
    batch->geo_version = directory->geo_version;
    if (order->has_location) {
        if (!geo_directory_locate(directory, order->lat, order->lon, &placed->geo_id, err))
            return false;
        if (order->branch_id.data)
            learn_branch(directory, batch, placed);
        return true;
    }
    const Branch *branch = g_hash_table_lookup(directory->branches, order->branch_id.data);
    placed->geo_id = branch ? branch->geo_id : GEO_UNPLACED;
    return true;
}
