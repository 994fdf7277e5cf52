#include "services/feature-store/online/online_writer.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/metrics.h"
#include "services/feature-store/geo_demand/feature_progress.h"
#include "services/feature-store/offline/feature_columns.h"
#include "services/feature-store/offline/feature_sql.h"
#include "services/feature-store/online/online_store.h"

enum { ROW_LIMIT_BYTES = 4096, ACQUIRE_REDIS_MS = 2000 };

static Metric rows_written = {
    .kind = METRIC_COUNTER,
    .name = "rushcast_online_rows_written_total",
    .help = "Rows written to the online store.",
    .labels = {"feature_view"},
};
static Metric freshness_seconds = {
    .kind = METRIC_GAUGE,
    .name = "feast_feature_freshness_seconds",
    .help = "Seconds between now and the newest event timestamp of the feature view.",
    .labels = {"feature_view"},
};

typedef struct Writing {
    RedisConnection *redis;
    const FeatureView *view;
    Buffer packed;
    size_t queued, written;
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

static bool write_rows(void *context, const PGresult *rows, Error *err)
{
    Writing *writing = context;
    FeatureValue values[FEATURES_PER_VIEW_MAX];
    for (int i = 0; i < PQntuples(rows); i++) {
        FeatureRow row = read_row(writing->view, rows, i, values);
        buffer_clear(&writing->packed);
        feature_row_pack(writing->view, &row, &writing->packed);
        if (!buffer_ok(&writing->packed, err) ||
            !online_store_put(writing->redis, writing->view, pg_get_text(rows, i, 0), &writing->packed, err))
            return false;
        writing->queued++;
        writing->written++;
        if (writing->queued == ONLINE_PIPELINE_ROWS) {
            if (!online_store_flush(writing->redis, writing->queued, err))
                return false;
            writing->queued = 0;
        }
    }
    return true;
}

static bool write_since(PgConnection *postgres, Writing *writing, int64_t since, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    PgStatement statement = {
        .name = "feature_online",
        .sql = feature_sql_online(writing->view, arena),
    };
    return pg_each(postgres, &statement, PG_PARAMS(pg_int(since)), write_rows, writing, err) &&
           online_store_flush(writing->redis, writing->queued, err);
}

bool online_writer_sync(PgConnection *postgres, RedisConnection *redis, const FeatureView *view, size_t *ret_rows,
                        Error *err)
{
    Writing writing = {.redis = redis, .view = view};
    buffer_init(&writing.packed, ROW_LIMIT_BYTES);
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
    buffer_fini(&writing.packed);
    if (!ok)
        return false;
    metric_add(metric_with(&rows_written, view->name), (double)writing.written);
    Instant now = clock_now();
    if (progress.complete_hour != HOUR_NONE && now != INSTANT_NONE)
        metric_set(metric_with(&freshness_seconds, view->name),
                   (double)(now - hour_start(progress.complete_hour + 1)) / INSTANT_PER_SECOND);
    *ret_rows = writing.written;
    return true;
}

bool online_writer_step(void *service, WorkerStep *step, Error *err)
{
    FeatureStore *store = service;
    PG_SCOPED PgConnection *postgres = NULL;
    REDIS_SCOPED RedisConnection *redis = NULL;
    if (!redis_acquire(store->redis, ACQUIRE_REDIS_MS, &redis, err) || !feature_store_acquire(store, &postgres, err))
        return false;
    for (size_t i = 0; i < store->views.count; i++) {
        const FeatureView *view = &store->views.items[i];
        size_t rows = 0;
        if (view->source.kind != FEATURE_SOURCE_DEMAND)
            continue;
        if (!online_writer_sync(postgres, redis, view, &rows, err))
            return false;
        if (rows > 0)
            log_debug("online.rows_written", log_text("feature_view", view->name), log_int("rows", rows));
    }
    step->rest_ms = (int)store->config.poll_ms;
    return true;
}
