#include "services/forecast-api/forecast_handlers.h"

#include <string.h>
#include "services/forecast-api/answer_body.h"
#include "services/forecast-api/answer_text.h"
#include "services/forecast-api/forecast_api.h"
#include "services/forecast-api/reclaim.h"

typedef struct ForecastQuery {
    char cell[GEO_ID_MAX]; /* from lat and lon; empty when geo was given */
    const char *geo;
    int64_t hours;
    Vertical vertical;
} ForecastQuery;

bool forecast_query_vertical(const Request *request, Vertical *ret_vertical, Error *err)
{
    int index;
    if (!request_query_word(request, "vertical", vertical_names + 1, -1, &index, err))
        return false;
    *ret_vertical = (Vertical)(index + 1);
    return true;
}

static bool query_place(const Request *request, int resolution, ForecastQuery *query, Error *err)
{
    double lat, lon;
    if (request_query(request, "lat") == NULL || request_query(request, "lon") == NULL)
        return error_set_at(err, ERROR_INVALID_ARGUMENT, "geo",
                            "geo, or lat and lon, are needed; GET /geos lists the geos");
    if (!request_query_real(request, "lat", -90, 90, 0, &lat, err) ||
        !request_query_real(request, "lon", -180, 180, 0, &lon, err) ||
        !geo_cell(lat, lon, resolution, query->cell, err))
        return false;
    query->geo = query->cell;
    return true;
}

static bool read_query(const Request *request, int resolution, ForecastQuery *query, Error *err)
{
    query->cell[0] = '\0';
    query->geo = request_query(request, "geo");
    if (query->geo == NULL && !query_place(request, resolution, query, err))
        return false;
    return request_query_int(request, "hours", 1, ANSWER_HOURS_MAX, ANSWER_HOURS_MAX, &query->hours, err) &&
           forecast_query_vertical(request, &query->vertical, err);
}

static bool unknown_geo(const ForecastQuery *query, Error *err)
{
    if (query->cell[0] != '\0')
        return error_set_at(err, ERROR_NOT_FOUND, "lat",
                            "the point lies in cell %s, which is not served: outside the service area, and no order "
                            "has come from it; GET /geos lists the geos",
                            query->cell);
    return error_set_at(err, ERROR_NOT_FOUND, "geo", "there is no geo \"%.64s\"; GET /geos lists them", query->geo);
}

static bool matches(const Request *request, const char *etag)
{
    const char *wanted = request_header(request, "If-None-Match");
    return wanted != NULL && (strcmp(wanted, "*") == 0 || strstr(wanted, etag) != NULL);
}

static void set_caching(Request *request, Response *response, const char *etag)
{
    response_header(response, request, "ETag", etag);
    response_header(response, request, "Cache-Control", forecast_cache_control);
}

static void answer_not_modified(Request *request, Response *response, const char *etag)
{
    response_empty(response, 304);
    set_caching(request, response, etag);
}

/* The 168 hours that dispatch asks for all day: a look-up, and a response that is there already. */
static bool answer_prepared(Request *request, Response *response, const Snapshot *snapshot, SnapshotGeo *geo,
                            Vertical vertical, Error *err)
{
    PreparedBody *body;
    if (!answer_body(snapshot, geo, vertical, &body, err))
        return false;
    if (!matches(request, body->etag)) {
        response_prepared(response, 200, body->response, shared_unref, body);
        return true;
    }
    answer_not_modified(request, response, body->etag);
    shared_unref(body);
    return true;
}

static bool answer_hours(Request *request, Response *response, const Snapshot *snapshot, const SnapshotGeo *geo,
                         const ForecastQuery *query, Error *err)
{
    char etag[ETAG_TEXT_MAX];
    answer_format_etag(geo->revision, snapshot->first_hour, etag);
    if (matches(request, etag)) {
        answer_not_modified(request, response, etag);
        return true;
    }
    ForecastAnswer answer;
    answer_make(snapshot, geo, query->vertical, (size_t)query->hours, &answer);
    Buffer out BUFFER_SCOPED;
    buffer_init(&out, ANSWER_JSON_MAX_BYTES);
    answer_write_json(&out, &answer);
    if (!buffer_ok(&out, err))
        return false;
    response_buffer(response, "application/json", &out);
    set_caching(request, response, etag);
    return true;
}

static bool answer_from(Request *request, Response *response, const Snapshot *snapshot, const ForecastQuery *query,
                        Error *err)
{
    if (!forecast_api_check(snapshot, err))
        return false;
    SnapshotGeo *geo = snapshot_find(snapshot, query->geo);
    if (geo == NULL)
        return unknown_geo(query, err);
    return query->hours == ANSWER_HOURS_MAX ? answer_prepared(request, response, snapshot, geo, query->vertical, err)
                                            : answer_hours(request, response, snapshot, geo, query, err);
}

bool forecast_get(Request *request, Response *response, Error *err)
{
    const ForecastApi *api = request->service;
    ForecastQuery query;
    if (!read_query(request, (int)api->config.h3_resolution, &query, err))
        return false;
    reclaim_enter();
    bool ok = answer_from(request, response, board_peek(api->board), &query, err);
    reclaim_leave();
    return ok;
}

enum { GEOS_LIMIT_DEFAULT = 1000, GEOS_LIMIT_MAX = 10000, GEOS_PAGE_MAX_BYTES = 16 << 20 };

static void write_place(Buffer *out, const char *label, double degrees)
{
    buffer_append_text(out, label);
    buffer_append_decimal(out, degrees, 6);
}

static void write_geo(Buffer *out, const GeoInfo *info)
{
    char first_hour[INSTANT_TEXT_MAX];
    buffer_append_text(out, "{\"geo\":");
    buffer_append_json_string(out, info->geo);
    buffer_append_text(out, ",\"name\":");
    buffer_append_json_string(out, info->name);
    buffer_append_text(out, ",\"kind\":");
    buffer_append_json_string(out, info->kind);
    buffer_append_text(out, ",\"timezone\":");
    buffer_append_json_string(out, info->timezone);
    buffer_append_text(out, ",\"country\":");
    buffer_append_json_string(out, info->country != NULL ? info->country : "");
    write_place(out, ",\"lat\":", info->lat);
    write_place(out, ",\"lon\":", info->lon);
    buffer_append_text(out, ",\"parent\":");
    buffer_append_json_string(out, info->parent);
    buffer_printf(out, ",\"geo_version\":%lld,\"first_hour\":", (long long)info->geo_version);
    if (info->first_hour != HOUR_NONE)
        hour_format(info->first_hour, first_hour);
    buffer_append_json_string(out, info->first_hour != HOUR_NONE ? first_hour : NULL);
    buffer_append_char(out, '}');
}

static uint32_t first_after(const Snapshot *snapshot, const char *after)
{
    uint32_t low = 0, high = after != NULL ? snapshot->count : 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (strcmp(snapshot->geos[middle].info.geo, after) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void write_geos(Buffer *out, const Snapshot *snapshot, const char *after, uint32_t limit)
{
    uint32_t from = first_after(snapshot, after);
    uint32_t to = snapshot->count - from > limit ? from + limit : snapshot->count;
    buffer_append_text(out, "{\"geos\":[");
    for (uint32_t i = from; i < to; i++) {
        if (i > from)
            buffer_append_char(out, ',');
        write_geo(out, &snapshot->geos[i].info);
    }
    buffer_append_text(out, "],\"next\":");
    buffer_append_json_string(out, to < snapshot->count ? snapshot->geos[to - 1].info.geo : NULL);
    buffer_append_char(out, '}');
}

bool served_geos_list(Request *request, Response *response, Error *err)
{
    const ForecastApi *api = request->service;
    int64_t limit;
    if (!request_query_int(request, "limit", 1, GEOS_LIMIT_MAX, GEOS_LIMIT_DEFAULT, &limit, err))
        return false;
    Snapshot *snapshot = board_hold(api->board);
    if (snapshot == NULL)
        return forecast_api_check(NULL, err);
    Buffer out BUFFER_SCOPED;
    buffer_init(&out, GEOS_PAGE_MAX_BYTES);
    write_geos(&out, snapshot, request_query(request, "after"), (uint32_t)limit);
    shared_unref(snapshot);
    if (!buffer_ok(&out, err))
        return false;
    response_buffer(response, "application/json", &out);
    return true;
}
