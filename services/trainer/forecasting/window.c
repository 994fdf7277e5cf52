#include "services/trainer/forecasting/window.h"

#include <assert.h>

size_t window_collect(const DemandSeries *series, const LocalClock *clock, Hour origin, Hour hour, int weeks,
                      bool alike, float values[WINDOW_WEEKS_MAX])
{
    assert(weeks <= WINDOW_WEEKS_MAX);
    size_t count = 0;
    int newest = weeks_to_known(clock, origin, hour);
    for (int week = newest; week < newest + weeks; week++) {
        Hour before = clock_weeks_before(clock, hour, week);
        float value = series_at(series, before);
        if (!isnan(value) && (!alike || clock_alike(clock, hour, before)))
            values[count++] = value;
    }
    return count;
}

double window_mean(const float *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)values[i];
    return sum / (double)count;
}
