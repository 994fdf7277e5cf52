#include <criterion/criterion.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/metrics.h"

static Metric orders = {.kind = METRIC_COUNTER, .name = "test_orders_total", .help = "Orders.", .labels = {"kind"}};
static Metric depth = {.kind = METRIC_GAUGE, .name = "test_depth", .help = "Depth."};
static const double bounds[] = {1, 2.5};
static Metric sizes = {.kind = METRIC_HISTOGRAM,
                       .name = "test_sizes",
                       .help = "Sizes.",
                       .labels = {"kind"},
                       .buckets = bounds,
                       .buckets_count = 2};
static Metric many = {.kind = METRIC_COUNTER, .name = "test_many_total", .help = "Many.", .labels = {"n", "m"}};

static void expect_text(const char *text)
{
    BUFFER_SCOPED Buffer out;
    buffer_init(&out, 1 << 20);
    metrics_write(&out);
    cr_assert(buffer_ok(&out, NULL));
    cr_assert_not_null(strstr(out.data, text), "%s not in %s", text, out.data);
}

Test(metrics, a_counter_counts_by_label)
{
    metric_add(metric_with(&orders, "good"), 2);
    metric_add(metric_with(&orders, "good"), 0.5);
    metric_add(metric_with(&orders, "a\"b\\c\nd"), 1);
    cr_assert_float_eq(metric_value(metric_with(&orders, "good")), 2.5, 0);
    expect_text("# HELP test_orders_total Orders.\n# TYPE test_orders_total counter\n"
                "test_orders_total{kind=\"good\"} 2.5\ntest_orders_total{kind=\"a\\\"b\\\\c\\nd\"} 1\n");
}

Test(metrics, a_gauge_is_set)
{
    metric_set(metric_with(&depth), 3);
    metric_add(metric_with(&depth), -1);
    expect_text("# TYPE test_depth gauge\ntest_depth 2\n");
}

Test(metrics, a_histogram_is_cumulative_and_bounds_are_inclusive)
{
    MetricSeries *series = metric_with(&sizes, "x");
    metric_observe(series, 1);
    metric_observe(series, 2);
    metric_observe(series, 100);
    expect_text("test_sizes_bucket{kind=\"x\",le=\"1\"} 1\n"
                "test_sizes_bucket{kind=\"x\",le=\"2.5\"} 2\n"
                "test_sizes_bucket{kind=\"x\",le=\"+Inf\"} 3\n"
                "test_sizes_sum{kind=\"x\"} 103\n"
                "test_sizes_count{kind=\"x\"} 3\n");
}

Test(metrics, series_beyond_the_limit_share_one)
{
    for (int i = 0; i < METRIC_SERIES_MAX + 50; i++) {
        char label[16];
        snprintf(label, sizeof(label), "%d", i);
        metric_add(metric_with(&many, label, "m"), 1);
    }
    expect_text("test_many_total{n=\"other\",m=\"other\"} 50\n");
}

enum { THREADS = 4, ADDS = 20000 };

static void *add_many(void *argument)
{
    (void)argument;
    for (int i = 0; i < ADDS; i++)
        metric_add(metric_with(&orders, "threads"), 1);
    return NULL;
}

Test(metrics, threads_lose_nothing)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, add_many, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cr_assert_float_eq(metric_value(metric_with(&orders, "threads")), THREADS * ADDS, 0);
}
