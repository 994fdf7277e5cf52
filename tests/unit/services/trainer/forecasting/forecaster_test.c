#include "services/trainer/forecasting/forecaster.h"
#include "tests/unit/services/trainer/forecasting/synthetic.h"

enum { WEEKS = 8, HISTORY_HOURS = WEEKS * HOURS_PER_WEEK, LATER_HOURS = 100, LEADS = 48 };

static Hour end_of(size_t hours)
{
    return SYNTHETIC_MONDAY + (Hour)hours - 1;
}

static Forecaster *train(const DemandHistory *history, Hour cutoff, int threads)
{
    ForecasterOptions options = {.seed = 1, .threads = threads};
    Forecaster *forecaster = NULL;
    Error err;
    cr_assert(forecaster_train(history, cutoff, &options, &forecaster, &err), "%s", err.message);
    return forecaster;
}

static ForecastSet predict(const Forecaster *forecaster, const DemandHistory *history, Hour cutoff, Arena *arena)
{
    ForecastSet set;
    Error err;
    cr_assert(forecaster_predict(forecaster, history, cutoff, LEADS, arena, &set, &err), "%s", err.message);
    cr_assert_eq(set.count, history->count);
    cr_assert_eq(set.hours, LEADS);
    return set;
}

static void assert_same(const ForecastSet *a, const ForecastSet *b)
{
    cr_assert_eq(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        cr_assert_str_eq(a->series[i].geo, b->series[i].geo);
        cr_assert_eq(a->series[i].model, b->series[i].model);
        cr_assert_eq(a->series[i].reason, b->series[i].reason);
        cr_assert_arr_eq(a->series[i].mean, b->series[i].mean, LEADS * sizeof(double));
        for (int q = 0; q < FORECAST_QUANTILES; q++)
            cr_assert_arr_eq(a->series[i].quantiles[q], b->series[i].quantiles[q], LEADS * sizeof(double));
    }
}

static void assert_sound(const ForecastSet *set)
{
    for (size_t i = 0; i < set->count; i++) {
        for (size_t h = 0; h < set->hours; h++) {
            const SeriesForecast *series = &set->series[i];
            cr_assert(isfinite(series->mean[h]) && series->mean[h] >= 0);
            cr_assert_geq(series->quantiles[0][h], 0);
            cr_assert_leq(series->quantiles[0][h], series->quantiles[1][h]);
            cr_assert_leq(series->quantiles[1][h], series->quantiles[2][h]);
            cr_assert_float_eq(series->mean[h] * 1e4, round(series->mean[h] * 1e4), 1e-6);
        }
    }
}

/* The same history, trained once with the cutoff at its end and once with more hours behind the cutoff and another
 * number of threads: the same bytes, the same forecasts, also once saved and loaded. */
Test(forecaster, is_determined_by_what_is_known_at_the_cutoff)
{
    Arena *arena ARENA_SCOPED = arena_new();
    DemandHistory whole = synthetic_history(3, HISTORY_HOURS + LATER_HOURS, arena);
    DemandHistory cut = synthetic_history(3, HISTORY_HOURS, arena);
    Hour cutoff = end_of(HISTORY_HOURS);
    Forecaster *first = train(&whole, cutoff, 1), *second = train(&cut, cutoff, 2), *loaded = NULL;
    ForecastSet a = predict(first, &whole, cutoff, arena), b = predict(second, &cut, cutoff, arena);
    assert_sound(&a);
    assert_same(&a, &b);

    void *first_bytes, *second_bytes;
    size_t first_length, second_length;
    Error err;
    cr_assert(forecaster_save(first, &first_bytes, &first_length, &err), "%s", err.message);
    cr_assert(forecaster_save(second, &second_bytes, &second_length, &err), "%s", err.message);
    cr_assert_eq(first_length, second_length);
    cr_assert_arr_eq(first_bytes, second_bytes, first_length);
    cr_assert(forecaster_load(first_bytes, first_length, &loaded, &err), "%s", err.message);
    b = predict(loaded, &cut, cutoff, arena);
    assert_same(&a, &b);
    cr_assert_str_eq(forecaster_champion(loaded), forecaster_champion(first));

    size_t count;
    const ModelScore *scores = forecaster_scores(loaded, &count);
    cr_assert_gt(count, 2);
    for (size_t i = 0; i < count; i++)
        cr_assert(scores[i].wql > 0 && scores[i].wql < 1, "%s: %g", scores[i].model, scores[i].wql);
    forecaster_free(loaded);
    cr_assert_not(forecaster_load(first_bytes, first_length - 1, &loaded, &err));
    cr_assert_eq(err.code, ERROR_MALFORMED);
    free(first_bytes);
    free(second_bytes);
    forecaster_free(first);
    forecaster_free(second);
}

Test(forecaster, bytes_of_something_else_are_refused)
{
    Forecaster *loaded = NULL;
    Error err;
    cr_assert_not(forecaster_load("RCFCST", 6, &loaded, &err));
    cr_assert_eq(err.code, ERROR_MALFORMED);
    char other[64] = "a header of another kind";
    cr_assert_not(forecaster_load(other, sizeof other, &loaded, &err));
    cr_assert_eq(err.code, ERROR_MALFORMED);
}

/* Too short for a backtest or boosting: an answer all the same, and why it is none of the best. */
Test(forecaster, short_missing_and_ended_histories)
{
    Arena *arena ARENA_SCOPED = arena_new();
    DemandHistory history = synthetic_history(4, 20 * HOURS_PER_DAY, arena);
    Hour cutoff = end_of(20 * HOURS_PER_DAY);
    history.series[0].hours = 0;
    history.series[1].demand += 12 * HOURS_PER_DAY;
    history.series[1].first_hour += 12 * HOURS_PER_DAY;
    history.series[1].hours -= 12 * HOURS_PER_DAY;
    float *ended = arena_array(arena, history.series[2].hours, sizeof *ended);
    memcpy(ended, history.series[2].demand, 5 * HOURS_PER_DAY * sizeof *ended);
    history.series[2].demand = ended;
    Forecaster *forecaster = train(&history, cutoff, 1);
    ForecastSet set = predict(forecaster, &history, cutoff, arena);
    assert_sound(&set);
    cr_assert_str_eq(set.series[0].reason, "no_history");
    cr_assert_str_eq(set.series[1].reason, "short_history");
    cr_assert_str_eq(set.series[2].reason, "history_ended");
    cr_assert_null(set.series[3].reason);
    cr_assert_gt(set.series[0].mean[12], 0);
    double daily = 0, truth = 0;
    for (int h = 0; h < HOURS_PER_DAY; h++) {
        daily += set.series[1].mean[h];
        truth += synthetic_mean(1, cutoff + 1 + h);
    }
    cr_assert_float_eq(daily, truth, 0.3 * truth, "%g instead of %g", daily, truth);
    forecaster_free(forecaster);
}

/* A geo opened late: whoever wrote the history may have put zeros before it or not. */
Test(forecaster, zeros_before_the_first_order_do_not_matter)
{
    enum { LATE_HOURS = 2 * HOURS_PER_WEEK };
    Arena *arena ARENA_SCOPED = arena_new();
    DemandHistory padded = synthetic_history(3, HISTORY_HOURS, arena),
                  begun = synthetic_history(3, HISTORY_HOURS, arena);
    float *demand = arena_array(arena, HISTORY_HOURS, sizeof *demand);
    memcpy(demand, padded.series[1].demand, HISTORY_HOURS * sizeof *demand);
    memset(demand, 0, LATE_HOURS * sizeof *demand);
    demand[LATE_HOURS] = 1;
    padded.series[1].demand = demand;
    begun.series[1].demand = demand + LATE_HOURS;
    begun.series[1].hours -= LATE_HOURS;
    begun.series[1].first_hour += LATE_HOURS;
    Hour cutoff = end_of(HISTORY_HOURS);
    Forecaster *first = train(&padded, cutoff, 1), *second = train(&begun, cutoff, 1);
    ForecastSet a = predict(first, &padded, cutoff, arena), b = predict(second, &begun, cutoff, arena);
    assert_same(&a, &b);
    forecaster_free(first);
    forecaster_free(second);
}

Test(forecaster, nothing_known_at_all)
{
    Arena *arena ARENA_SCOPED = arena_new();
    DemandHistory history = synthetic_history(1, 1, arena);
    history.series[0].hours = 0;
    Forecaster *forecaster = train(&history, SYNTHETIC_MONDAY, 1);
    ForecastSet set = predict(forecaster, &history, SYNTHETIC_MONDAY, arena);
    assert_sound(&set);
    cr_assert_str_eq(set.series[0].reason, "no_history");
    DemandHistory none = {0};
    set = predict(forecaster, &none, SYNTHETIC_MONDAY, arena);
    forecaster_free(forecaster);
}

Test(forecaster, other_models_and_levels_on_request)
{
    Arena *arena ARENA_SCOPED = arena_new();
    DemandHistory history = synthetic_history(2, 4 * HOURS_PER_WEEK, arena);
    Hour cutoff = end_of(4 * HOURS_PER_WEEK);
    Forecaster *forecaster = train(&history, cutoff, 1);
    const double levels[] = {0.05, 0.5, 0.95};
    ForecastRequest request = {
        .cutoff = cutoff, .hours = LEADS, .model = "repetition", .levels = levels, .level_count = 3};
    ForecastSet set;
    Error err;
    cr_assert(forecaster_predict_request(forecaster, &history, &request, arena, &set, &err), "%s", err.message);
    for (size_t h = 0; h < LEADS; h++) {
        float before = history.series[1].demand[3 * HOURS_PER_WEEK + h];
        cr_assert_float_eq(set.series[1].mean[h], before, 1e-6);
        cr_assert_float_eq(set.series[1].at_levels[1][h], set.series[1].quantiles[1][h], 1e-9);
        cr_assert_leq(set.series[1].at_levels[0][h], set.series[1].quantiles[0][h]);
        cr_assert_geq(set.series[1].at_levels[2][h], set.series[1].quantiles[2][h]);
    }
    request.model = "oracle";
    cr_assert_not(forecaster_predict_request(forecaster, &history, &request, arena, &set, &err));
    cr_assert_eq(err.code, ERROR_INVALID_ARGUMENT);
    size_t models = 0;
    while (forecaster_model_name(models))
        models++;
    cr_assert_geq(models, 6);
    forecaster_free(forecaster);
}

static bool stop(void *context, const char *what, double share)
{
    (void)context, (void)what, (void)share;
    return false;
}

Test(forecaster, training_can_be_stopped)
{
    Arena *arena ARENA_SCOPED = arena_new();
    DemandHistory history = synthetic_history(2, HISTORY_HOURS, arena);
    ForecasterOptions stopped = {.seed = 1, .threads = 1, .progress = stop};
    Forecaster *forecaster = NULL;
    Error err;
    cr_assert_not(forecaster_train(&history, end_of(HISTORY_HOURS), &stopped, &forecaster, &err));
    cr_assert_eq(err.code, ERROR_UNAVAILABLE);
    cr_assert_null(forecaster);
}
