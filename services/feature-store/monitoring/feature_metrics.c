#include "services/feature-store/monitoring/feature_metrics.h"

#include "common/metrics.h"

static Metric values_served = {
    .kind = METRIC_COUNTER,
    .name = "feast_online_features_status_total",
    .help = "Feature values answered online, by what was found.",
    .labels = {"feature_view", "status"},
};
static Metric event_age_seconds = {
    .kind = METRIC_HISTOGRAM,
    .name = "rushcast_feature_event_age_seconds",
    .help = "Now minus the event timestamp of the oldest row served of a view in one request.",
    .labels = {"feature_view"},
    .buckets = (const double[]){1, 5, 15, 60, 300, 900, 3600, 7200, 21600, 86400, 604800},
    .buckets_count = 11,
};
static Metric rows_online = {
    .kind = METRIC_COUNTER,
    .name = "rushcast_online_rows_written_total",
    .help = "Rows for the online store: applied, or skipped since what is there is as new.",
    .labels = {"feature_view", "outcome"},
};
static Metric freshness_seconds = {
    .kind = METRIC_GAUGE,
    .name = "feast_feature_freshness_seconds",
    .help = "Seconds between now and the newest event timestamp of the feature view.",
    .labels = {"feature_view"},
};

void feature_metrics_served(const FeatureView *view, const size_t counts[FEAST_STATUSES])
{
    for (int status = 0; status < FEAST_STATUSES; status++) {
        if (counts[status] > 0)
            metric_add(metric_with(&values_served, view->name, feast_status_name((FeastStatus)status)),
                       (double)counts[status]);
    }
}

void feature_metrics_served_read(const FeatureView *view, int64_t ret_counts[FEAST_STATUSES])
{
    for (int status = 0; status < FEAST_STATUSES; status++)
        ret_counts[status] =
            (int64_t)metric_value(metric_with(&values_served, view->name, feast_status_name((FeastStatus)status)));
}

void feature_metrics_event_age(const FeatureView *view, const FeastEntityRow *rows, size_t count, Instant now)
{
    Instant oldest = INSTANT_NONE;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].found && (oldest == INSTANT_NONE || rows[i].row.event_timestamp < oldest))
            oldest = rows[i].row.event_timestamp;
    }
    if (oldest != INSTANT_NONE)
        metric_observe(metric_with(&event_age_seconds, view->name), (double)(now - oldest) / INSTANT_PER_SECOND);
}

void feature_metrics_rows_online(const FeatureView *view, size_t applied, size_t skipped)
{
    metric_add(metric_with(&rows_online, view->name, "applied"), (double)applied);
    metric_add(metric_with(&rows_online, view->name, "skipped"), (double)skipped);
}

void feature_metrics_freshness(const char *view, double seconds)
{
    metric_set(metric_with(&freshness_seconds, view), seconds);
}
