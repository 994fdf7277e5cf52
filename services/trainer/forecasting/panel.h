/* All series side by side with their local clocks: what the models read. Nothing after an origin is read for that
 * origin, by every user of a panel. */
#pragma once

#include <math.h>
#include "services/trainer/forecasting/forecaster.h"

enum { HOURS_OF_WEEK = HOURS_PER_WEEK, HOLIDAY_DAYS_MAX = 7 };

/* An hour as people there live it. */
typedef struct LocalHour {
    uint8_t hour, weekday;       /* 0..23; 0 = Monday */
    uint8_t hour_of_week;        /* weekday * 24 + hour */
    uint8_t profile_hour;        /* the same, but a public holiday reads as Sunday */
    uint8_t days_to, days_since; /* next and last public holiday, at most HOLIDAY_DAYS_MAX; 0 on the day */
    bool holiday;
    int32_t offset_s;
} LocalHour;

typedef struct LocalClock {
    const TimeZone *zone;
    const char *country;
    Hour first;
    size_t hours;
    LocalHour *at;
} LocalClock;

typedef struct Panel {
    const DemandSeries *series; /* each from its first order on */
    size_t count;
    const LocalClock **clocks; /* one per series, shared between series of the same zone and country */
    Hour first;                /* earliest first_hour; the cutoff when there is none */
    Hour cutoff;               /* last hour that may be read */
} Panel;

/* Clocks reach `ahead` hours beyond the cutoff. The history's demand must outlive the panel. */
void panel_init(Panel *panel, const DemandHistory *history, Hour cutoff, size_t ahead, Arena *arena);

/* NAN outside the series. */
static inline float series_at(const DemandSeries *series, Hour hour)
{
    int64_t i = (int64_t)hour - series->first_hour;
    return i < 0 || i >= (int64_t)series->hours ? NAN : series->demand[i];
}

static inline const LocalHour *clock_at(const LocalClock *clock, Hour hour)
{
    int64_t i = (int64_t)hour - clock->first;
    if (i < 0)
        i = 0;
    if (i >= (int64_t)clock->hours)
        i = (int64_t)clock->hours - 1;
    return &clock->at[i];
}

/* The hour with the same local clock time `weeks` weeks earlier (167 to 169 hours a week when clocks change). */
static inline Hour clock_weeks_before(const LocalClock *clock, Hour hour, int weeks)
{
    Hour before = hour - HOURS_PER_WEEK * weeks;
    return before + (clock_at(clock, hour)->offset_s - clock_at(clock, before)->offset_s) / 3600;
}

/* Weeks to go back at least from `hour` to reach one that is known at the origin. */
static inline int weeks_to_known(const LocalClock *clock, Hour origin, Hour hour)
{
    int weeks = hour <= origin ? 0 : (hour - origin + HOURS_PER_WEEK - 1) / HOURS_PER_WEEK;
    return clock_weeks_before(clock, hour, weeks) > origin ? weeks + 1 : weeks;
}

/* Whether both lie on public holidays or neither does. */
static inline bool clock_alike(const LocalClock *clock, Hour a, Hour b)
{
    return clock_at(clock, a)->holiday == clock_at(clock, b)->holiday;
}
