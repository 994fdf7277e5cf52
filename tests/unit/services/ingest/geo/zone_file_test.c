#include <criterion/criterion.h>
#include <string.h>
#include "services/ingest/geo/zone_index.h"

#define SQUARE(west, south, east, north)                                                                               \
    "{\"type\":\"Polygon\",\"coordinates\":[[[" #west "," #south "],[" #east "," #south "],[" #east "," #north         \
    "],[" #west "," #north "],[" #west "," #south "]]]}"
#define FEATURE(properties, geometry) "{\"type\":\"Feature\",\"properties\":{" properties "},\"geometry\":" geometry "}"
#define COLLECTION(features) "{\"type\":\"FeatureCollection\",\"features\":[" features "]}"

static Arena *arena;

static void begin(void)
{
    arena = arena_new();
}

static void end(void)
{
    arena_free(arena);
}

TestSuite(zone_file, .init = begin, .fini = end);

/* The problem with the file; "" when it is good. */
static const char *problem_of(const char *text)
{
    static Error err;
    err.message[0] = '\0';
    ZoneFile file;
    ZoneIndex *index = NULL;
    bool ok =
        zone_file_parse(text, "zones.json", arena, &file, &err) && zone_index_new(&file, "zones.json", &index, &err);
    cr_assert_eq(ok, err.message[0] == '\0', "%s", err.message);
    zone_index_free(index);
    return err.message;
}

Test(zone_file, reads_what_is_said_of_a_zone)
{
    Error err;
    ZoneFile file;
    const char *text = COLLECTION(FEATURE(
        "\"zone\":\"centre\",\"name\":\"Centro\",\"timezone\":\"America/Argentina/Buenos_Aires\",\"country\":\"AR\"",
        SQUARE(0, 0, 1, 1)) "," FEATURE("\"zone\":\"north\"", SQUARE(0, 1, 1, 2)));
    cr_assert(zone_file_parse(text, "zones.json", arena, &file, &err), "%s", err.message);
    cr_assert_eq(file.count, 2);
    cr_assert_str_eq(file.zones[0].zone, "centre");
    cr_assert_str_eq(file.zones[0].name, "Centro");
    cr_assert_str_eq(file.zones[0].timezone, "America/Argentina/Buenos_Aires");
    cr_assert_str_eq(file.zones[0].country, "AR");
    cr_assert_str_eq(file.zones[1].name, "north");
    cr_assert_null(file.zones[1].timezone);
    cr_assert_str_eq(file.text, text);
    cr_assert_eq(strlen(file.hash), 64);
}

Test(zone_file, nothing_is_no_zones)
{
    Error err;
    ZoneFile file;
    cr_assert(zone_file_parse("", "", arena, &file, &err));
    cr_assert_eq(file.count, 0);
    cr_assert_str_eq(file.hash, "");
    cr_assert_str_empty(problem_of(COLLECTION("")));
}

Test(zone_file, bad_files_are_refused_with_the_place_and_the_reason)
{
    static const struct {
        const char *text, *place, *reason;
    } cases[] = {
        {"{", "zones.json", "line"},
        {"[]", "zones.json", "FeatureCollection"},
        {COLLECTION(FEATURE("\"name\":\"x\"", SQUARE(0, 0, 1, 1))), "feature 0", "zone is required"},
        {COLLECTION(FEATURE("\"zone\":7", SQUARE(0, 0, 1, 1))), "feature 0", "must be a text"},
        {COLLECTION(FEATURE("\"zone\":\"all\"", SQUARE(0, 0, 1, 1))), "feature 0", "another kind of geo"},
        {COLLECTION(FEATURE("\"zone\":\"city:x\"", SQUARE(0, 0, 1, 1))), "feature 0", "another kind of geo"},
        {COLLECTION(FEATURE("\"zone\":\"87c2e3020ffffff\"", SQUARE(0, 0, 1, 1))), "feature 0", "another kind of geo"},
        {COLLECTION(FEATURE("\"zone\":\"a,b\"", SQUARE(0, 0, 1, 1))), "feature 0", "commas"},
        {COLLECTION(FEATURE("\"zone\":\"a\"", SQUARE(0, 0, 1, 1)) "," FEATURE("\"zone\":\"a\"", SQUARE(1, 0, 2, 1))),
         "feature 1", "already"},
        {COLLECTION(FEATURE("\"zone\":\"a\",\"timezone\":\"Mars/Base\"", SQUARE(0, 0, 1, 1))), "feature 0",
         "Mars/Base"},
        {COLLECTION(FEATURE("\"zone\":\"a\"", "{\"type\":\"Point\",\"coordinates\":[0,0]}")), "feature 0", "Polygon"},
        {COLLECTION(FEATURE("\"zone\":\"a\"", "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,1]]]}")), "feature 0",
         "geometry of 'a'"},
        {COLLECTION(
             FEATURE("\"zone\":\"a\"", "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,1],[1,0],[0,1],[0,0]]]}")),
         "feature 0", "not valid"},
        {COLLECTION(FEATURE("\"zone\":\"a\"", SQUARE(0, 0, 1, 91))), "feature 0", "latitudes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *problem = problem_of(cases[i].text);
        cr_assert(strstr(problem, cases[i].place) && strstr(problem, cases[i].reason), "%zu: \"%s\"", i, problem);
    }
}

Test(zone_file, a_place_belongs_to_one_zone)
{
    Error err;
    ZoneFile file;
    ZoneIndex *index;
    cr_assert(zone_file_parse(COLLECTION(FEATURE("\"zone\":\"b\"", SQUARE(0, 0, 1, 1)) "," FEATURE(
                                  "\"zone\":\"a\"", SQUARE(1, 0, 2, 1)) "," FEATURE("\"zone\":\"inner\"",
                                                                                    SQUARE(0.4, 0.4, 0.6, 0.6))),
                              "zones.json", arena, &file, &err),
              "%s", err.message);
    cr_assert(zone_index_new(&file, "zones.json", &index, &err), "%s", err.message);
    cr_assert_str_eq(zone_index_find(index, 0.2, 0.2)->zone, "b");
    cr_assert_str_eq(zone_index_find(index, 0.5, 0.5)->zone, "inner", "the smaller one");
    cr_assert_str_eq(zone_index_find(index, 0.5, 1)->zone, "a", "on the border of equal ones the first id");
    cr_assert_str_eq(zone_index_find(index, 0, 0)->zone, "b", "its border is its own");
    cr_assert_null(zone_index_find(index, 0.5, 2.1));
    cr_assert_null(zone_index_find(index, -0.1, 0.5));
    double lat, lon;
    zone_index_inside(index, 2, &lat, &lon);
    cr_assert(lat > 0.4 && lat < 0.6 && lon > 0.4 && lon < 0.6);
    zone_index_free(index);
}
