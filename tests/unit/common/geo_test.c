#include "common/geo.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(geo);

/* From H3's own reference implementation in Python, h3.latlng_to_cell(). */
Test(geo, cells_of_points)
{
    static const struct {
        double lat, lon;
        int resolution;
        const char *cell;
    } expected[] = {
        {37.775938728915946, -122.41795063018799, 9, "8928308280fffff"},
        {-34.6037, -58.3816, 7, "87c2e3113ffffff"},
        {37.789625, -122.400811, 7, "87283082affffff"},
        {90, 0, 5, "85032623fffffff"},
        {-90, 180, 7, "87f29380effffff"},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        char geo[GEO_ID_MAX];
        Error err;
        cr_assert(geo_cell(expected[i].lat, expected[i].lon, expected[i].resolution, geo, &err), "%s", err.message);
        cr_assert_str_eq(geo, expected[i].cell);
        cr_assert(geo_is_cell(geo));
    }
}

Test(geo, what_is_no_place)
{
    static const double bad[][2] = {{91, 0}, {-90.5, 0}, {0, 181}, {0, -180.1}, {NAN, 0}, {0, INFINITY}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char geo[GEO_ID_MAX];
        Error err;
        cr_assert_not(geo_cell(bad[i][0], bad[i][1], 7, geo, &err));
        cr_assert_eq(err.code, ERROR_INVALID_ARGUMENT);
    }
    char geo[GEO_ID_MAX];
    cr_assert_not(geo_cell(1, 1, 16, geo, NULL));
    cr_assert_not(geo_cell(1, 1, -1, geo, NULL));
}

Test(geo, what_is_no_cell)
{
    static const char *const bad[] = {"",
                                      "all",
                                      "city:x",
                                      "8928308280FFFFF",
                                      "08928308280fffff",
                                      "8928308280ffff",
                                      "ffffffffffffffff",
                                      " 8928308280fffff",
                                      "8928308280fffffz",
                                      "1928308280fffff"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        double lat, lon;
        cr_assert_not(geo_is_cell(bad[i]), "%s", bad[i]);
        cr_assert_not(geo_cell_center(bad[i], &lat, &lon, NULL));
    }
}

Test(geo, centre_and_boundary)
{
    Error err;
    double lat, lon, lats[10], lons[10];
    size_t count;
    char geo[GEO_ID_MAX], again[GEO_ID_MAX];
    cr_assert(geo_cell(-34.6037, -58.3816, 7, geo, &err));
    cr_assert(geo_cell_center(geo, &lat, &lon, &err));
    cr_assert(geo_cell(lat, lon, 7, again, &err));
    cr_assert_str_eq(again, geo);
    cr_assert(geo_cell_boundary(geo, lats, lons, &count, &err));
    cr_assert_eq(count, 6);
    for (size_t i = 0; i < count; i++) {
        double away = hypot(lats[i] - lat, (lons[i] - lon) * cos(lat * 0.017453292519943295)) * 111.2;
        cr_assert(away > 0.7 && away < 2.2, "%f km", away);
    }
}

static char path[] = "/tmp/rushcast-geo-test-XXXXXX";

static bool load(const char *text, Arena *arena, ServiceArea *ret_area, Error *err)
{
    strcpy(path + strlen(path) - 6, "XXXXXX");
    int file = mkstemp(path);
    cr_assert_geq(file, 0);
    cr_assert_eq(write(file, text, strlen(text)), (ssize_t)strlen(text));
    close(file);
    bool ok = service_area_load(path, arena, ret_area, err);
    unlink(path);
    return ok;
}

#define CITY(id_, zone_, lat_, lon_, radius_)                                                                          \
    "{\"city\": \"" id_ "\", \"name\": \"N\", \"timezone\": \"" zone_ "\", \"country\": \"AR\", \"lat\": " lat_        \
    ", \"lon\": " lon_ ", \"radius_km\": " radius_ "}"

Test(geo, service_area_places_and_cells)
{
    ARENA_SCOPED Arena *arena = arena_new();
    Error err;
    ServiceArea area;
    cr_assert(load("{\"cities\": [" CITY("city:a", "America/Argentina/Buenos_Aires", "-34.6", "-58.4", "10") "," CITY(
                       "city:b", "America/Argentina/Cordoba", "-34.6", "-58.2", "15") "]}",
                   arena, &area, &err),
              "%s", err.message);
    cr_assert_eq(area.count, 2);
    GeoPlace near_a = geo_place(&area, "", -34.6, -58.35), near_b = geo_place(&area, "", -34.6, -58.25);
    cr_assert_str_eq(near_a.city, "city:a");
    cr_assert_str_eq(near_b.city, "city:b");
    cr_assert_str_eq(near_b.timezone, "America/Argentina/Cordoba");
    GeoPlace outside = geo_place(&area, "", 37.77, -122.42);
    cr_assert_null(outside.city);
    cr_assert_str_eq(outside.timezone, "America/Los_Angeles");
    cr_assert_str_eq(outside.country, "US");
    cr_assert_str_eq(geo_place(&area, "Asia/Tokyo", 37.77, -122.42).timezone, "Asia/Tokyo");

    char(*cells)[GEO_ID_MAX];
    size_t count;
    cr_assert(service_city_cells(&area.cities[0], 7, arena, &cells, &count, &err), "%s", err.message);
    /* 10 km around are 314 km2, a cell is 3 to 6 km2; every cell once, all of them centred within. */
    cr_assert(count > 50 && count < 105, "%zu", count);
    for (size_t i = 0; i < count; i++) {
        cr_assert(geo_is_cell(cells[i]));
        for (size_t j = 0; j < i; j++)
            cr_assert_str_neq(cells[i], cells[j]);
    }
    /* No cell within is left out: every point well inside lies in a listed cell. */
    for (int i = 0; i < 400; i++) {
        char geo[GEO_ID_MAX];
        double angle = i * 0.7, away_km = 8.0 * sqrt(i / 400.0);
        cr_assert(geo_cell(-34.6 + away_km * cos(angle) / 111.2, -58.4 + away_km * sin(angle) / 91.6, 7, geo, &err));
        bool found = false;
        for (size_t j = 0; j < count; j++)
            found = found || strcmp(cells[j], geo) == 0;
        cr_assert(found, "%s", geo);
    }
    area.cities[0].radius_km = 400;
    cr_assert_not(service_city_cells(&area.cities[0], 12, arena, &cells, &count, &err));
    cr_assert_eq(err.code, ERROR_TOO_LARGE);
    cr_assert(service_area_load("", arena, &area, &err));
    cr_assert_eq(area.count, 0);
}

Test(geo, broken_service_areas_name_file_and_field)
{
    static const struct {
        const char *text, *named;
    } bad[] = {
        {"", ""},
        {"{", ""},
        {"[]", "/cities"},
        {"{\"cities\": {}}", "/cities"},
        {"{\"cities\": [{}]}", "/cities/0/city"},
        {"{\"cities\": [7]}", "/cities/0"},
        {"{\"cities\": [" CITY("city:a", "Nowhere/City", "1", "1", "1") "]}", "/cities/0/timezone"},
        {"{\"cities\": [" CITY("all", "UTC", "1", "1", "1") "]}", "/cities/0/city"},
        {"{\"cities\": [" CITY("Caps", "UTC", "1", "1", "1") "]}", "/cities/0/city"},
        {"{\"cities\": [" CITY("a", "UTC", "1", "1", "1") "," CITY("a", "UTC", "1", "1", "1") "]}", "/cities/1/city"},
        {"{\"cities\": [" CITY("a", "UTC", "91", "1", "1") "]}", "/cities/0/lat"},
        {"{\"cities\": [" CITY("a", "UTC", "1", "1", "-1") "]}", "/cities/0/radius_km"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ARENA_SCOPED Arena *arena = arena_new();
        ServiceArea area;
        Error err = {0};
        cr_assert_not(load(bad[i].text, arena, &area, &err), "%s", bad[i].text);
        cr_assert_eq(err.code, ERROR_MALFORMED, "%s", bad[i].text);
        cr_assert(strstr(err.message, path) != NULL && strstr(err.message, bad[i].named) != NULL, "%s", err.message);
    }
    ARENA_SCOPED Arena *arena = arena_new();
    ServiceArea area;
    Error err = {0};
    cr_assert_not(service_area_load("/nonexistent.json", arena, &area, &err));
    cr_assert_not_null(strstr(err.message, "/nonexistent.json"));
}
