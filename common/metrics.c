#include "common/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { CACHE_LINE_BYTES = 64, LABELS_TEXT_MAX_BYTES = 1024 };

const double metric_seconds_buckets[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                         0.1,    0.25,  0.5,    1,     2.5,  5,     10};
const size_t metric_seconds_buckets_count = sizeof(metric_seconds_buckets) / sizeof(metric_seconds_buckets[0]);

struct MetricSeries {
    /* Series are written by different threads: each begins its own cache line. */
    alignas(CACHE_LINE_BYTES) const double *bounds;
    size_t bounds_count;
    char *labels; /* `route="GET /x",status="200"`; empty without labels */
    /* Counter and gauge: the value. Histogram: the sum of what was observed. A double's bits. */
    _Atomic uint64_t value_bits;
    _Atomic uint64_t bucket_counts[METRIC_BUCKETS_MAX + 1];
};

struct MetricState {
    Metric *metric;
    struct MetricState *next;
    pthread_mutex_t lock; /* of the two below; series themselves never move */
    MetricSeries *series[METRIC_SERIES_MAX + 1];
    size_t series_count;
};

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct MetricState *registry_first;
static struct MetricState **registry_end = &registry_first;

static void *must_alloc(size_t size_bytes)
{
    void *memory = aligned_alloc(CACHE_LINE_BYTES, (size_bytes + CACHE_LINE_BYTES - 1) & -(size_t)CACHE_LINE_BYTES);
    if (memory == NULL)
        abort();
    memset(memory, 0, size_bytes);
    return memory;
}

static double from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static uint64_t to_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static struct MetricState *state_of(Metric *metric)
{
    struct MetricState *state = atomic_load_explicit(&metric->state, memory_order_acquire);
    if (state != NULL)
        return state;
    pthread_mutex_lock(&registry_lock);
    state = atomic_load_explicit(&metric->state, memory_order_relaxed);
    if (state == NULL) {
        state = must_alloc(sizeof(*state));
        state->metric = metric;
        pthread_mutex_init(&state->lock, NULL);
        *registry_end = state;
        registry_end = &state->next;
        atomic_store_explicit(&metric->state, state, memory_order_release);
    }
    pthread_mutex_unlock(&registry_lock);
    return state;
}

static void append_label(Buffer *text, const char *name, const char *value)
{
    if (text->length_bytes > 0)
        buffer_append_char(text, ',');
    buffer_printf(text, "%s=\"", name);
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '\n') {
            buffer_append_text(text, "\\n");
            continue;
        }
        if (*c == '"' || *c == '\\')
            buffer_append_char(text, '\\');
        buffer_append_char(text, *c);
    }
    buffer_append_char(text, '"');
}

/* The labels as they are printed, which is also what identifies a series. `values` NULL: all "other". */
static char *render_labels(const Metric *metric, const char *const *values)
{
    BUFFER_SCOPED Buffer text;
    buffer_init(&text, LABELS_TEXT_MAX_BYTES);
    buffer_append_text(&text, "");
    for (size_t i = 0; metric->labels[i] != NULL; i++) {
        assert(values == NULL || values[i] != NULL);
        append_label(&text, metric->labels[i], values == NULL ? "other" : values[i]);
    }
    if (!buffer_ok(&text, NULL))
        return render_labels(metric, NULL);
    size_t length_bytes;
    return buffer_steal(&text, &length_bytes);
}

static MetricSeries *find_series(const struct MetricState *state, const char *labels)
{
    for (size_t i = 0; i < state->series_count; i++) {
        if (strcmp(state->series[i]->labels, labels) == 0)
            return state->series[i];
    }
    return NULL;
}

/* Whether the text is what render_labels() makes of the values; nothing is rendered for it. */
static bool has_labels(const char *text, const Metric *metric, const char *const *values)
{
    for (size_t i = 0; metric->labels[i] != NULL; i++) {
        size_t name_bytes = strlen(metric->labels[i]);
        if (i > 0 && *text++ != ',')
            return false;
        if (strncmp(text, metric->labels[i], name_bytes) != 0 || strncmp(text + name_bytes, "=\"", 2) != 0)
            return false;
        text += name_bytes + 2;
        for (const char *c = values[i]; *c != '\0'; c++, text++) {
            if ((*c == '\n' || *c == '"' || *c == '\\') && *text++ != '\\')
                return false;
            if (*text != (*c == '\n' ? 'n' : *c))
                return false;
        }
        if (*text++ != '"')
            return false;
    }
    return *text == '\0';
}

static MetricSeries *find_labelled(const struct MetricState *state, const char *const *values)
{
    for (size_t i = 0; i < state->series_count; i++) {
        if (has_labels(state->series[i]->labels, state->metric, values))
            return state->series[i];
    }
    return NULL;
}

/* Takes `labels`. */
static MetricSeries *add_series(struct MetricState *state, char *labels)
{
    MetricSeries *series = must_alloc(sizeof(*series));
    series->labels = labels;
    if (state->metric->kind == METRIC_HISTOGRAM) {
        bool is_default = state->metric->buckets == NULL;
        series->bounds = is_default ? metric_seconds_buckets : state->metric->buckets;
        series->bounds_count = is_default ? metric_seconds_buckets_count : state->metric->buckets_count;
        assert(series->bounds_count <= METRIC_BUCKETS_MAX);
    }
    state->series[state->series_count++] = series;
    return series;
}

MetricSeries *metric_series(Metric *metric, const char *const *label_values)
{
    struct MetricState *state = state_of(metric);
    pthread_mutex_lock(&state->lock);
    MetricSeries *series = find_labelled(state, label_values);
    pthread_mutex_unlock(&state->lock);
    if (series != NULL)
        return series;
    char *labels = render_labels(metric, label_values);
    pthread_mutex_lock(&state->lock);
    series = find_series(state, labels);
    if (series == NULL && state->series_count >= METRIC_SERIES_MAX) {
        free(labels);
        labels = render_labels(metric, NULL);
        series = find_series(state, labels);
    }
    if (series == NULL) {
        series = add_series(state, labels);
        labels = NULL;
    }
    pthread_mutex_unlock(&state->lock);
    free(labels);
    return series;
}

void metric_add(MetricSeries *series, double amount)
{
    uint64_t bits = atomic_load_explicit(&series->value_bits, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&series->value_bits, &bits, to_bits(from_bits(bits) + amount),
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
}

void metric_set(MetricSeries *series, double value)
{
    atomic_store_explicit(&series->value_bits, to_bits(value), memory_order_relaxed);
}

void metric_observe(MetricSeries *series, double value)
{
    size_t bucket = 0;
    while (bucket < series->bounds_count && value > series->bounds[bucket])
        bucket++;
    atomic_fetch_add_explicit(&series->bucket_counts[bucket], 1, memory_order_relaxed);
    metric_add(series, value);
}

double metric_value(const MetricSeries *series)
{
    return from_bits(atomic_load_explicit(&series->value_bits, memory_order_relaxed));
}

static void append_number(Buffer *out, double value)
{
    if (isnan(value))
        buffer_append_text(out, "NaN");
    else if (isinf(value))
        buffer_append_text(out, value > 0 ? "+Inf" : "-Inf");
    else
        buffer_printf(out, "%.15g", value);
}

static void write_value(Buffer *out, const Metric *metric, const MetricSeries *series)
{
    buffer_append_text(out, metric->name);
    if (series->labels[0] != '\0')
        buffer_printf(out, "{%s}", series->labels);
    buffer_append_char(out, ' ');
    append_number(out, metric_value(series));
    buffer_append_char(out, '\n');
}

static void write_histogram(Buffer *out, const Metric *metric, const MetricSeries *series)
{
    const char *labels = series->labels;
    const char *comma = labels[0] == '\0' ? "" : ",";
    uint64_t count = 0;
    for (size_t i = 0; i <= series->bounds_count; i++) {
        count += atomic_load_explicit(&series->bucket_counts[i], memory_order_relaxed);
        buffer_printf(out, "%s_bucket{%s%sle=\"", metric->name, labels, comma);
        append_number(out, i < series->bounds_count ? series->bounds[i] : INFINITY);
        buffer_printf(out, "\"} %" PRIu64 "\n", count);
    }
    const char *open = labels[0] == '\0' ? "" : "{";
    const char *close = labels[0] == '\0' ? "" : "}";
    buffer_printf(out, "%s_sum%s%s%s ", metric->name, open, labels, close);
    append_number(out, metric_value(series));
    buffer_printf(out, "\n%s_count%s%s%s %" PRIu64 "\n", metric->name, open, labels, close, count);
}

static void write_metric(Buffer *out, struct MetricState *state)
{
    static const char *const kinds[] = {
        [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"};
    const Metric *metric = state->metric;
    buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name, kinds[metric->kind]);
    pthread_mutex_lock(&state->lock);
    for (size_t i = 0; i < state->series_count; i++) {
        if (metric->kind == METRIC_HISTOGRAM)
            write_histogram(out, metric, state->series[i]);
        else
            write_value(out, metric, state->series[i]);
    }
    pthread_mutex_unlock(&state->lock);
}

void metrics_write(Buffer *out)
{
    pthread_mutex_lock(&registry_lock);
    for (struct MetricState *state = registry_first; state != NULL; state = state->next)
        write_metric(out, state);
    pthread_mutex_unlock(&registry_lock);
}
