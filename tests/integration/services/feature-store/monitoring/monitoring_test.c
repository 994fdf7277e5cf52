#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "common/clock.h"
#include "common/metrics.h"
#include "services/feature-store/monitoring/feature_metrics.h"
#include "services/feature-store/monitoring/feature_monitor.h"
#include "services/feature-store/monitoring/feature_statistics.h"
#include "services/feature-store/offline/offline_store.h"
#include "services/feature-store/online/online_store.h"
#include "services/feature-store/registry/view_registry.h"
#include "tests/integration/services/feature-store/feature_store_fixture.h"

#define FEATURE(name, type, more) "{\"name\": \"" name "\", \"type\": \"" type "\", \"description\": \"d\"" more "}"
static const char *const declarations[] = {
    "{\"name\": \"load\", \"version\": 1, \"description\": \"d\", \"owner\": \"o\", \"ttl_s\": 86400,"
    " \"entity\": {\"name\": \"runner\", \"join_key\": \"runner\"},"
    " \"features\": [" FEATURE("orders", "int64", ", \"minimum\": 0, \"maximum\": 50") "," FEATURE(
        "busy", "bool", "") "," FEATURE("note", "string",
                                        "") "," FEATURE("seen", "timestamp",
                                                        "") "," FEATURE("now", "float64",
                                                                        ", \"online_only\": true") "]}",
};
enum { ORDERS, BUSY, NOTE, SEEN, NOW_FEATURE, FEATURES };

static const FeatureView *view;
static Arena *arena;
static Error err;
static Instant end; /* 2026-11-20T00:00Z, the fixture's now */

#define OK(call) cr_assert((call), "%s", err.message)

static void set_up(void)
{
    feature_store_set_up();
    feature_views_fini(&fixture.views);
    OK(feature_views_load(declarations, 1, &fixture.views, &err));
    OK(view_registry_apply(fixture_connection(), &fixture.views, &err));
    view = feature_views_find(&fixture.views, "load", 4, 0);
    arena = arena_new();
    end = clock_now();
    fixture.config.monitor_s = 60;
}

static void tear_down(void)
{
    arena_free(arena);
    feature_store_tear_down();
}

TestSuite(feature_monitoring, .init = set_up, .fini = tear_down);

static FeatureRow row(Instant at, int64_t orders)
{
    FeatureValue *values = arena_array(arena, FEATURES, sizeof(*values));
    values[ORDERS] = (FeatureValue){.integer = orders};
    values[BUSY] = (FeatureValue){.boolean = orders % 2 == 1};
    values[NOTE] = (FeatureValue){.null = orders == 1, .text = "x"};
    values[SEEN] = (FeatureValue){.instant = at};
    values[NOW_FEATURE] = (FeatureValue){.null = true};
    return (FeatureRow){.event_timestamp = at, .created = INSTANT_NONE, .values = values};
}

static void append(const OfflineRow *rows, size_t count)
{
    int64_t seq = 0;
    OK(offline_store_append(fixture_connection(), view, rows, count, &seq, &err));
}

static void put_online(const char *entity, Instant at, int64_t orders)
{
    OnlineRow one = {.entity = entity, .row = row(at, orders)};
    one.row.created = at;
    OK(online_store_write(fixture.redis, view, &one, 1, ONLINE_OVERWRITE, NULL, &err));
}

/* `recent` orders an hour in the last week, `before` in the four weeks before it, in turn of the two numbers. */
static void fill(int64_t before_even, int64_t before_odd, int64_t recent_even, int64_t recent_odd)
{
    enum { HOURS = FEATURE_STATISTICS_HOURS + FEATURE_REFERENCE_HOURS };
    OfflineRow *rows = arena_array(arena, HOURS, sizeof(*rows));
    for (int i = 0; i < HOURS; i++) {
        bool recent = i < FEATURE_STATISTICS_HOURS, even = i % 2 == 0;
        int64_t orders = recent ? (even ? recent_even : recent_odd) : (even ? before_even : before_odd);
        rows[i] = (OfflineRow){"a", row(end - i * INSTANT_PER_HOUR, orders)};
    }
    append(rows, HOURS);
}

static const FeatureStatistic *compute(ViewStatistics *statistics)
{
    OK(feature_statistics_compute(fixture_connection(), view, end, arena, statistics, &err));
    return statistics->features;
}

Test(feature_monitoring, statistics_of_a_view_without_rows)
{
    ViewStatistics statistics;
    const FeatureStatistic *features = compute(&statistics);
    cr_assert_eq(statistics.newest, INSTANT_NONE);
    cr_assert_eq(statistics.rows, 0);
    cr_assert_eq(statistics.features_count, 4, "the online-only one has none");
    cr_assert(isnan(features[ORDERS].psi) && isnan(features[ORDERS].summary.mean));
}

Test(feature_monitoring, statistics_of_the_last_week)
{
    ViewStatistics statistics;
    fill(2, 3, 1, 51);
    /* restated: 51 becomes 11 where it is newest */
    append(&(OfflineRow){"a", row(end - INSTANT_PER_HOUR, 11)}, 1);
    /* of the future, and older than both spans */
    append(&(OfflineRow){"a", row(end + INSTANT_PER_HOUR, 1000)}, 1);
    append(&(OfflineRow){"b", row(end - 40 * 24 * INSTANT_PER_HOUR, 1000)}, 1);
    const FeatureStatistic *features = compute(&statistics);
    cr_assert_eq(statistics.newest, end);
    cr_assert_eq(statistics.rows, 168);
    cr_assert_eq(statistics.entities, 1);
    cr_assert_not(statistics.sampled);
    cr_assert_float_eq(features[ORDERS].summary.mean, (84 + 83 * 51 + 11) / 168.0, 1e-9);
    cr_assert_eq(features[ORDERS].summary.min, 1);
    cr_assert_eq(features[ORDERS].summary.max, 51);
    cr_assert_eq(features[ORDERS].out_of_range, 83);
    cr_assert_eq(features[BUSY].summary.mean, 1.0, "all odd");
    cr_assert_eq(features[BUSY].out_of_range, -1);
    cr_assert_float_eq(features[NOTE].null_rate, 0.5, 1e-12);
    cr_assert_eq(features[NOTE].summary.count, 0);
    cr_assert(isnan(features[SEEN].psi));
    cr_assert_eq(features[SEEN].summary.max, (double)(end / INSTANT_PER_SECOND));
}

/* Half the reference is 2, half 3; recently all is 3: shares (0.5, 0.5) against (0.0001, 1):
 * (0.0001 - 0.5) ln(0.0001 / 0.5) + (1 - 0.5) ln(1 / 0.5) */
Test(feature_monitoring, drift_is_seen)
{
    ViewStatistics statistics;
    fill(2, 3, 3, 3);
    double expected = (0.0001 - 0.5) * log(0.0001 / 0.5) + 0.5 * log(2);
    cr_assert_float_eq(compute(&statistics)[ORDERS].psi, expected, 1e-9);
}

Test(feature_monitoring, the_same_values_do_not_drift)
{
    ViewStatistics statistics;
    fill(2, 3, 2, 3);
    cr_assert_float_eq(compute(&statistics)[ORDERS].psi, 0, 1e-9);
}

static ParityResult check(ParityCheck *state, int64_t after_s, size_t *ret_news)
{
    OK(parity_check(fixture_connection(), fixture.redis, view, end + after_s * INSTANT_PER_SECOND, end, state, ret_news,
                    &err));
    return state->result;
}

Test(feature_monitoring, parity)
{
    ParityCheck state = {0};
    size_t news = 0;
    Instant at = end - INSTANT_PER_HOUR;
    OfflineRow rows[] = {
        {"equal", row(at, 1)},   {"other", row(at, 2)}, {"older", row(at, 3)},
        {"missing", row(at, 4)}, {"newer", row(at, 5)}, {"expired", row(at - 25 * INSTANT_PER_HOUR, 6)},
    };
    append(rows, 6);
    put_online("equal", at, 1);
    put_online("other", at, 7);
    put_online("older", at - 1, 3);
    put_online("newer", at + 1, 9);
    ParityResult result = check(&state, 0, &news);
    cr_assert_eq(result.checked, 6);
    cr_assert_eq(result.mismatched, 0, "it may be on its way");
    cr_assert_eq(check(&state, 59, &news).mismatched, 0);
    cr_assert_eq(check(&state, 60, &news).mismatched, 3);
    cr_assert_eq(news, 3);
    cr_assert_eq(check(&state, 120, &news).mismatched, 3);
    cr_assert_eq(news, 0, "told once");
    put_online("other", at, 2);
    put_online("missing", at, 4);
    put_online("older", at, 3);
    cr_assert_eq(check(&state, 180, &news).mismatched, 0);
    put_online("other", at, 8);
    cr_assert_eq(check(&state, 240, &news).mismatched, 0, "its time begins anew");
}

/* Beyond the sample all entities come in turn. */
Test(feature_monitoring, parity_of_many_entities)
{
    enum { MANY = PARITY_SAMPLE * 2 + 20 };
    ParityCheck state = {0};
    size_t news = 0;
    OfflineRow *rows = arena_array(arena, MANY, sizeof(*rows));
    for (int i = 0; i < MANY; i++) {
        rows[i] = (OfflineRow){arena_printf(arena, "r%03d", i), row(end, i)};
        put_online(rows[i].entity, end, i == MANY - 1 ? -1 : i);
    }
    append(rows, MANY);
    cr_assert_eq(check(&state, 0, &news).checked, PARITY_SAMPLE);
    cr_assert_eq(check(&state, 60, &news).checked, PARITY_SAMPLE);
    cr_assert_eq(check(&state, 120, &news).checked, 20);
    cr_assert_eq(check(&state, 180, &news).mismatched, 1);
    cr_assert_eq(news, 1);
}

static bool metrics_have(const char *line)
{
    BUFFER_SCOPED Buffer text;
    buffer_init(&text, 1 << 20);
    metrics_write(&text);
    return strstr(text.data, line) != NULL;
}

Test(feature_monitoring, the_worker_sets_the_gauges)
{
    WorkerStep step = {0};
    fill(2, 3, 3, 3);
    OK(feature_monitor_step(&fixture, &step, &err));
    cr_assert_eq(step.rest_ms, 60000);
    cr_assert(metrics_have("feast_feature_freshness_seconds{feature_view=\"load\"} 0\n"));
    cr_assert(metrics_have("rushcast_feature_rows{feature_view=\"load\"} 168\n"));
    cr_assert(metrics_have("rushcast_feature_psi{feature_view=\"load\",feature=\"orders\"} 4.6"));
    cr_assert(metrics_have("rushcast_feature_null_ratio{feature_view=\"load\",feature=\"orders\"} 0\n"));
    cr_assert(metrics_have("rushcast_feature_out_of_range{feature_view=\"load\",feature=\"orders\"} 0\n"));
    cr_assert(metrics_have("rushcast_feature_parity_checked_total{feature_view=\"load\"} 1\n"));
    cr_assert(metrics_have("rushcast_feature_parity_mismatched{feature_view=\"load\"} 0\n"));
    cr_assert(metrics_have("rushcast_feature_store_up{server=\"redis\"} 1\n"));
    cr_assert(metrics_have("rushcast_feature_store_up{server=\"postgres\"} 1\n"));
    ParityResult parity = feature_monitor_parity(&fixture.monitor, (size_t)(view - fixture.views.items));
    cr_assert_eq(parity.checked, 1);
    cr_assert_neq(parity.at, 0);
}

Test(feature_monitoring, the_worker_goes_on_without_redis)
{
    WorkerStep step = {0};
    fill(2, 3, 3, 3);
    feature_store_use_redis("127.0.0.1:9", 200);
    OK(feature_monitor_step(&fixture, &step, &err));
    cr_assert(metrics_have("rushcast_feature_store_up{server=\"redis\"} 0\n"));
    cr_assert(metrics_have("rushcast_feature_rows{feature_view=\"load\"} 168\n"));
}
