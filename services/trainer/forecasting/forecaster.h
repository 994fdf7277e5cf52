/* The forecasting pipeline: from hourly histories to forecasts. One code for the service and for `rushcast backtest`:
 * nothing after a cutoff is ever looked at, and the same inputs give the same bytes. Needs no server. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "common/arena.h"
#include "common/hour.h"
#include "common/timezone.h"

enum { FORECAST_HORIZON_MAX = 24 * 14, FORECAST_QUANTILES = 3 /* p10, p50, p90 */ };

/* One series of hourly demand: complete from first_hour on, NAN where requests could not be made or are not known. */
typedef struct DemandSeries {
    const char *geo;
    const TimeZone *zone;
    const char *country; /* ISO 3166 alpha-2 or "" */
    Hour first_hour;
    size_t hours;
    const float *demand;
} DemandSeries;

typedef struct DemandHistory {
    DemandSeries *series; /* sorted by geo */
    size_t count;
} DemandHistory;

/* Forecast of one series: `hours` values from cutoff + 1 on, rounded to 4 decimals, quantiles ordered, none negative.
 */
typedef struct SeriesForecast {
    const char *geo;
    const char *model; /* static: name of the champion for it */
    const char
        *reason; /* static: NULL when based on enough recent data; else no_history, short_history, history_ended */
    double *mean;
    double *quantiles[FORECAST_QUANTILES];
    double *const *at_levels; /* quantiles at the levels of a ForecastRequest; NULL without */
} SeriesForecast;

typedef struct ForecastSet {
    Hour cutoff;
    size_t hours;
    SeriesForecast *series; /* in the order of the history's series; those without any hour at the cutoff included */
    size_t count;
} ForecastSet;

/* Scores over past pseudo-cutoffs; WAPE of p50, RMSE of mean / mean demand, WQL over the three quantiles, as in
 * Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., 5.8-5.9. */
typedef struct ModelScore {
    const char *model;
    double wape, rmse, bias, mase, wql;
    double coverage80; /* share of hours within p10..p90 where the mean is at least 10; NAN without such hours */
    double below[FORECAST_QUANTILES], at_most[FORECAST_QUANTILES]; /* P(y < q), P(y <= q) */
    double seconds;                                                /* for the caller to measure; 0 from here */
    size_t hours;                                                  /* scored geo-hours */
} ModelScore;

/* A trained forecaster: the booster, combination, champion per volume class, and residual tables. Immutable. */
typedef struct Forecaster Forecaster;

typedef struct ForecasterOptions {
    uint64_t seed;
    int threads; /* for boosting, at least 1; the forecaster does not depend on it */
    /* Called from time to time with what is being done and the share done in [0, 1]; may be NULL. Returning false
     * ends the work with ERROR_UNAVAILABLE ("stopped"). */
    bool (*progress)(void *context, const char *what, double share);
    void *progress_context;
} ForecasterOptions;

/* Chooses the champion by backtests before `cutoff` and fits on everything up to it. */
bool forecaster_train(const DemandHistory *history, Hour cutoff, const ForecasterOptions *options,
                      Forecaster **ret_forecaster, Error *err) MUST_CHECK;
void forecaster_free(Forecaster *forecaster);
/* Forecasts hours cutoff + 1 .. cutoff + hours; the cutoff may be later than the one of training. Everything returned
 * lives in the arena. */
bool forecaster_predict(const Forecaster *forecaster, const DemandHistory *history, Hour cutoff, size_t hours,
                        Arena *arena, ForecastSet *ret_set, Error *err) MUST_CHECK;

/* Other models than the champion, and other quantiles. */
typedef struct ForecastRequest {
    Hour cutoff;
    size_t hours;
    const char *model;    /* one of forecaster_model_name; NULL: the champion of each volume class */
    const double *levels; /* further quantile levels, rising, within (0, 1) */
    size_t level_count;
} ForecastRequest;

bool forecaster_predict_request(const Forecaster *forecaster, const DemandHistory *history,
                                const ForecastRequest *request, Arena *arena, ForecastSet *ret_set,
                                Error *err) MUST_CHECK;
/* Names of all models that compete; NULL from the count on. */
const char *forecaster_model_name(size_t i);

/* Scores of every candidate in the backtests that chose the champion; owned by the forecaster. */
const ModelScore *forecaster_scores(const Forecaster *forecaster, size_t *ret_count);
/* Name of the champion overall; static. */
const char *forecaster_champion(const Forecaster *forecaster);
/* As bytes for the model store, and back. The buffer is the caller's (free()). */
bool forecaster_save(const Forecaster *forecaster, void **ret_data, size_t *ret_length_bytes, Error *err) MUST_CHECK;
bool forecaster_load(const void *data, size_t length_bytes, Forecaster **ret_forecaster, Error *err) MUST_CHECK;

/* Sets hours to NAN in which the whole history fell silent against its own expectation (an outage), see outage.h.
 * Call before training and predicting, with hours up to the cutoff only. Returns how many hours were masked. */
size_t forecaster_mask_outages(DemandHistory *history, Hour cutoff, Arena *arena);
