#include "services/feature-store/geo_demand/geo_demand_follower.h"

#include <stdlib.h>
#include <string.h>
#include "common/arrow_table.h"
#include "common/clock.h"
#include "common/http_client.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/service.h"
#include "services/feature-store/geo_demand/feature_progress.h"
#include "services/feature-store/feature_store.h"
#include "services/feature-store/geo_demand/geo_demand_store.h"

enum { PAGE_DEADLINE_MS = 30000, WATERMARK_DEADLINE_MS = 5000 };

static Metric rows_applied = {
    .kind = METRIC_COUNTER,
    .name = "rushcast_demand_changes_applied_total",
    .help = "Demand changes of ingest stored by the feature store.",
};
static Metric rows_recorded = {
    .kind = METRIC_COUNTER,
    .name = "rushcast_feature_rows_recorded_total",
    .help = "Feature rows recorded offline.",
    .labels = {"feature_view"},
};

enum { COLUMN_GEO, COLUMN_HOUR, COLUMN_VERTICAL, COLUMN_COUNT, COLUMNS };
static const ArrowColumn page_columns[COLUMNS] = {
    [COLUMN_GEO] = {.name = "geo", .type = ARROW_COLUMN_TEXT},
    [COLUMN_HOUR] = {.name = "hour_utc", .type = ARROW_COLUMN_HOUR},
    [COLUMN_VERTICAL] = {.name = "vertical", .type = ARROW_COLUMN_TEXT, .nullable = true},
    [COLUMN_COUNT] = {.name = "count", .type = ARROW_COLUMN_INT},
};

typedef struct SourceState {
    Instant watermark;
    Hour complete_hour;
    int64_t cursor;
} SourceState;

static bool read_source_state(const FeatureStore *store, Arena *arena, SourceState *ret_state, Error *err)
{
    static const JsonField fields[] = {
        {.name = "watermark", .type = JSON_FIELD_INSTANT, .offset = offsetof(SourceState, watermark), .optional = true},
        {.name = "complete_hour",
         .type = JSON_FIELD_HOUR,
         .offset = offsetof(SourceState, complete_hour),
         .optional = true},
        {.name = "cursor", .type = JSON_FIELD_INT, .offset = offsetof(SourceState, cursor)},
        {0},
    };
    const CommonConfig *common = &store->config.common;
    const char *url = arena_printf(arena, "%s/watermark", common->ingest_url);
    JSON_SCOPED json_t *json = NULL;
    SourceState state = {.watermark = INSTANT_NONE, .complete_hour = HOUR_NONE};
    if (!http_get_json(url, common->token, WATERMARK_DEADLINE_MS, &json, err) ||
        !json_read(json, "", fields, arena, &state, err))
        return false;
    *ret_state = state;
    return true;
}

static bool page_header(const HttpReply *reply, const char *name, const char **ret_value, Error *err)
{
    *ret_value = http_reply_header(reply, name);
    return *ret_value != NULL || error_set(err, ERROR_UPSTREAM, "ingest answered /demand without %s", name);
}

static bool apply_page(PgConnection *connection, int64_t *cursor, const HttpReply *reply, Arena *arena, bool *ret_more,
                       Error *err)
{
    const char *cursor_text = NULL, *more_text = NULL;
    ArrowTable *table = NULL;
    if (!page_header(reply, "rushcast-cursor", &cursor_text, err) ||
        !page_header(reply, "rushcast-more", &more_text, err) ||
        !arrow_table_read(reply->body.data, reply->body.length_bytes, page_columns, COLUMNS, arena, &table, err))
        return false;
    int64_t cursor_after = strtoll(cursor_text, NULL, 10);
    /* a cursor that stands still has nothing to give, whatever the header says */
    *ret_more = strcmp(more_text, "true") == 0 && cursor_after > *cursor;
    if (cursor_after == *cursor)
        return true;
    GeoDemandChange *changes = arena_array(arena, table->rows, sizeof(*changes));
    for (size_t row = 0; row < table->rows; row++)
        changes[row] = (GeoDemandChange){
            .geo = arrow_get_text(table, row, COLUMN_GEO),
            .hour = (Hour)arrow_get_int(table, row, COLUMN_HOUR),
            .vertical = arrow_get_text(table, row, COLUMN_VERTICAL),
            .orders = arrow_get_int(table, row, COLUMN_COUNT),
        };
    if (!geo_demand_apply(connection, *cursor, cursor_after, changes, table->rows, err))
        return false;
    metric_add(metric_with(&rows_applied), (double)table->rows);
    *cursor = cursor_after;
    return true;
}

static bool read_page(const FeatureStore *store, PgConnection *connection, int64_t *cursor, bool *ret_more, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    HTTP_REPLY_SCOPED HttpReply reply = {0};
    const CommonConfig *common = &store->config.common;
    HttpCall call = {
        .url = arena_printf(arena, "%s/demand?changed_since=%lld&limit=%lld", common->ingest_url, (long long)*cursor,
                            (long long)store->config.page_rows),
        .accept = "application/vnd.apache.arrow.stream",
        .token = common->token,
        .deadline_ms = PAGE_DEADLINE_MS,
    };
    return http_call(&call, &reply, err) && apply_page(connection, cursor, &reply, arena, ret_more, err);
}

/* Stores all pages that ingest has; false in *ret_caught_up when the service is stopping. */
static bool catch_up(const FeatureStore *store, PgConnection *connection, int64_t cursor, bool *ret_caught_up,
                     Error *err)
{
    int64_t begin = cursor;
    bool more = true;
    while (more && !workers_stopping()) {
        if (!read_page(store, connection, &cursor, &more, err))
            return false;
    }
    if (cursor != begin)
        log_debug("demand.pages_applied", log_int("cursor", cursor));
    *ret_caught_up = !more;
    return true;
}

static bool record(PgConnection *connection, const SourceState *source, Error *err)
{
    int64_t begin_ms = clock_monotonic_ms(), rows = 0;
    if (!geo_demand_record(connection, source->complete_hour, source->watermark, workers_stopping, &rows, err))
        return false;
    if (rows == 0)
        return true;
    metric_add(metric_with(&rows_recorded, GEO_DEMAND_VIEW), (double)rows);
    char hour[INSTANT_TEXT_MAX];
    hour_format(source->complete_hour, hour);
    log_info("features.recorded", log_text("feature_view", GEO_DEMAND_VIEW), log_int("rows", rows),
             log_text("complete_hour", hour), log_int("duration_ms", clock_monotonic_ms() - begin_ms));
    workers_wake(service_workers(), "online_writer");
    return true;
}

bool geo_demand_follower_step(void *service, WorkerStep *step, Error *err)
{
    FeatureStore *store = service;
    ARENA_SCOPED Arena *arena = arena_new();
    PG_SCOPED PgConnection *connection = NULL;
    FeatureProgress progress;
    SourceState source;
    bool caught_up = false;
    if (!feature_store_acquire(store, &connection, err) ||
        !feature_progress_read(connection, GEO_DEMAND_TABLE, false, &progress, err))
        return false;
    if (progress.watermark != INSTANT_NONE)
        clock_set_watermark(progress.watermark);
    /* before the pages: those read after it hold everything the watermark speaks of */
    if (!read_source_state(store, arena, &source, err))
        return false;
    if (source.cursor < progress.source_cursor)
        return error_set(err, ERROR_CONFLICT,
                         "ingest is at cursor %lld, behind the %lld read before: its database is another one; drop the "
                         "schema features to follow it",
                         (long long)source.cursor, (long long)progress.source_cursor);
    if (source.watermark != INSTANT_NONE)
        clock_set_watermark(source.watermark);
    if (!catch_up(store, connection, progress.source_cursor, &caught_up, err))
        return false;
    if (caught_up && source.complete_hour != HOUR_NONE && !record(connection, &source, err))
        return false;
    step->rest_ms = (int)store->config.poll_ms;
    return true;
}
