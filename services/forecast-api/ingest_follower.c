#include "services/forecast-api/follower.h"

#include <string.h>
#include "common/clock.h"
#include "common/http_client.h"
#include "gen/forecast_api_sql.h"
#include "services/forecast-api/forecast_api.h"

enum { GEOS_PAGE = 1000, GEOS_PAGES_MAX = 1000, INGEST_DEADLINE_MS = 10000 };
enum { GEOS_REST_MS = 15000, WATERMARK_REST_MS = 1000 };

static bool store_geos(ForecastApi *api, const json_t *geos, Error *err)
{
    char *text = json_dumps(geos, JSON_COMPACT);
    if (text == NULL)
        return error_set(err, ERROR_UNAVAILABLE, "not enough memory for a page of geos");
    PgConnection *connection PG_SCOPED = NULL;
    bool ok = pg_acquire(api->pg, PG_ACQUIRE_DEADLINE_MS, &connection, err) && pg_begin(connection, err);
    if (ok) {
        ok = pg_run(connection, &sql_lock_forecast_revisions, PG_PARAMS(), NULL, err) &&
             pg_run(connection, &sql_upsert_forecast_geos, PG_PARAMS(pg_text(text)), NULL, err);
        if (ok)
            ok = pg_commit(connection, err);
        else
            pg_rollback(connection);
    }
    free(text);
    return ok;
}

bool follower_copy_geos(ForecastApi *api, Error *err)
{
    Arena *arena ARENA_SCOPED = arena_new();
    const char *after = "";
    for (int page = 0; page < GEOS_PAGES_MAX; page++) {
        json_t *answer JSON_SCOPED = NULL;
        const char *url = arena_printf(arena, "%s/geos?limit=%d%s%s", api->config.common.ingest_url, GEOS_PAGE,
                                       *after != '\0' ? "&after=" : "", http_escape(arena, after));
        if (!http_get_json(url, api->config.common.token, INGEST_DEADLINE_MS, &answer, err))
            return false;
        const json_t *geos = json_object_get(answer, "geos");
        if (!json_is_array(geos))
            return error_set(err, ERROR_UPSTREAM, "%s answered no array \"geos\"", url);
        if (json_array_size(geos) > 0 && !store_geos(api, geos, err))
            return false;
        const char *next = json_string_value(json_object_get(answer, "next"));
        if (next == NULL)
            break;
        after = arena_strdup(arena, next);
    }
    forecast_api_wake(WORKER_PUBLICATIONS);
    return true;
}

static bool copy_watermark(ForecastApi *api, Error *err)
{
    char url[512];
    snprintf(url, sizeof url, "%s/watermark", api->config.common.ingest_url);
    json_t *answer JSON_SCOPED = NULL;
    if (!http_get_json(url, api->config.common.token, INGEST_DEADLINE_MS, &answer, err))
        return false;
    const char *text = json_string_value(json_object_get(answer, "watermark"));
    Instant watermark;
    if (text == NULL)
        return true;
    if (!instant_parse(text, &watermark, err))
        return error_prefix(err, "%s", url);
    clock_set_watermark(watermark);
    forecast_api_wake(WORKER_HOURS);
    return true;
}

bool follow_ingest(void *service, WorkerStep *step, Error *err)
{
    ForecastApi *api = service;
    bool data_time = clock_follows_data();
    step->rest_ms = data_time ? WATERMARK_REST_MS : GEOS_REST_MS;
    if (data_time && !copy_watermark(api, err))
        return false;
    if (clock_monotonic_ms() < api->next_geos_ms)
        return true;
    if (!follower_copy_geos(api, err))
        return false;
    api->next_geos_ms = clock_monotonic_ms() + GEOS_REST_MS;
    return true;
}
