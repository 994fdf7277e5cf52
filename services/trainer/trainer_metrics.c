#include "services/trainer/trainer_metrics.h"

static const double run_seconds_buckets[] = {0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600};

Metric trainer_runs_total = {
    .kind = METRIC_COUNTER,
    .name = "rushcast_training_runs_total",
    .help = "Runs that ended, by kind and result (succeeded, failed, postponed, stopped, lost).",
    .labels = {"kind", "result"},
};
Metric trainer_run_seconds = {
    .kind = METRIC_HISTOGRAM,
    .name = "rushcast_training_run_seconds",
    .help = "Duration of the runs that succeeded.",
    .labels = {"kind"},
    .buckets = run_seconds_buckets,
    .buckets_count = sizeof run_seconds_buckets / sizeof run_seconds_buckets[0],
};
Metric trainer_history_cursor = {
    .kind = METRIC_GAUGE,
    .name = "rushcast_training_history_cursor",
    .help = "Cursor of the feature-store up to which the demand history is loaded.",
};
Metric trainer_history_geos = {
    .kind = METRIC_GAUGE,
    .name = "rushcast_training_history_geos",
    .help = "Geos known, cities and `all` included.",
};
Metric trainer_model_age_seconds = {
    .kind = METRIC_GAUGE,
    .name = "rushcast_training_model_age_seconds",
    .help = "Time from the end of the last hour that the champion of the totals was trained on to now.",
};
Metric trainer_published_cutoff_seconds = {
    .kind = METRIC_GAUGE,
    .name = "rushcast_training_published_cutoff_timestamp_seconds",
    .help = "Cutoff of the set published last, as Unix time.",
};
