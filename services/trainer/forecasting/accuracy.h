/* Scores of forecasts against what happened; definitions at ModelScore. */
#pragma once

#include "services/trainer/forecasting/forecaster.h"

extern const double forecast_levels[FORECAST_QUANTILES]; /* 0.1, 0.5, 0.9 */

typedef struct Accuracy {
    double hours, demand, absolute, squared, error, pinball;
    double below[FORECAST_QUANTILES], at_most[FORECAST_QUANTILES];
    double busy, busy_within;     /* hours with a mean of at least ACCURACY_BUSY, and those within p10..p90 */
    double scaled, scaled_series; /* for MASE: sum over series of MAE / scale */
    double own_absolute, own_hours, own_scale;
} Accuracy;

enum { ACCURACY_BUSY = 10 };

/* What follows belongs to another series or cutoff; `scale` is its in-sample MAE of the naive of a week ago, or not
 * positive when unknown. */
void accuracy_begin_series(Accuracy *accuracy, double scale);
/* Unknown demand (NAN) is not scored. */
void accuracy_add(Accuracy *accuracy, double demand, double mean, const double quantiles[FORECAST_QUANTILES]);
/* Ends the last series. `model` is kept by pointer; seconds are left 0. */
void accuracy_score(Accuracy *accuracy, const char *model, ModelScore *ret_score);
/* Mean absolute difference to the week before, up to the origin; NAN when unknown. */
double accuracy_scale(const DemandSeries *series, Hour origin);
/* Twice the pinball loss. */
double accuracy_pinball(double demand, double quantile, double level);
