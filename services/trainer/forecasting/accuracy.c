#include "services/trainer/forecasting/accuracy.h"

#include <math.h>

const double forecast_levels[FORECAST_QUANTILES] = {0.1, 0.5, 0.9};

static void end_series(Accuracy *accuracy)
{
    if (accuracy->own_hours > 0 && accuracy->own_scale > 0) {
        accuracy->scaled += accuracy->own_absolute / accuracy->own_hours / accuracy->own_scale;
        accuracy->scaled_series++;
    }
    accuracy->own_absolute = accuracy->own_hours = 0;
}

void accuracy_begin_series(Accuracy *accuracy, double scale)
{
    end_series(accuracy);
    accuracy->own_scale = scale;
}

double accuracy_pinball(double demand, double quantile, double level)
{
    return 2 * fmax(level * (demand - quantile), (level - 1) * (demand - quantile));
}

void accuracy_add(Accuracy *accuracy, double demand, double mean, const double quantiles[FORECAST_QUANTILES])
{
    if (isnan(demand))
        return;
    double absolute = fabs(quantiles[1] - demand);
    accuracy->hours++;
    accuracy->demand += demand;
    accuracy->absolute += absolute;
    accuracy->squared += (mean - demand) * (mean - demand);
    accuracy->error += mean - demand;
    accuracy->own_absolute += absolute;
    accuracy->own_hours++;
    for (int q = 0; q < FORECAST_QUANTILES; q++) {
        accuracy->pinball += accuracy_pinball(demand, quantiles[q], forecast_levels[q]) / FORECAST_QUANTILES;
        accuracy->below[q] += demand < quantiles[q];
        accuracy->at_most[q] += demand <= quantiles[q];
    }
    if (mean >= ACCURACY_BUSY) {
        accuracy->busy++;
        accuracy->busy_within += quantiles[0] <= demand && demand <= quantiles[2];
    }
}

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : NAN;
}

void accuracy_score(Accuracy *accuracy, const char *model, ModelScore *ret_score)
{
    end_series(accuracy);
    *ret_score = (ModelScore){
        .model = model,
        .wape = ratio(accuracy->absolute, accuracy->demand),
        .rmse = ratio(sqrt(ratio(accuracy->squared, accuracy->hours)) * accuracy->hours, accuracy->demand),
        .bias = ratio(accuracy->error, accuracy->demand),
        .mase = ratio(accuracy->scaled, accuracy->scaled_series),
        .wql = ratio(accuracy->pinball, accuracy->demand),
        .coverage80 = ratio(accuracy->busy_within, accuracy->busy),
        .hours = (size_t)accuracy->hours,
    };
    for (int q = 0; q < FORECAST_QUANTILES; q++) {
        ret_score->below[q] = ratio(accuracy->below[q], accuracy->hours);
        ret_score->at_most[q] = ratio(accuracy->at_most[q], accuracy->hours);
    }
}

double accuracy_scale(const DemandSeries *series, Hour origin)
{
    double sum = 0, hours = 0;
    int64_t end = (int64_t)origin - series->first_hour + 1;
    for (int64_t i = HOURS_PER_WEEK; i < end && i < (int64_t)series->hours; i++) {
        double step = fabs((double)series->demand[i] - (double)series->demand[i - HOURS_PER_WEEK]);
        if (!isnan(step)) {
            sum += step;
            hours++;
        }
    }
    return ratio(sum, hours);
}
