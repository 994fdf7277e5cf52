#include "services/feature-store/batch_source/batch_source.h"

#include <string.h>
#include "common/clock.h"
#include "common/log.h"
#include "common/metrics.h"
#include "services/feature-store/batch_source/batch_source_sql.h"
#include "services/feature-store/offline/feature_columns.h"
#include "services/feature-store/offline/offline_store.h"
#include "services/feature-store/online/online_store.h"
#include "services/feature-store/registry/feature_entity.h"

enum { LOOK_MS = 5000, EVENT_TIMESTAMP_COLUMN = 0, FIRST_KEY_COLUMN = 1 };

static Metric rows_rejected = {
    .kind = METRIC_COUNTER,
    .name = "rushcast_feature_rows_rejected_total",
    .help = "Rows of a feature view's source that could not be kept: without a key or an event timestamp.",
    .labels = {"feature_view"},
};

typedef struct Reading {
    const FeatureView *view;
    Arena *arena;
    OfflineRow *rows;
    size_t count, capacity, rejected;
} Reading;

/* Lives in the arena. */
static FeatureValue read_value(const Reading *reading, FeatureType type, const PGresult *result, int row, int column)
{
    FeatureValue value = feature_value_get(type, result, row, column);
    if (type == FEATURE_TEXT && !value.null)
        value.text = arena_strdup(reading->arena, value.text);
    return value;
}

/* The entity's canonical text; NULL when a key is missing or does not fit. */
static const char *read_entity(const Reading *reading, const PGresult *result, int row)
{
    const FeatureView *view = reading->view;
    FeatureValue keys[FEATURE_KEYS_MAX];
    for (size_t i = 0; i < view->keys_count; i++)
        keys[i] = read_value(reading, view->keys[i].type, result, row, FIRST_KEY_COLUMN + (int)i);
    char text[FEATURE_ENTITY_MAX + 1];
    Error err;
    return feature_entity_format(view, keys, text, &err) ? arena_strdup(reading->arena, text) : NULL;
}

static bool add_row(Reading *reading, const PGresult *result, int row, Error *err)
{
    const FeatureView *view = reading->view;
    const char *entity = read_entity(reading, result, row);
    if (entity == NULL || pg_is_null(result, row, EVENT_TIMESTAMP_COLUMN)) {
        reading->rejected++;
        return true;
    }
    if (reading->count == OFFLINE_ROWS_PER_APPEND_MAX)
        return error_set(err, ERROR_TOO_LARGE, "the query of feature view %s answers more than %d rows", view->name,
                         OFFLINE_ROWS_PER_APPEND_MAX);
    if (reading->count == reading->capacity) {
        size_t capacity = reading->capacity == 0 ? 1024 : reading->capacity * 2;
        OfflineRow *rows = arena_array(reading->arena, capacity, sizeof(*rows));
        if (reading->count > 0)
            memcpy(rows, reading->rows, reading->count * sizeof(*rows));
        reading->rows = rows;
        reading->capacity = capacity;
    }
    FeatureValue *values = arena_array(reading->arena, view->features_count, sizeof(*values));
    for (size_t i = 0; i < view->features_count; i++)
        values[i] =
            read_value(reading, view->features[i].type, result, row, FIRST_KEY_COLUMN + (int)(view->keys_count + i));
    reading->rows[reading->count++] = (OfflineRow){
        .entity = entity,
        .row = {.event_timestamp = pg_get_instant(result, row, EVENT_TIMESTAMP_COLUMN),
                .created = INSTANT_NONE,
                .values = values},
    };
    return true;
}

static bool read_rows(void *context, const PGresult *result, Error *err)
{
    for (int row = 0; row < PQntuples(result); row++) {
        if (!add_row(context, result, row, err))
            return false;
    }
    return true;
}

static bool write_online(const Reading *reading, RedisClient *redis, Error *err)
{
    OnlineRow *rows = arena_array(reading->arena, reading->count, sizeof(*rows));
    Instant created = clock_wall();
    for (size_t i = 0; i < reading->count; i++) {
        rows[i] = (OnlineRow){.entity = reading->rows[i].entity, .row = reading->rows[i].row};
        rows[i].row.created = created;
    }
    return online_store_write(redis, reading->view, rows, reading->count, ONLINE_NEWER_ONLY, NULL, err);
}

bool batch_source_run(PgConnection *connection, RedisClient *redis, const FeatureView *view, Instant now,
                      size_t *ret_rows, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    Reading reading = {.view = view, .arena = arena};
    PgStatement statement = {.name = "feature_source", .sql = batch_source_statement(view, arena)};
    if (!pg_begin(connection, err))
        return false;
    bool ok = pg_command(connection, "SET TRANSACTION READ ONLY", err) &&
              pg_each(connection, &statement, PG_PARAMS(pg_instant(now)), read_rows, &reading, err);
    pg_rollback(connection);
    if (!ok)
        return error_prefix(err, "the query of feature view %s", view->name);
    if (reading.rejected > 0)
        metric_add(metric_with(&rows_rejected, view->name), (double)reading.rejected);
    int64_t recorded_seq = 0;
    if (reading.count > 0 &&
        (!offline_store_append(connection, view, reading.rows, reading.count, &recorded_seq, err) ||
         !write_online(&reading, redis, err)))
        return false;
    *ret_rows = reading.count;
    return true;
}

/* The present of the source is cut to its interval, so that several processes and restarts record the same moment. */
static Instant due_moment(const FeatureView *view, Instant now)
{
    Instant interval = view->source.every_s * INSTANT_PER_SECOND;
    return now / interval * interval;
}

static bool read_view(FeatureStore *store, const FeatureView *view, Instant moment, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    size_t rows = 0;
    if (!feature_store_acquire(store, &connection, err) ||
        !batch_source_run(connection, store->redis, view, moment, &rows, err))
        return false;
    log_debug("features.source_read", log_text("feature_view", view->name), log_int("rows", (int64_t)rows));
    return true;
}

bool batch_source_step(void *service, WorkerStep *step, Error *err)
{
    static Instant done[FEATURE_VIEWS_MAX]; /* by place of the view; only this worker's thread uses it */
    FeatureStore *store = service;
    Instant now = clock_now();
    bool ok = true; /* a view that can't be read does not hold up the others */
    step->rest_ms = LOOK_MS;
    for (size_t i = 0; now != INSTANT_NONE && i < store->views.count && !workers_stopping(); i++) {
        const FeatureView *view = &store->views.items[i];
        if (view->source.kind != FEATURE_SOURCE_SQL)
            continue;
        Instant moment = due_moment(view, now);
        if (moment != done[i] && read_view(store, view, moment, err))
            done[i] = moment;
        else if (moment != done[i])
            ok = false;
    }
    return ok;
}
