#include "services/trainer/forecasting/forecaster.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "services/trainer/forecasting/accuracy.h"
#include "services/trainer/forecasting/backtest.h"
#include "services/trainer/forecasting/dataset.h"
#include "services/trainer/forecasting/outage.h"
#include "services/trainer/forecasting/selection.h"

enum { SHORT_HISTORY_HOURS = 14 * HOURS_PER_DAY, ENDED_HOURS = 14 * HOURS_PER_DAY };

/* Progress of one step within the whole of a training. */
typedef struct Step {
    const ForecasterOptions *options;
    const char *what;
    double from, share;
} Step;

static bool report(void *context, double share)
{
    const Step *step = context;
    return !step->options->progress ||
           step->options->progress(step->options->progress_context, step->what, step->from + step->share * share);
}

void *forecaster_allocate(size_t count, size_t size_bytes)
{
    void *memory = calloc(count, size_bytes);
    if (!memory)
        abort();
    return memory;
}

/* Trains on what is known at `end`; leaves NULL when there is too little. */
static bool train_booster(const Panel *panel, Hour end, Step *step, Booster **ret_booster, Error *err)
{
    *ret_booster = NULL;
    if (!report(step, 0))
        return error_set(err, ERROR_UNAVAILABLE, "stopped");
    Dataset dataset;
    dataset_build(panel, end, step->options->seed, &dataset);
    bool ok = true;
    if (dataset.rows >= DATASET_ROWS_MIN) {
        BoosterRows rows = {.features = dataset.features,
                            .demand = dataset.demand,
                            .offset = dataset.offset,
                            .weight = dataset.weight,
                            .rows = dataset.rows,
                            .columns = FEATURES};
        BoosterOptions options = {.seed = step->options->seed,
                                  .threads = step->options->threads,
                                  .progress = report,
                                  .progress_context = step};
        ok = booster_train(&rows, &options, ret_booster, err);
    }
    dataset_fini(&dataset);
    return ok;
}

/* Backtests and chooses; *ret_validated tells whether a booster took part. */
static bool select_champion(const Panel *panel, const ForecasterOptions *options, ForecasterTables *tables,
                            bool *ret_validated, Error *err)
{
    int folds = backtest_folds(panel);
    *ret_validated = false;
    selection_default(tables);
    if (folds == 0)
        return true;
    Step step = {.options = options, .what = "training for the backtest", .share = 0.4};
    Booster *booster = NULL;
    if (!train_booster(panel, panel->cutoff - folds * HOURS_PER_WEEK, &step, &booster, err))
        return false;
    Arena *arena ARENA_SCOPED = arena_new();
    step = (Step){.options = options, .what = "backtest", .from = 0.4, .share = 0.1};
    Backtest backtest;
    bool ok = report(&step, 0) ? backtest_run(panel, booster, folds, arena, &backtest, err)
                               : error_set(err, ERROR_UNAVAILABLE, "stopped");
    if (ok)
        selection_fit(&backtest, arena, tables);
    *ret_validated = booster != NULL;
    booster_free(booster);
    return ok;
}

bool forecaster_train(const DemandHistory *history, Hour cutoff, const ForecasterOptions *options,
                      Forecaster **ret_forecaster, Error *err)
{
    Arena *arena ARENA_SCOPED = arena_new();
    Panel panel;
    panel_init(&panel, history, cutoff, FORECAST_HORIZON_MAX, arena);
    Forecaster *forecaster = forecaster_allocate(1, sizeof *forecaster);
    bool validated = false;
    Step step = {.options = options, .what = "training", .from = 0.5, .share = 0.5};
    if (!select_champion(&panel, options, &forecaster->tables, &validated, err) ||
        (validated && !train_booster(&panel, cutoff, &step, &forecaster->booster, err))) {
        forecaster_free(forecaster);
        return false;
    }
    *ret_forecaster = forecaster;
    return true;
}

void forecaster_free(Forecaster *forecaster)
{
    if (!forecaster)
        return;
    booster_free(forecaster->booster);
    free(forecaster);
}

/* Hours since the first known one and since the last order, at the cutoff. */
static const char *reason_of(const DemandSeries *series, Hour cutoff)
{
    Hour known = 0, ordered = INT32_MAX;
    for (Hour hour = series->first_hour; hour <= cutoff; hour++) {
        float demand = series_at(series, hour);
        if (isnan(demand))
            continue;
        if (known == 0)
            known = cutoff - hour + 1;
        if (demand > 0)
            ordered = cutoff - hour;
    }
    if (known == 0)
        return "no_history";
    if (known < SHORT_HISTORY_HOURS)
        return "short_history";
    return ordered >= ENDED_HOURS ? "history_ended" : NULL;
}

static double rounded(double value)
{
    return floor(fmax(value, 0) * 1e4 + 0.5) / 1e4;
}

/* The blends and quantiles that serve a volume class for a request. */
typedef struct Serving {
    Choice choice;
    const QuantileModel *quantiles;
    const float (*weights)[CANDIDATES];
} Serving;

static Serving serving_of(const Forecaster *forecaster, int model, int volume)
{
    const ForecasterTables *tables = &forecaster->tables;
    Choice single = {.mean = (uint8_t)model, .quantiles = (uint8_t)model};
    return (Serving){.choice = model == CHAMPION ? tables->choices[volume] : single,
                     .quantiles = &tables->quantiles[model],
                     .weights = tables->weights[volume]};
}

static void allocate_series(const ForecastRequest *request, Arena *arena, SeriesForecast *forecast)
{
    forecast->mean = arena_array(arena, request->hours, sizeof(double));
    for (int q = 0; q < FORECAST_QUANTILES; q++)
        forecast->quantiles[q] = arena_array(arena, request->hours, sizeof(double));
    double **levels = arena_array(arena, request->level_count + 1, sizeof *levels);
    for (size_t level = 0; level < request->level_count; level++)
        levels[level] = arena_array(arena, request->hours, sizeof(double));
    forecast->at_levels = request->level_count ? levels : NULL;
}

static void forecast_series(const Forecaster *forecaster, int model, const ForecastRequest *request,
                            const Baseline *baseline, const Expectations *expectations, Arena *arena,
                            SeriesForecast *forecast)
{
    Prospect prospect = {.dispersion = baseline->dispersion,
                         .volume_class = volume_class((double)baseline->mean),
                         .fractional = baseline->fractional};
    Serving serving = serving_of(forecaster, model, prospect.volume_class);
    allocate_series(request, arena, forecast);
    forecast->model = blend_name(baseline->known ? (Blend)serving.choice.mean : (Blend)CANDIDATE_BASELINE);
    double *further = arena_array(arena, request->level_count + 1, sizeof *further);
    for (size_t i = 0; i < request->hours; i++) {
        double values[FORECAST_QUANTILES];
        prospect.lead = (uint16_t)(i + 1);
        prospect.expected = combination_expect(serving.weights, (Blend)serving.choice.quantiles, expectations[i]);
        forecast->mean[i] =
            rounded((double)combination_expect(serving.weights, (Blend)serving.choice.mean, expectations[i]));
        quantiles_at(serving.quantiles, &prospect, forecast_levels, FORECAST_QUANTILES, values);
        for (int q = 0; q < FORECAST_QUANTILES; q++)
            forecast->quantiles[q][i] = rounded(values[q]);
        quantiles_at(serving.quantiles, &prospect, request->levels, request->level_count, further);
        for (size_t level = 0; level < request->level_count; level++)
            forecast->at_levels[level][i] = rounded(further[level]);
    }
}

/* Nothing is known of the series: only the baseline, which stands on all others, makes sense. */
static void keep_baseline(Expectations *expectations, size_t hours)
{
    for (size_t i = 0; i < hours; i++)
        for (int c = 0; c < CANDIDATES; c++)
            expectations[i][c] = expectations[i][CANDIDATE_BASELINE];
}

static int find_model(const char *name)
{
    int model = 0;
    while (model < MODELS && strcmp(blend_name((Blend)model), name) != 0)
        model++;
    return model;
}

bool forecaster_predict_request(const Forecaster *forecaster, const DemandHistory *history,
                                const ForecastRequest *request, Arena *arena, ForecastSet *ret_set, Error *err)
{
    assert(request->hours > 0 && request->hours <= FORECAST_HORIZON_MAX);
    int model = request->model ? find_model(request->model) : CHAMPION;
    if (request->model && model == MODELS)
        return error_set(err, ERROR_INVALID_ARGUMENT, "There is no model \"%.60s\".", request->model);
    Arena *work ARENA_SCOPED = arena_new();
    Panel panel;
    panel_init(&panel, history, request->cutoff, request->hours, work);
    FeatureSet features;
    features_prepare(&panel, request->cutoff, work, &features);
    size_t *series = arena_array(work, history->count + 1, sizeof *series);
    for (size_t i = 0; i < history->count; i++)
        series[i] = i;
    Expectations *expectations = arena_array(work, history->count * request->hours + 1, sizeof *expectations);
    if (!candidates_predict(&features, forecaster->booster, series, history->count, request->hours, expectations, err))
        return false;

    SeriesForecast *forecasts = arena_array(arena, history->count + 1, sizeof *forecasts);
    for (size_t i = 0; i < history->count; i++) {
        const Baseline *baseline = &features.baselines.series[i];
        Expectations *own = expectations + i * request->hours;
        if (!baseline->known)
            keep_baseline(own, request->hours);
        forecasts[i].geo = arena_strdup(arena, history->series[i].geo);
        forecasts[i].reason = reason_of(&panel.series[i], request->cutoff);
        forecast_series(forecaster, model, request, baseline, (const Expectations *)own, arena, &forecasts[i]);
    }
    *ret_set =
        (ForecastSet){.cutoff = request->cutoff, .hours = request->hours, .series = forecasts, .count = history->count};
    return true;
}

bool forecaster_predict(const Forecaster *forecaster, const DemandHistory *history, Hour cutoff, size_t hours,
                        Arena *arena, ForecastSet *ret_set, Error *err)
{
    ForecastRequest request = {.cutoff = cutoff, .hours = hours};
    return forecaster_predict_request(forecaster, history, &request, arena, ret_set, err);
}

const char *forecaster_model_name(size_t i)
{
    return i < MODELS ? blend_name((Blend)i) : NULL;
}

const ModelScore *forecaster_scores(const Forecaster *forecaster, size_t *ret_count)
{
    *ret_count = forecaster->tables.score_count;
    return forecaster->tables.scores;
}

const char *forecaster_champion(const Forecaster *forecaster)
{
    return blend_name((Blend)forecaster->tables.champion);
}

size_t forecaster_mask_outages(DemandHistory *history, Hour cutoff, Arena *arena)
{
    Hour first = cutoff + 1;
    for (size_t i = 0; i < history->count; i++)
        if (history->series[i].hours > 0 && history->series[i].first_hour < first)
            first = history->series[i].first_hour;
    size_t hours = (size_t)(cutoff + 1 - first);
    double *totals = arena_array(arena, hours + 1, sizeof *totals);
    bool *known = arena_array(arena, hours + 1, sizeof *known);
    bool *silent = arena_array(arena, hours + 1, sizeof *silent);
    for (size_t i = 0; i < history->count; i++) {
        for (size_t h = 0; h < hours; h++) {
            float demand = series_at(&history->series[i], first + (Hour)h);
            totals[h] += isnan(demand) ? 0 : (double)demand;
            known[h] |= !isnan(demand);
        }
    }
    for (size_t h = 0; h < hours; h++)
        if (!known[h])
            totals[h] = NAN;
    size_t marked = outage_find(totals, hours, silent);
    if (marked == 0)
        return 0;
    for (size_t i = 0; i < history->count; i++) {
        DemandSeries *series = &history->series[i];
        float *masked = arena_array(arena, series->hours + 1, sizeof *masked);
        for (size_t h = 0; h < series->hours; h++) {
            int64_t at = (int64_t)series->first_hour + (int64_t)h - first;
            masked[h] = at >= 0 && at < (int64_t)hours && silent[at] ? NAN : series->demand[h];
        }
        series->demand = masked;
    }
    return marked;
}
