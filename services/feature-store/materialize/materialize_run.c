#include "services/feature-store/materialize/materialize_run.h"

#include <stdio.h>
#include <string.h>
#include "common/buffer.h"
#include "common/log.h"
#include "common/metrics.h"
#include "gen/feature_store_sql.h"
#include "services/feature-store/offline/feature_columns.h"
#include "services/feature-store/online/online_store.h"

enum { LOOK_MS = 1000, SQL_LIMIT_BYTES = 64 * 1024 };
enum { COLUMN_ENTITY_ID, COLUMN_KEY, COLUMN_EVENT_TIMESTAMP, COLUMN_RECORDED_AT, COLUMN_FEATURES };

static const double duration_buckets[] = {0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600, 1800, 3600};
static Metric results = {
    .kind = METRIC_COUNTER,
    .name = "feast_materialization_result_total",
    .help = "Materializations that ended: success or failure.",
    .labels = {"feature_view", "status"},
};
static Metric durations = {
    .kind = METRIC_HISTOGRAM,
    .name = "feast_materialization_duration_seconds",
    .help = "Time from the first to the last page of a materialization.",
    .labels = {"feature_view"},
    .buckets = duration_buckets,
    .buckets_count = sizeof(duration_buckets) / sizeof(duration_buckets[0]),
};

typedef struct Run {
    int64_t id;
    char view_name[FEATURE_NAME_MAX + 1];
    int64_t view_version;
    Instant start, end; /* start INSTANT_NONE: from the first */
    int64_t entity_reached;
} Run;

typedef struct Page {
    int64_t entity_reached;
    size_t rows, applied;
    bool is_last;
} Page;

/* Newest row of each of the next entities, null where one has none in the span. $1: kind, $2: entity_id reached, $3:
 * most entities, $4, $5: event timestamps (start, end]. */
static bool page_sql(const FeatureView *view, Buffer *sql, Error *err)
{
    buffer_append_text(sql, "SELECT entity.entity_id, entity.key, newest.event_timestamp, newest.recorded_at");
    for (size_t i = 0; i < view->features_count; i++) {
        if (!view->features[i].online_only)
            buffer_printf(sql, ", newest.\"%s\"", view->features[i].name);
    }
    buffer_printf(sql,
                  " FROM (SELECT entity_id, key FROM features.entity WHERE kind = $1 AND entity_id > $2"
                  " ORDER BY entity_id LIMIT $3) AS entity"
                  " LEFT JOIN LATERAL (SELECT value.* FROM features.\"%s\" AS value"
                  " WHERE value.entity_id = entity.entity_id"
                  " AND value.event_timestamp > coalesce($4, '-infinity') AND value.event_timestamp <= $5"
                  " ORDER BY value.event_timestamp DESC, value.recorded_seq DESC LIMIT 1) AS newest ON true"
                  " ORDER BY entity.entity_id",
                  view->table);
    return buffer_ok(sql, err);
}

static OnlineRow read_row(const FeatureView *view, const PGresult *result, int row, FeatureValue *values)
{
    int column = COLUMN_FEATURES;
    for (size_t i = 0; i < view->features_count; i++)
        values[i] = view->features[i].online_only ? (FeatureValue){.null = true}
                                                  : feature_value_get(view->features[i].type, result, row, column++);
    return (OnlineRow){
        .entity = pg_get_text(result, row, COLUMN_KEY),
        .row = {.event_timestamp = pg_get_instant(result, row, COLUMN_EVENT_TIMESTAMP),
                .created = pg_get_instant(result, row, COLUMN_RECORDED_AT),
                .values = values},
    };
}

static bool write_page(RedisClient *redis, const FeatureView *view, const PGresult *result, Page *page, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    size_t count = (size_t)PQntuples(result);
    OnlineRow *rows = arena_array(arena, count + 1, sizeof(*rows));
    FeatureValue *values = arena_array(arena, (count + 1) * view->features_count, sizeof(*values));
    for (int i = 0; i < (int)count; i++) {
        page->entity_reached = pg_get_int(result, i, COLUMN_ENTITY_ID);
        if (pg_is_null(result, i, COLUMN_EVENT_TIMESTAMP))
            continue;
        rows[page->rows] = read_row(view, result, i, &values[page->rows * view->features_count]);
        page->rows++;
    }
    return page->rows == 0 || online_store_write(redis, view, rows, page->rows, ONLINE_NEWER_ONLY, &page->applied, err);
}

static bool carry_page(PgConnection *postgres, RedisClient *redis, const FeatureView *view, const Run *run,
                       size_t page_entities, Page *page, Error *err)
{
    PG_RESULT_SCOPED PGresult *result = NULL;
    BUFFER_SCOPED Buffer sql;
    buffer_init(&sql, SQL_LIMIT_BYTES);
    page->entity_reached = run->entity_reached;
    if (!page_sql(view, &sql, err) ||
        !pg_query(postgres, sql.data,
                  PG_PARAMS(pg_text(view->entity_kind), pg_int(run->entity_reached), pg_int((int64_t)page_entities),
                            pg_instant(run->start), pg_instant(run->end)),
                  &result, err))
        return false;
    page->is_last = (size_t)PQntuples(result) < page_entities;
    return write_page(redis, view, result, page, err);
}

static bool take_run(PgConnection *postgres, Run *run, bool *ret_found, Error *err)
{
    PG_RESULT_SCOPED PGresult *result = NULL;
    if (!pg_run(postgres, &sql_take_materialization, PG_PARAMS(), &result, err))
        return false;
    *ret_found = PQntuples(result) > 0;
    if (!*ret_found)
        return true;
    *run = (Run){
        .id = pg_get_int(result, 0, 0),
        .view_version = pg_get_int(result, 0, 2),
        .start = pg_get_instant(result, 0, 3),
        .end = pg_get_instant(result, 0, 4),
        .entity_reached = pg_get_int(result, 0, 5),
    };
    snprintf(run->view_name, sizeof(run->view_name), "%s", pg_get_text(result, 0, 1));
    return true;
}

static bool save_page(PgConnection *postgres, const Run *run, const Page *page, double *ret_seconds, Error *err)
{
    PG_RESULT_SCOPED PGresult *result = NULL;
    if (!pg_run(postgres, &sql_update_materialization,
                PG_PARAMS(pg_int(run->id), pg_int(page->entity_reached), pg_int((int64_t)page->rows),
                          pg_int((int64_t)page->applied), pg_bool(page->is_last)),
                &result, err) ||
        !pg_commit(postgres, err))
        return false;
    *ret_seconds = pg_get_real(result, 0, 0);
    return true;
}

static bool run_page(PgConnection *postgres, RedisClient *redis, const FeatureViews *views, const Run *run,
                     size_t page_entities, Error *err)
{
    Page page = {0};
    double seconds = 0;
    const FeatureView *view = feature_views_find(views, run->view_name, strlen(run->view_name), run->view_version);
    if (view == NULL)
        return error_set(err, ERROR_NOT_FOUND, "feature view %s of version %lld is no longer declared", run->view_name,
                         (long long)run->view_version);
    if (!carry_page(postgres, redis, view, run, page_entities, &page, err) ||
        !save_page(postgres, run, &page, &seconds, err))
        return false;
    if (page.is_last) {
        metric_add(metric_with(&results, view->name, "success"), 1);
        metric_observe(metric_with(&durations, view->name), seconds);
        log_info("features.materialized", log_text("feature_view", view->name), log_int("id", run->id),
                 log_int("duration_ms", (int64_t)(seconds * 1000)));
    }
    return true;
}

static bool fail_run(PgConnection *postgres, const Run *run, const Error *problem, Error *err)
{
    metric_add(metric_with(&results, run->view_name, "failure"), 1);
    log_error("features.materialization_failed", log_text("feature_view", run->view_name), log_int("id", run->id),
              log_text("problem", problem->message));
    return pg_run(postgres, &sql_fail_materialization, PG_PARAMS(pg_int(run->id), pg_text(problem->message)), NULL,
                  err);
}

bool materialize_page(PgConnection *postgres, RedisClient *redis, const FeatureViews *views, size_t page_entities,
                      bool *ret_found, Error *err)
{
    Run run = {0};
    Error problem = {0};
    bool found = false;
    if (!pg_begin(postgres, err))
        return false;
    bool taken = take_run(postgres, &run, &found, err);
    bool done = taken && found && run_page(postgres, redis, views, &run, page_entities, &problem);
    if (!done)
        pg_rollback(postgres);
    if (!taken)
        return false;
    if (found && !done) {
        if (error_is_transient(&problem) || problem.code == ERROR_CONFLICT) {
            *err = problem;
            return false;
        }
        if (!fail_run(postgres, &run, &problem, err))
            return false;
    }
    *ret_found = found;
    return true;
}

bool materialize_step(void *service, WorkerStep *step, Error *err)
{
    FeatureStore *store = service;
    PG_SCOPED PgConnection *postgres = NULL;
    bool found = false;
    if (!feature_store_acquire(store, &postgres, err) ||
        !materialize_page(postgres, store->redis, &store->views, MATERIALIZE_PAGE_ENTITIES, &found, err))
        return false;
    step->rest_ms = found ? 0 : LOOK_MS;
    return true;
}
