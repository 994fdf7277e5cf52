#include "services/trainer/data_follower.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/arrow_table.h"
#include "common/clock.h"
#include "common/geo_listing.h"
#include "common/http_client.h"
#include "services/trainer/spool_file.h"
#include "services/trainer/trainer.h"
#include "services/trainer/trainer_metrics.h"

enum {
    REST_MS = 1000,
    EXPORT_DEADLINE_MS = 3 * 60 * 1000,
    CALL_DEADLINE_MS = 10 * 1000,
    GEOS_REFRESH_MS = 60 * 1000,
    UNKNOWN_GEOS_REFRESH_MS = 3 * 1000,
    URL_MAX = 512,
};

/* About 80 million rows: it goes to a file, which is mapped. */
static const size_t export_limit_bytes = (size_t)4 << 30;

enum { COLUMN_GEO, COLUMN_HOUR, COLUMN_COUNTS, COLUMNS = COLUMN_COUNTS + DEMAND_STORE_VERTICALS };

static const ArrowColumn export_columns[COLUMNS] = {
    {"geo", ARROW_COLUMN_TEXT, false},   {"hour_utc", ARROW_COLUMN_HOUR, false},
    {"orders", ARROW_COLUMN_REAL, true}, {"restaurant", ARROW_COLUMN_REAL, true},
    {"goods", ARROW_COLUMN_REAL, true},
};

static bool read_export(DemandStore *store, FILE *file, Error *err)
{
    SPOOL_FILE_MAP_SCOPED SpoolFileMap map = {0};
    ARENA_SCOPED Arena *arena = arena_new();
    ArrowTable *table;
    if (!spool_file_map(file, &map, err) ||
        !arrow_table_read(map.data, map.length_bytes, export_columns, COLUMNS, arena, &table, err)) {
        return error_prefix(err, "feature-store's export");
    }
    for (size_t row = 0; row < table->rows; row++) {
        double counts[DEMAND_STORE_VERTICALS];
        for (size_t v = 0; v < DEMAND_STORE_VERTICALS; v++) {
            counts[v] = arrow_get_real(table, row, COLUMN_COUNTS + v);
        }
        if (!demand_store_put_demand(store, arrow_get_text(table, row, COLUMN_GEO),
                                     (Hour)arrow_get_int(table, row, COLUMN_HOUR), counts, err)) {
            return false;
        }
    }
    return true;
}

static bool reply_cursor(const HttpReply *reply, int64_t *ret_cursor, Error *err)
{
    const char *text = http_reply_header(reply, "rushcast-cursor");
    char *end = NULL;
    errno = 0;
    long long cursor = text == NULL ? 0 : strtoll(text, &end, 10);
    if (text == NULL || end == text || *end != '\0' || errno != 0) {
        return error_set(err, ERROR_UPSTREAM, "feature-store's export has no usable Rushcast-Cursor header.");
    }
    *ret_cursor = cursor;
    return true;
}

static void note_complete_hour(Trainer *trainer, Hour complete_hour)
{
    pthread_mutex_lock(&trainer->mutex);
    bool changed = !trainer->data.history_loaded || trainer->data.complete_hour != complete_hour;
    trainer->data.history_loaded = true;
    trainer->data.complete_hour = complete_hour;
    pthread_mutex_unlock(&trainer->mutex);
    if (changed) {
        trainer_wake("planner");
    }
}

bool data_follower_history(void *service, WorkerStep *step, Error *err)
{
    Trainer *trainer = service;
    SPOOL_FILE_SCOPED FILE *file = NULL;
    HTTP_REPLY_SCOPED HttpReply reply = {0};
    char url[URL_MAX];
    int64_t since = demand_store_cursor(trainer->store), cursor = 0;
    Hour complete_hour = HOUR_NONE;

    int length = snprintf(url, sizeof url, "%s/feature-views/geo_demand/export?features=orders,restaurant,goods",
                          trainer->config.common.feature_store_url);
    if (since > 0) {
        snprintf(url + length, sizeof url - (size_t)length, "&recorded_since=%lld", (long long)since);
    }
    if (!spool_file_open(trainer->config.common.spool_dir, &file, err) ||
        !http_call(&(HttpCall){.url = url,
                               .accept = "application/vnd.apache.arrow.stream",
                               .token = trainer->config.common.token,
                               .deadline_ms = EXPORT_DEADLINE_MS,
                               .attempts = 1,
                               .reply_limit_bytes = export_limit_bytes,
                               .sink = file},
                   &reply, err) ||
        !reply_cursor(&reply, &cursor, err)) {
        return false;
    }
    if (cursor < since) {
        /* The store was made anew: its cursors mean something else now. */
        demand_store_clear(trainer->store);
        step->rest_ms = 0;
        return true;
    }
    const char *header = http_reply_header(&reply, "rushcast-complete-hour");
    if (header != NULL && header[0] != '\0' && !hour_parse(header, &complete_hour, err)) {
        return error_prefix(err, "feature-store's Rushcast-Complete-Hour header");
    }
    if (!read_export(trainer->store, file, err)) {
        return false;
    }
    demand_store_set_cursor(trainer->store, cursor);
    metric_set(metric_with(&trainer_history_cursor), (double)cursor);
    note_complete_hour(trainer, complete_hour);
    step->rest_ms = REST_MS;
    return true;
}

static bool put_geo(void *context, const ListedGeo *geo, Error *err)
{
    Trainer *trainer = context;
    return demand_store_put_geo(
        trainer->store,
        &(StoredGeo){.geo = geo->geo,
                     .parent = geo->parent,
                     .is_parent = strcmp(geo->kind, "city") == 0 || strcmp(geo->kind, "all") == 0,
                     .timezone = geo->timezone,
                     .country = geo->country,
                     .first_order = geo->first_hour},
        err);
}

static bool refresh_geos(Trainer *trainer, Error *err)
{
    if (!geo_listing_read(trainer->config.common.ingest_url, trainer->config.common.token, put_geo, trainer, err)) {
        return false;
    }
    metric_set(metric_with(&trainer_history_geos), (double)demand_store_geos_count(trainer->store));
    return true;
}

typedef struct WatermarkFields {
    Instant watermark;
    Hour complete_hour;
    int64_t lag;
    bool caught_up;
} WatermarkFields;

static bool read_watermark(Trainer *trainer, WatermarkFields *ret, Error *err)
{
    static const JsonField fields[] = {
        {"watermark", JSON_FIELD_INSTANT, offsetof(WatermarkFields, watermark), true, 0, 0},
        {"complete_hour", JSON_FIELD_HOUR, offsetof(WatermarkFields, complete_hour), true, 0, 0},
        {"lag", JSON_FIELD_INT, offsetof(WatermarkFields, lag), true, 0, 0},
        {"caught_up", JSON_FIELD_BOOL, offsetof(WatermarkFields, caught_up), false, 0, 0},
        {0},
    };
    ARENA_SCOPED Arena *arena = arena_new();
    JSON_SCOPED json_t *json = NULL;
    WatermarkFields read = {.watermark = INSTANT_NONE, .complete_hour = HOUR_NONE};
    const char *url = arena_printf(arena, "%s/watermark", trainer->config.common.ingest_url);
    if (!http_get_json(url, trainer->config.common.token, CALL_DEADLINE_MS, &json, err) ||
        !json_read(json, "", fields, arena, &read, err)) {
        return false;
    }
    *ret = read;
    return true;
}

bool data_follower_ingest(void *service, WorkerStep *step, Error *err)
{
    Trainer *trainer = service;
    WatermarkFields watermark;
    if (!read_watermark(trainer, &watermark, err)) {
        return false;
    }
    if (clock_follows_data() && watermark.watermark != INSTANT_NONE) {
        clock_set_watermark(watermark.watermark);
    }
    int64_t now_ms = clock_monotonic_ms();
    pthread_mutex_lock(&trainer->mutex);
    bool moved = trainer->data.ingest_complete_hour != watermark.complete_hour;
    trainer->data.ingest_complete_hour = watermark.complete_hour;
    trainer->data.ingest_lag = watermark.lag;
    trainer->data.ingest_caught_up = watermark.caught_up;
    trainer->data.ingest_heard_ms = now_ms;
    bool loaded = trainer->data.geos_loaded;
    int64_t age_ms = now_ms - trainer->geos_read_ms;
    pthread_mutex_unlock(&trainer->mutex);
    if (moved) {
        trainer_wake("feature-store");
    }
    if (!loaded || age_ms >= GEOS_REFRESH_MS ||
        (age_ms >= UNKNOWN_GEOS_REFRESH_MS && demand_store_has_unknown_geos(trainer->store))) {
        if (!refresh_geos(trainer, err)) {
            return false;
        }
        pthread_mutex_lock(&trainer->mutex);
        trainer->data.geos_loaded = true;
        trainer->geos_read_ms = now_ms;
        pthread_mutex_unlock(&trainer->mutex);
    }
    step->rest_ms = REST_MS;
    return true;
}
