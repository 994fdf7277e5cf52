#include "services/feature-store/monitoring/feature_statistics.h"

#include <math.h>
#include "gen/feature_store_sql.h"
#include "services/feature-store/monitoring/feature_sample.h"
#include "services/feature-store/monitoring/psi.h"
#include "services/feature-store/offline/feature_sql.h"

enum { STATEMENT_TIMEOUT_MS = 15000, ENTITIES_MAX = 20000, MASK_BITS_MAX = 24 };
static const Instant latest = INT64_C(7258118400) * INSTANT_PER_SECOND; /* 2200-01-01 */

typedef struct Samples {
    FeatureSample reference, recent;
    int64_t mask;
} Samples;

bool feature_statistics_newest(PgConnection *connection, const FeatureView *view, const FeatureProgress *progress,
                               Instant now, Instant *ret_newest, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    PG_RESULT_SCOPED PGresult *months = NULL;
    *ret_newest = INSTANT_NONE;
    if (view->source.kind == FEATURE_SOURCE_DEMAND) {
        if (progress->complete_hour != HOUR_NONE)
            *ret_newest = hour_start(progress->complete_hour + 1);
        return true;
    }
    Instant until = now == INSTANT_NONE ? latest : now;
    if (!pg_run(connection, &sql_select_view_months,
                PG_PARAMS(pg_text(view->table), pg_instant(0), pg_instant(until + 1)), &months, err))
        return false;
    for (int i = PQntuples(months) - 1; i >= 0 && *ret_newest == INSTANT_NONE; i--) {
        PG_RESULT_SCOPED PGresult *newest = NULL;
        if (!pg_query(connection, feature_sql_newest_event(view, arena),
                      PG_PARAMS(pg_instant(pg_get_instant(months, i, 0)), pg_instant(until)), &newest, err))
            return false;
        *ret_newest = pg_get_instant(newest, 0, 0);
    }
    return true;
}

static void free_samples(Samples *samples)
{
    feature_sample_fini(&samples->reference);
    feature_sample_fini(&samples->recent);
}

static bool first_mask(PgConnection *connection, const FeatureView *view, int *ret_bits, Error *err)
{
    PG_RESULT_SCOPED PGresult *counted = NULL;
    if (!pg_run(connection, &sql_select_entities_count, PG_PARAMS(pg_text(view->entity_kind)), &counted, err))
        return false;
    int64_t entities = pg_get_int(counted, 0, 0);
    for (*ret_bits = 0; entities >> *ret_bits > ENTITIES_MAX; (*ret_bits)++)
        ;
    return true;
}

/* Both spans of the same entities, of so many that they fit. */
static bool read_samples(PgConnection *connection, const FeatureView *view, const ViewStatistics *statistics,
                         Samples *samples, Error *err)
{
    int bits = 0;
    if (!first_mask(connection, view, &bits, err))
        return false;
    for (bool again = true; again; bits += 2) {
        free_samples(samples);
        samples->mask = (INT64_C(1) << bits) - 1;
        if (!feature_sample_read(connection, view, statistics->reference_from, statistics->from, samples->mask,
                                 &samples->reference, err) ||
            !feature_sample_read(connection, view, statistics->from, statistics->to, samples->mask, &samples->recent,
                                 err))
            return false;
        again = (samples->reference.full || samples->recent.full) && bits + 2 <= MASK_BITS_MAX;
    }
    return true;
}

static int64_t count_out_of_range(const Feature *feature, const double *values, size_t count)
{
    if (isnan(feature->minimum) && isnan(feature->maximum))
        return -1;
    int64_t out = 0;
    for (size_t i = 0; i < count; i++)
        out += values[i] < feature->minimum || values[i] > feature->maximum;
    return out;
}

/* `reference` and `recent` are numbers of one feature; both are sorted. */
static double drift(double *reference, size_t reference_count, const double *recent, size_t recent_count)
{
    if (reference_count < FEATURE_PSI_VALUES_MIN || recent_count < FEATURE_PSI_VALUES_MIN)
        return NAN;
    double edges[PSI_EDGES_MAX];
    size_t edges_count = psi_edges(reference, reference_count, edges);
    int64_t before[PSI_BINS * 2] = {0}, now[PSI_BINS * 2] = {0};
    psi_count(reference, reference_count, edges, edges_count, before);
    psi_count(recent, recent_count, edges, edges_count, now);
    return psi_of_counts(before, now, edges_count + 1);
}

static FeatureStatistic statistic_of(const Feature *feature, const Samples *samples, size_t column, double *reference,
                                     double *recent)
{
    size_t rows = samples->recent.rows, count = feature_sample_column(&samples->recent, column, recent);
    bool is_text = feature->type == FEATURE_TEXT, has_drift = !is_text && feature->type != FEATURE_INSTANT;
    FeatureStatistic statistic = {
        .feature = feature,
        .summary = summary_of(recent, is_text ? 0 : count),
        .null_rate = rows == 0 ? NAN : (double)(rows - count) / (double)rows,
        .psi = NAN,
        .out_of_range = is_text ? -1 : count_out_of_range(feature, recent, count),
    };
    if (has_drift) {
        size_t before = feature_sample_column(&samples->reference, column, reference);
        statistic.psi = drift(reference, before, recent, count);
    }
    return statistic;
}

static void summarize(const Samples *samples, Arena *arena, ViewStatistics *statistics)
{
    double *reference = arena_array(arena, samples->reference.rows + 1, sizeof(*reference));
    double *recent = arena_array(arena, samples->recent.rows + 1, sizeof(*recent));
    statistics->sampled = samples->mask != 0 || samples->recent.full;
    statistics->rows = (int64_t)samples->recent.rows * (samples->mask + 1);
    statistics->entities = (int64_t)samples->recent.entities * (samples->mask + 1);
    for (size_t i = 0; i < statistics->features_count; i++)
        statistics->features[i] = statistic_of(statistics->features[i].feature, samples, i, reference, recent);
}

static void list_features(const FeatureView *view, Arena *arena, ViewStatistics *statistics)
{
    statistics->features = arena_array(arena, view->features_count, sizeof(*statistics->features));
    for (size_t i = 0; i < view->features_count; i++) {
        if (!view->features[i].online_only)
            statistics->features[statistics->features_count++] = (FeatureStatistic){
                .feature = &view->features[i],
                .summary = summary_of(NULL, 0),
                .null_rate = NAN,
                .psi = NAN,
                .out_of_range = -1,
            };
    }
}

static bool compute(PgConnection *connection, const FeatureView *view, Instant now, Arena *arena,
                    ViewStatistics *statistics, Error *err)
{
    FeatureProgress progress;
    Samples samples = {0};
    if (!pg_command(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL jit = off",
                    err) ||
        !feature_progress_read(connection, view->table, false, &progress, err) ||
        !feature_statistics_newest(connection, view, &progress, now, &statistics->newest, err))
        return false;
    statistics->recorded_seq = progress.recorded_seq;
    if (statistics->newest == INSTANT_NONE)
        return true;
    statistics->to = statistics->newest;
    statistics->from = statistics->to - FEATURE_STATISTICS_HOURS * INSTANT_PER_HOUR;
    statistics->reference_from = statistics->from - FEATURE_REFERENCE_HOURS * INSTANT_PER_HOUR;
    bool ok = read_samples(connection, view, statistics, &samples, err);
    if (ok)
        summarize(&samples, arena, statistics);
    free_samples(&samples);
    return ok;
}

bool feature_statistics_compute(PgConnection *connection, const FeatureView *view, Instant now, Arena *arena,
                                ViewStatistics *ret_statistics, Error *err)
{
    ViewStatistics statistics = {
        .newest = INSTANT_NONE,
        .reference_from = INSTANT_NONE,
        .from = INSTANT_NONE,
        .to = INSTANT_NONE,
    };
    list_features(view, arena, &statistics);
    if (!pg_set_timeout(connection, STATEMENT_TIMEOUT_MS, err) || !pg_begin(connection, err))
        return false;
    bool ok = compute(connection, view, now, arena, &statistics, err);
    pg_rollback(connection);
    if (ok)
        *ret_statistics = statistics;
    return ok;
}

static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *feature_json(const FeatureStatistic *statistic)
{
    const Summary *summary = &statistic->summary;
    json_t *json = json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", statistic->feature->name, "type",
        feature_type_name(statistic->feature->type), "null_rate", real_or_null(statistic->null_rate), "mean",
        real_or_null(summary->mean), "stddev", real_or_null(summary->stddev), "min", real_or_null(summary->min), "max",
        real_or_null(summary->max), "p10", real_or_null(summary->p10), "p50", real_or_null(summary->p50), "p90",
        real_or_null(summary->p90), "psi", real_or_null(statistic->psi));
    if (statistic->out_of_range >= 0)
        json_object_set_new(json, "out_of_range", json_integer(statistic->out_of_range));
    return json;
}

bool feature_statistics_read(PgConnection *connection, const FeatureView *view, Instant now, json_t **ret_json,
                             Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    ViewStatistics statistics;
    if (!feature_statistics_compute(connection, view, now, arena, &statistics, err))
        return false;
    json_t *features = json_array();
    for (size_t i = 0; i < statistics.features_count; i++)
        json_array_append_new(features, feature_json(&statistics.features[i]));
    double freshness_s = statistics.newest != INSTANT_NONE && now != INSTANT_NONE
                             ? (double)(now - statistics.newest) / INSTANT_PER_SECOND
                             : NAN;
    *ret_json = json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:b, s:I, s:o}", "name", view->name, "version",
                          (json_int_t)view->version, "reference_from", json_instant(statistics.reference_from), "from",
                          json_instant(statistics.from), "to", json_instant(statistics.to), "newest_event_timestamp",
                          json_instant(statistics.newest), "freshness_s", real_or_null(freshness_s), "rows",
                          (json_int_t)statistics.rows, "entities", (json_int_t)statistics.entities, "sampled",
                          (int)statistics.sampled, "cursor", (json_int_t)statistics.recorded_seq, "features", features);
    return true;
}
