#include "services/trainer/forecasting/features.h"

#include "services/trainer/forecasting/window.h"

enum { HOURS_AROUND = 1, LAST_DAYS = 7 };

static const int span_hours[FEATURE_SPANS] = {6, 24, 72, 168, 672};

/* Orders added to both sides of a ratio: to one hour of one series, to several hours, to all series together. */
static const double PRIOR_HOUR = 1, PRIOR_HOURS = 3, PRIOR_CITY = 20;

typedef struct Ratio {
    double seen, expected;
} Ratio;

static void ratio_add(Ratio *ratio, double seen, double expected)
{
    if (isnan(seen))
        return;
    ratio->seen += seen;
    ratio->expected += expected;
}

static float ratio_log(const Ratio *ratio, double prior)
{
    return (float)log((ratio->seen + prior) / (ratio->expected + prior));
}

static void prepare_spans(const FeatureSet *set, size_t i, Ratio city[FEATURE_SPANS])
{
    const Panel *panel = set->panel;
    Hour origin = set->baselines.origin;
    Ratio own = {0};
    int span = 0;
    for (int back = 0; span < FEATURE_SPANS; back++) {
        if (back == span_hours[span]) {
            set->own[i][span] = ratio_log(&own, PRIOR_HOURS);
            city[span].seen += own.seen;
            city[span].expected += own.expected;
            if (++span == FEATURE_SPANS)
                break;
        }
        const LocalHour *local = clock_at(panel->clocks[i], origin - back);
        ratio_add(&own, (double)series_at(&panel->series[i], origin - back),
                  (double)set->baselines.series[i].profile[local->profile_hour]);
    }
}

void features_prepare(const Panel *panel, Hour origin, Arena *arena, FeatureSet *ret_set)
{
    *ret_set = (FeatureSet){.panel = panel};
    baseline_fit(panel, origin, arena, &ret_set->baselines);
    ret_set->own = arena_array(arena, panel->count ? panel->count : 1, sizeof *ret_set->own);
    Ratio city[FEATURE_SPANS] = {0};
    for (size_t i = 0; i < panel->count; i++)
        prepare_spans(ret_set, i, city);
    for (int span = 0; span < FEATURE_SPANS; span++)
        ret_set->city[span] = ratio_log(&city[span], PRIOR_CITY);
}

static void fill_calendar(const LocalHour *local, float row[FEATURES])
{
    row[FEATURE_HOUR] = local->hour;
    row[FEATURE_WEEKDAY] = local->weekday;
    row[FEATURE_HOLIDAY] = local->holiday;
    row[FEATURE_DAYS_TO] = local->days_to;
    row[FEATURE_DAYS_SINCE] = local->days_since;
}

static void fill_weeks(const DemandSeries *series, const LocalClock *clock, const Baseline *baseline, Hour origin,
                       Hour hour, double expected, float row[FEATURES])
{
    int newest = weeks_to_known(clock, origin, hour);
    Ratio window = {0}, around = {0};
    for (int week = 0; week < WINDOW_WEEKS_MAX; week++) {
        Hour before = clock_weeks_before(clock, hour, newest + week);
        bool alike = clock_alike(clock, hour, before);
        double demand = alike ? (double)series_at(series, before) : (double)NAN;
        ratio_add(&window, demand, expected);
        if (week < 4)
            row[FEATURE_WEEK_1 + week] =
                isnan(demand) ? NAN : (float)log((demand + PRIOR_HOUR) / (expected + PRIOR_HOUR));
        for (Hour near = before - HOURS_AROUND; week < 4 && near <= before + HOURS_AROUND; near++)
            if (near <= origin)
                ratio_add(&around, (double)series_at(series, near),
                          (double)baseline->profile[clock_at(clock, near)->profile_hour]);
        if (week == 0)
            row[FEATURE_AROUND_1] = ratio_log(&around, PRIOR_HOUR);
        if (week == 3) {
            row[FEATURE_AROUND_4] = ratio_log(&around, PRIOR_HOURS);
            row[FEATURE_WINDOW_4] = ratio_log(&window, PRIOR_HOUR);
        }
    }
    row[FEATURE_WINDOW_8] = ratio_log(&window, PRIOR_HOUR);
}

static void fill_days(const DemandSeries *series, const LocalClock *clock, const Baseline *baseline, Hour origin,
                      Hour hour, float row[FEATURES])
{
    Hour last = hour - (hour - origin + HOURS_PER_DAY - 1) / HOURS_PER_DAY * HOURS_PER_DAY;
    Ratio days = {0};
    for (int day = 0; day < LAST_DAYS; day++) {
        Hour before = last - day * HOURS_PER_DAY;
        ratio_add(&days, (double)series_at(series, before),
                  (double)baseline->profile[clock_at(clock, before)->profile_hour]);
        if (day == 0)
            row[FEATURE_DAY_1] = ratio_log(&days, PRIOR_HOUR);
    }
    row[FEATURE_DAY_7] = ratio_log(&days, PRIOR_HOUR);
}

double features_row(const FeatureSet *set, size_t i, Hour hour, float row[FEATURES])
{
    const DemandSeries *series = &set->panel->series[i];
    const LocalClock *clock = set->panel->clocks[i];
    const Baseline *baseline = &set->baselines.series[i];
    const LocalHour *local = clock_at(clock, hour);
    Hour origin = set->baselines.origin;
    double expected = fmax(baseline_at(baseline, local), BASELINE_FLOOR);
    double mean = fmax((double)baseline->mean * (double)baseline->level, BASELINE_FLOOR);

    row[FEATURE_BASELINE] = (float)log(expected);
    row[FEATURE_VOLUME] = (float)log(mean);
    row[FEATURE_SHAPE] = (float)log(expected / mean);
    row[FEATURE_TREND] = baseline->trend;
    row[FEATURE_LEVEL] = logf(baseline->level);
    row[FEATURE_LEAD] = (float)(hour - origin);
    fill_calendar(local, row);
    for (int span = 0; span < FEATURE_SPANS; span++) {
        row[FEATURE_OWN_6 + span] = set->own[i][span];
        row[FEATURE_CITY_6 + span] = set->city[span];
    }
    fill_weeks(series, clock, baseline, origin, hour, expected, row);
    fill_days(series, clock, baseline, origin, hour, row);
    return expected;
}
