#include "common/geo_listing.h"

#include "common/http_client.h"
#include "common/json.h"

enum { PAGE_GEOS = 1000, PAGE_DEADLINE_MS = 10000 };

typedef bool Visit(void *context, const ListedGeo *geo, Error *err);

static bool visit_page(const json_t *page, Visit *visit, void *context, Error *err)
{
    static const JsonField fields[] = {
        {.name = "geo", .type = JSON_FIELD_TEXT, .offset = offsetof(ListedGeo, geo)},
        {.name = "kind", .type = JSON_FIELD_TEXT, .offset = offsetof(ListedGeo, kind)},
        {.name = "timezone", .type = JSON_FIELD_TEXT, .offset = offsetof(ListedGeo, timezone)},
        {.name = "country", .type = JSON_FIELD_TEXT, .offset = offsetof(ListedGeo, country), .optional = true},
        {.name = "parent", .type = JSON_FIELD_TEXT, .offset = offsetof(ListedGeo, parent), .optional = true},
        {.name = "first_hour", .type = JSON_FIELD_HOUR, .offset = offsetof(ListedGeo, first_hour), .optional = true},
        {0},
    };
    ARENA_SCOPED Arena *arena = arena_new();
    const json_t *geos = json_object_get(page, "geos");
    for (size_t i = 0; i < json_array_size(geos); i++) {
        ListedGeo geo = {.first_hour = HOUR_NONE};
        if (!json_read(json_array_get(geos, i), "/geos", fields, arena, &geo, err) || !visit(context, &geo, err))
            return error_prefix(err, "ingest's geos");
    }
    return true;
}

bool geo_listing_read(const char *ingest_url, const char *token, Visit *visit, void *context, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    const char *after = NULL;
    for (int pages = 0; pages < GEO_LISTING_MAX / PAGE_GEOS; pages++) {
        JSON_SCOPED json_t *page = NULL;
        const char *url = arena_printf(arena, "%s/geos?limit=%d%s%s", ingest_url, PAGE_GEOS,
                                       after == NULL ? "" : "&after=", after == NULL ? "" : http_escape(arena, after));
        if (!http_get_json(url, token, PAGE_DEADLINE_MS, &page, err) || !visit_page(page, visit, context, err))
            return false;
        const json_t *next = json_object_get(page, "next");
        if (!json_is_string(next))
            return true;
        after = arena_strdup(arena, json_string_value(next));
    }
    return error_set(err, ERROR_TOO_LARGE, "ingest lists more than %d geos", GEO_LISTING_MAX);
}
