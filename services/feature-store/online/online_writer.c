#include "services/feature-store/online/online_writer.h"

#include "common/clock.h"
#include "common/log.h"
#include "services/feature-store/geo_demand/feature_progress.h"
#include "services/feature-store/monitoring/feature_metrics.h"
#include "services/feature-store/offline/feature_columns.h"
#include "services/feature-store/offline/feature_sql.h"
#include "services/feature-store/online/online_store.h"

typedef struct Writing {
    RedisClient *redis;
    const FeatureView *view;
    size_t written;
} Writing;

static FeatureRow read_row(const FeatureView *view, const PGresult *rows, int row, FeatureValue *values)
{
    int column = 3;
    for (size_t i = 0; i < view->features_count; i++)
        values[i] = view->features[i].online_only ? (FeatureValue){.null = true}
                                                  : feature_value_get(view->features[i].type, rows, row, column++);
    return (FeatureRow){
        .event_timestamp = pg_get_instant(rows, row, 1),
        .created = pg_get_instant(rows, row, 2),
        .values = values,
    };
}

static bool write_rows(void *context, const PGresult *result, Error *err)
{
    Writing *writing = context;
    const FeatureView *view = writing->view;
    ARENA_SCOPED Arena *arena = arena_new();
    size_t count = (size_t)PQntuples(result);
    OnlineRow *rows = arena_array(arena, count, sizeof(*rows));
    FeatureValue *values = arena_array(arena, count * view->features_count, sizeof(*values));
    for (size_t i = 0; i < count; i++) {
        rows[i].entity = pg_get_text(result, (int)i, 0);
        rows[i].row = read_row(view, result, (int)i, &values[i * view->features_count]);
    }
    /* Overwritten, since hours are restated: what is recorded last holds, whatever its hour. */
    if (!online_store_write(writing->redis, view, rows, count, ONLINE_OVERWRITE, NULL, err))
        return false;
    writing->written += count;
    return true;
}

static bool write_since(PgConnection *postgres, Writing *writing, int64_t since, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    PgStatement statement = {
        .name = "feature_online",
        .sql = feature_sql_online(writing->view, arena),
    };
    return pg_each(postgres, &statement, PG_PARAMS(pg_int(since)), write_rows, writing, err);
}

bool online_writer_sync(PgConnection *postgres, RedisClient *redis, const FeatureView *view, size_t *ret_rows,
                        Error *err)
{
    Writing writing = {.redis = redis, .view = view};
    int64_t online_seq = 0;
    FeatureProgress progress = {0};
    bool ok = pg_begin(postgres, err) &&
              pg_command(postgres, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", err) &&
              feature_progress_read(postgres, view->table, false, &progress, err) &&
              online_store_marker(redis, view, progress.origin, &online_seq, err);
    if (ok && online_seq != progress.recorded_seq) {
        /* beyond what is recorded: the database was set back */
        int64_t since = online_seq < progress.recorded_seq ? online_seq : 0;
        ok = write_since(postgres, &writing, since, err) &&
             online_store_set_marker(redis, view, progress.origin, progress.recorded_seq, err);
    }
    pg_rollback(postgres);
    if (!ok)
        return false;
    feature_metrics_rows_online(view, writing.written, 0);
    Instant now = clock_now();
    if (progress.complete_hour != HOUR_NONE && now != INSTANT_NONE)
        feature_metrics_freshness(view->name,
                                  (double)(now - hour_start(progress.complete_hour + 1)) / INSTANT_PER_SECOND);
    *ret_rows = writing.written;
    return true;
}

bool online_writer_step(void *service, WorkerStep *step, Error *err)
{
    FeatureStore *store = service;
    PG_SCOPED PgConnection *postgres = NULL;
    if (!feature_store_acquire(store, &postgres, err))
        return false;
    for (size_t i = 0; i < store->views.count; i++) {
        const FeatureView *view = &store->views.items[i];
        size_t rows = 0;
        if (view->source.kind != FEATURE_SOURCE_DEMAND)
            continue;
        if (!online_writer_sync(postgres, store->redis, view, &rows, err))
            return false;
        if (rows > 0)
            log_debug("online.rows_written", log_text("feature_view", view->name), log_int("rows", rows));
    }
    step->rest_ms = (int)store->config.poll_ms;
    return true;
}
