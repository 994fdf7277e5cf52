#include "services/ingest/geo/zone_file.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include "common/geo.h"
#include "common/json.h"
#include "common/timezone.h"

/* A feature while it is read. */
typedef struct Reading {
    const char *file_name;
    size_t feature;
    Arena *arena;
    GHashTable *seen; /* ids */
    Error *err;
} Reading;

#define FAIL(reading, ...)                                                                                             \
    ((void)error_set((reading)->err, ERROR_UNPROCESSABLE, __VA_ARGS__),                                                \
     error_prefix((reading)->err, "%s: feature %zu", (reading)->file_name, (reading)->feature))

static bool read_property(const Reading *reading, const json_t *properties, const char *name, bool required,
                          size_t limit_bytes, const char **ret_text)
{
    const json_t *value = json_object_get(properties, name);
    *ret_text = NULL;
    if (!value || json_is_null(value))
        return !required || FAIL(reading, "the property %s is required", name);
    const char *text = json_string_value(value);
    size_t length_bytes = text ? json_string_length(value) : 0;
    if (length_bytes == 0 || length_bytes > limit_bytes || strlen(text) != length_bytes)
        return FAIL(reading, "the property %s must be a text of 1 to %zu bytes", name, limit_bytes);
    *ret_text = arena_strdup(reading->arena, text);
    return true;
}

/* Ids share one space with cells, cities and `all`, and go into addresses. */
static bool check_id(const Reading *reading, const char *zone)
{
    if (strcmp(zone, "all") == 0 || g_str_has_prefix(zone, "city:") || geo_is_cell(zone))
        return FAIL(reading, "'%s' can't be the id of a zone: it is the name of another kind of geo", zone);
    for (const char *c = zone; *c; c++) {
        if ((unsigned char)*c <= ' ' || *c == ',' || *c == 0x7f)
            return FAIL(reading, "'%s' can't be the id of a zone: no blanks, commas or control characters", zone);
    }
    if (!g_hash_table_add(reading->seen, g_strdup(zone)))
        return FAIL(reading, "the id '%s' is another feature's already", zone);
    return true;
}

static bool read_geometry(const Reading *reading, const json_t *feature, Zone *zone)
{
    const json_t *geometry = json_object_get(feature, "geometry");
    const char *type = json_string_value(json_object_get(geometry, "type"));
    if (!type || (strcmp(type, "Polygon") != 0 && strcmp(type, "MultiPolygon") != 0))
        return FAIL(reading, "the geometry of '%s' must be a Polygon or a MultiPolygon", zone->zone);
    char *text = json_dumps(geometry, JSON_COMPACT);
    if (!text)
        abort();
    zone->geometry = arena_strdup(reading->arena, text);
    free(text);
    return true;
}

static bool read_feature(const Reading *reading, const json_t *feature, Zone *zone)
{
    const json_t *properties = json_object_get(feature, "properties");
    if (!read_property(reading, properties, "zone", true, GEO_ID_MAX - 1, &zone->zone) ||
        !read_property(reading, properties, "name", false, ZONE_NAME_MAX_BYTES, &zone->name) ||
        !read_property(reading, properties, "timezone", false, ZONE_NAME_MAX_BYTES, &zone->timezone) ||
        !read_property(reading, properties, "country", false, 2, &zone->country) ||
        !read_property(reading, properties, "city", false, GEO_ID_MAX - 1, &zone->city) ||
        !check_id(reading, zone->zone) || !read_geometry(reading, feature, zone))
        return false;
    const TimeZone *timezone;
    if (zone->timezone && !timezone_get(zone->timezone, &timezone, NULL))
        return FAIL(reading, "the time zone '%s' of '%s' is not known", zone->timezone, zone->zone);
    if (!zone->name)
        zone->name = zone->zone;
    return true;
}

static bool read_features(const json_t *document, const char *file_name, Arena *arena, ZoneFile *file, Error *err)
{
    const json_t *features = json_object_get(document, "features");
    const char *type = json_string_value(json_object_get(document, "type"));
    if (!type || strcmp(type, "FeatureCollection") != 0 || !json_is_array(features))
        return error_set(err, ERROR_UNPROCESSABLE, "%s: must be a GeoJSON FeatureCollection", file_name);
    file->count = json_array_size(features);
    if (file->count > ZONES_MAX)
        return error_set(err, ERROR_TOO_LARGE, "%s: %zu features; up to %d are taken", file_name, file->count,
                         ZONES_MAX);
    file->zones = arena_array(arena, file->count, sizeof *file->zones);
    Reading reading = {.file_name = file_name,
                       .arena = arena,
                       .seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                       .err = err};
    bool ok = true;
    for (; ok && reading.feature < file->count; reading.feature++)
        ok = read_feature(&reading, json_array_get(features, reading.feature), &file->zones[reading.feature]);
    g_hash_table_destroy(reading.seen);
    return ok;
}

bool zone_file_parse(const char *text, const char *file_name, Arena *arena, ZoneFile *ret_file, Error *err)
{
    ZoneFile file = {.text = arena_strdup(arena, text)};
    if (text[0] != '\0') {
        JSON_SCOPED json_t *document = NULL;
        if (!json_parse(text, strlen(text), &document, err))
            return error_prefix(err, "%s", file_name);
        if (!read_features(document, file_name, arena, &file, err))
            return false;
        char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
        g_strlcpy(file.hash, hash, sizeof file.hash);
        g_free(hash);
    }
    *ret_file = file;
    return true;
}

bool zone_file_load(const char *path, Arena *arena, ZoneFile *ret_file, Error *err)
{
    if (path[0] == '\0')
        return zone_file_parse("", "", arena, ret_file, err);
    GError *failure = NULL;
    char *text = NULL;
    gsize length_bytes = 0;
    if (!g_file_get_contents(path, &text, &length_bytes, &failure)) {
        error_set(err, ERROR_INVALID_ARGUMENT, "RUSHCAST_ZONES: %s", failure->message);
        g_error_free(failure);
        return false;
    }
    bool ok = length_bytes <= ZONE_FILE_MAX_BYTES ||
              error_set(err, ERROR_TOO_LARGE, "RUSHCAST_ZONES: %s has %zu bytes; up to %d are read", path,
                        (size_t)length_bytes, ZONE_FILE_MAX_BYTES);
    ok =
        ok && (strlen(text) == length_bytes || error_set(err, ERROR_MALFORMED, "RUSHCAST_ZONES: %s is not text", path));
    ok = ok && zone_file_parse(text, path, arena, ret_file, err);
    g_free(text);
    return ok;
}
