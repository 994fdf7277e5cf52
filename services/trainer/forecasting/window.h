/* Windows: what the same local hour of the week was in the last weeks. */
#pragma once

#include "services/trainer/forecasting/panel.h"

enum { WINDOW_WEEKS_MAX = 8 };

/* Known values of the same hour in the last `weeks` weeks known at the origin, newest first; `alike`: without those of
 * public holidays for another day, and the reverse. Returns how many. */
size_t window_collect(const DemandSeries *series, const LocalClock *clock, Hour origin, Hour hour, int weeks,
                      bool alike, float values[WINDOW_WEEKS_MAX]);
double window_mean(const float *values, size_t count);
