#include "services/feature-store/monitoring/feature_monitor.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "common/clock.h"
#include "common/log.h"
#include "common/metrics.h"
#include "services/feature-store/feature_store.h"
#include "services/feature-store/monitoring/feature_metrics.h"
#include "services/feature-store/monitoring/feature_statistics.h"

enum { LABEL_MAX = FEATURE_VIEW_NAME_MAX + 24 };

static Metric store_up = {
    .kind = METRIC_GAUGE,
    .name = "rushcast_feature_store_up",
    .help = "1 while the server behind the online (redis) or offline store (postgres) answers.",
    .labels = {"server"},
};
static Metric view_rows = {
    .kind = METRIC_GAUGE,
    .name = "rushcast_feature_rows",
    .help = "Rows of the last 7 days of the feature view, estimated for large views.",
    .labels = {"feature_view"},
};
static Metric view_entities = {
    .kind = METRIC_GAUGE,
    .name = "rushcast_feature_entities",
    .help = "Entities that have such rows.",
    .labels = {"feature_view"},
};
static Metric null_ratio = {
    .kind = METRIC_GAUGE,
    .name = "rushcast_feature_null_ratio",
    .help = "Share of nulls among the values of the last 7 days.",
    .labels = {"feature_view", "feature"},
};
static Metric psi = {
    .kind = METRIC_GAUGE,
    .name = "rushcast_feature_psi",
    .help = "Population stability index of the values of the last 7 days against those of the 28 days before.",
    .labels = {"feature_view", "feature"},
};
static Metric out_of_range = {
    .kind = METRIC_GAUGE,
    .name = "rushcast_feature_out_of_range",
    .help = "Values of the last 7 days outside the declared minimum and maximum.",
    .labels = {"feature_view", "feature"},
};
static Metric parity_checked = {
    .kind = METRIC_COUNTER,
    .name = "rushcast_feature_parity_checked_total",
    .help = "Entities whose online row was compared with the newest offline row.",
    .labels = {"feature_view"},
};
static Metric parity_mismatched = {
    .kind = METRIC_GAUGE,
    .name = "rushcast_feature_parity_mismatched",
    .help = "Entities of the last check whose online row has differed from the offline row for more than a minute.",
    .labels = {"feature_view"},
};

/* What is known of a view from step to step. Only this worker's thread uses it. */
typedef struct Known {
    bool computed;
    int64_t recorded_seq;
    Instant newest;
    ParityCheck parity;
} Known;
static Known known[FEATURE_VIEWS_MAX];

ParityResult feature_monitor_parity(FeatureMonitor *monitor, size_t view)
{
    pthread_mutex_lock(&monitor->lock);
    ParityResult result = monitor->parity[view];
    pthread_mutex_unlock(&monitor->lock);
    return result;
}

/* The name, of other than the newest version with the version. */
static void label_of(const FeatureViews *views, const FeatureView *view, char out[LABEL_MAX])
{
    bool newest = feature_views_find(views, view->name, strlen(view->name), 0) == view;
    if (newest)
        snprintf(out, LABEL_MAX, "%s", view->name);
    else
        snprintf(out, LABEL_MAX, "%s@v%" PRId64, view->name, view->version);
}

static void tell_statistics(const ViewStatistics *statistics, const char *label)
{
    metric_set(metric_with(&view_rows, label), (double)statistics->rows);
    metric_set(metric_with(&view_entities, label), (double)statistics->entities);
    for (size_t i = 0; i < statistics->features_count; i++) {
        const FeatureStatistic *statistic = &statistics->features[i];
        const char *feature = statistic->feature->name;
        if (!isnan(statistic->null_rate))
            metric_set(metric_with(&null_ratio, label, feature), statistic->null_rate);
        if (!isnan(statistic->psi))
            metric_set(metric_with(&psi, label, feature), statistic->psi);
        if (statistic->out_of_range >= 0)
            metric_set(metric_with(&out_of_range, label, feature), (double)statistic->out_of_range);
    }
}

/* Statistics change with what is recorded only. */
static bool look_at_values(PgConnection *connection, const FeatureView *view, const char *label, Instant now,
                           Known *view_known, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    FeatureProgress progress;
    ViewStatistics statistics;
    if (!feature_progress_read(connection, view->table, false, &progress, err))
        return false;
    if (view_known->computed && view_known->recorded_seq == progress.recorded_seq)
        return true;
    if (!feature_statistics_compute(connection, view, now, arena, &statistics, err))
        return false;
    tell_statistics(&statistics, label);
    view_known->computed = true;
    view_known->recorded_seq = statistics.recorded_seq;
    view_known->newest = statistics.newest;
    return true;
}

static bool look_at_parity(FeatureStore *store, PgConnection *connection, size_t place, const char *label, Instant now,
                           Error *err)
{
    const FeatureView *view = &store->views.items[place];
    ParityCheck *check = &known[place].parity;
    size_t news = 0;
    if (!parity_check(connection, store->redis, view, clock_wall(), now, check, &news, err))
        return false;
    metric_add(metric_with(&parity_checked, label), (double)check->result.checked);
    metric_set(metric_with(&parity_mismatched, label), (double)check->result.mismatched);
    if (news > 0)
        log_warn("features.parity_mismatch", log_text("feature_view", label), log_int("mismatched", news),
                 log_int("entity_id", check->suspects[0].entity_id));
    pthread_mutex_lock(&store->monitor.lock);
    store->monitor.parity[place] = check->result;
    pthread_mutex_unlock(&store->monitor.lock);
    return true;
}

static bool look_at_view(FeatureStore *store, size_t place, bool redis_up, Instant now, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    const FeatureView *view = &store->views.items[place];
    char label[LABEL_MAX];
    label_of(&store->views, view, label);
    if (!feature_store_acquire(store, &connection, err) ||
        !look_at_values(connection, view, label, now, &known[place], err))
        return false;
    if (known[place].newest != INSTANT_NONE && now != INSTANT_NONE)
        feature_metrics_freshness(label, (double)(now - known[place].newest) / INSTANT_PER_SECOND);
    return !redis_up || look_at_parity(store, connection, place, label, now, err);
}

static bool look_at_servers(FeatureStore *store, bool *ret_redis_up, Error *err)
{
    Error ignored;
    PG_SCOPED PgConnection *connection = NULL;
    *ret_redis_up = redis_run(store->redis, NULL, &ignored, "GET rushcast:marker:up");
    metric_set(metric_with(&store_up, "redis"), *ret_redis_up ? 1 : 0);
    bool postgres_up = feature_store_acquire(store, &connection, err);
    metric_set(metric_with(&store_up, "postgres"), postgres_up ? 1 : 0);
    return postgres_up;
}

bool feature_monitor_step(void *service, WorkerStep *step, Error *err)
{
    FeatureStore *store = service;
    bool redis_up = false, ok = true;
    Instant now = clock_now();
    if (!look_at_servers(store, &redis_up, err))
        return false;
    for (size_t i = 0; i < store->views.count && !workers_stopping(); i++) {
        Error problem;
        if (feature_view_is_stored(&store->views.items[i]) && !look_at_view(store, i, redis_up, now, &problem)) {
            ok = false;
            *err = problem;
            error_prefix(err, "feature view %s", store->views.items[i].name);
        }
    }
    step->rest_ms = (int)(store->config.monitor_s * 1000);
    return ok;
}
