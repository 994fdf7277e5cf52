/* Prometheus metrics. Each metric is a static object that documents itself and registers at first use. Label values
 * must come from small, closed sets. All functions are thread-safe and cheap enough for every request. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>
#include "common/buffer.h"

typedef enum MetricKind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM } MetricKind;

enum { METRIC_LABELS_MAX = 3, METRIC_SERIES_MAX = 256, METRIC_BUCKETS_MAX = 20 };

typedef struct Metric {
    MetricKind kind;
    const char *name; /* "rushcast_http_requests_total" */
    const char *help;
    const char *labels[METRIC_LABELS_MAX + 1]; /* names, NULL-terminated */
    const double *buckets;                     /* histogram: upper bounds, ascending; NULL: metric_seconds_buckets */
    size_t buckets_count;
    struct MetricState *_Atomic state; /* private */
} Metric;

extern const double metric_seconds_buckets[]; /* 0.5 ms .. 10 s */
extern const size_t metric_seconds_buckets_count;

/* The series with these label values (as many as the metric has labels); created at first use. Beyond
 * METRIC_SERIES_MAX series all go into one labelled "other". Keep the handle for hot paths. */
typedef struct MetricSeries MetricSeries;
MetricSeries *metric_series(Metric *metric, const char *const *label_values);
#define metric_with(metric, ...) metric_series(metric, (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

void metric_add(MetricSeries *series, double amount);
void metric_set(MetricSeries *series, double value);
void metric_observe(MetricSeries *series, double value);
double metric_value(const MetricSeries *series);

/* All registered metrics in Prometheus text format 0.0.4. */
void metrics_write(Buffer *out);
