/* Small made-up histories. */
#pragma once

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "services/trainer/forecasting/forecaster.h"

enum { SYNTHETIC_MONDAY = 394560 /* 2015-01-05T00:00Z */ };

static inline uint32_t synthetic_draw(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

/* Poisson draw by multiplication; for small means. */
static inline float synthetic_poisson(double mean, uint32_t *state)
{
    double limit = exp(-mean), product = 1;
    int count = -1;
    do {
        product *= (synthetic_draw(state) + 1.0) / (1 << 24);
        count++;
    } while (product > limit);
    return (float)count;
}

/* Expected demand: a hump in the day, more at weekends. */
static inline double synthetic_mean(double level, Hour hour)
{
    int day = (hour / HOURS_PER_DAY + 3) % 7; /* 1970-01-01 was a Thursday; 0 = Monday */
    double hump = 1 - cos(2 * M_PI * (hour % HOURS_PER_DAY) / HOURS_PER_DAY);
    return level * hump * (day >= 5 ? 1.5 : 1);
}

static inline const TimeZone *synthetic_utc(void)
{
    const TimeZone *zone = NULL;
    Error err;
    cr_assert(timezone_get("UTC", &zone, &err), "%s", err.message);
    return zone;
}

/* `count` series "g0", "g1", ... (at most 10) with levels 0.2, 1, 5, 25, 0.2, ... from SYNTHETIC_MONDAY on. */
static inline DemandHistory synthetic_history(size_t count, size_t hours, Arena *arena)
{
    static const double levels[] = {0.2, 1, 5, 25};
    DemandHistory history = {.series = arena_array(arena, count, sizeof *history.series), .count = count};
    for (size_t i = 0; i < count; i++) {
        uint32_t state = (uint32_t)i + 1;
        float *demand = arena_array(arena, hours, sizeof *demand);
        for (size_t h = 0; h < hours; h++)
            demand[h] = synthetic_poisson(synthetic_mean(levels[i % 4], SYNTHETIC_MONDAY + (Hour)h), &state);
        history.series[i] = (DemandSeries){.geo = arena_printf(arena, "g%zu", i),
                                           .zone = synthetic_utc(),
                                           .country = "",
                                           .first_hour = SYNTHETIC_MONDAY,
                                           .hours = hours,
                                           .demand = demand};
    }
    return history;
}
