#include "services/trainer/forecasting/baseline.h"

#include <stdlib.h>
#include <string.h>

enum {
    KINDS_OF_DAY = 3,
    KIND_HOURS = KINDS_OF_DAY * HOURS_PER_DAY,
    LEVEL_DAYS = 21,
    TREND_WEEKS = 4,
    SPREAD_WEEKS = 6
};

/* Chosen by hand on the sets named in docs/forecasting.md. */
static const double PROFILE_HALF_LIFE_WEEKS = 4;
static const double LEVEL_HALF_LIFE_HOURS = 96;
static const double LEVEL_PRIOR_ORDERS = 12;
static const double COMMON_PERSISTENCE = 0.85, OWN_PERSISTENCE = 0.9;
static const double KIND_VARIANCE = 0.5;  /* of a series' hour of the day around the pooled one, relative */
static const double CELL_VARIANCE = 0.06; /* of an hour of the week around its kind of day */
static const double MEAN_PRIOR_HOURS = 24;
static const double TREND_PRIOR_ORDERS = 20;
static const double DISPERSION_MIN = 0.01, DISPERSION_DEFAULT = 0.3;
static const double PRIOR_WEIGHT_MAX = 200;

/* Decayed sums of one series by hour of the week. */
typedef struct Sums {
    double orders[HOURS_OF_WEEK], weeks[HOURS_OF_WEEK];
    double all_orders, all_hours;
    double mean;
} Sums;

static int kind_hour(int hour_of_week)
{
    int weekday = hour_of_week / HOURS_PER_DAY;
    int kind = weekday < 5 ? 0 : weekday - 4;
    return kind * HOURS_PER_DAY + hour_of_week % HOURS_PER_DAY;
}

static void sum_series(const DemandSeries *series, const LocalClock *clock, Hour origin, Sums *sums)
{
    double weight = 1, decay = exp2(-1 / PROFILE_HALF_LIFE_WEEKS);
    for (int week = 0; week < BASELINE_WEEKS; week++, weight *= decay) {
        for (int back = 0; back < HOURS_PER_WEEK; back++) {
            Hour hour = origin - week * HOURS_PER_WEEK - back;
            double demand = (double)series_at(series, hour);
            if (isnan(demand))
                continue;
            const LocalHour *local = clock_at(clock, hour);
            if (local->holiday)
                continue;
            sums->orders[local->hour_of_week] += weight * demand;
            sums->weeks[local->hour_of_week] += weight;
            sums->all_orders += weight * demand;
            sums->all_hours += weight;
        }
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Mean of each series, those with little history shrunk towards the median of those with more. */
static void shrink_means(Sums *sums, size_t count, Arena *arena)
{
    double *means = arena_array(arena, count ? count : 1, sizeof *means);
    size_t known = 0;
    for (size_t i = 0; i < count; i++)
        if (sums[i].all_hours > 0)
            means[known++] = sums[i].all_orders / sums[i].all_hours;
    qsort(means, known, sizeof *means, compare_doubles);
    double neighbour = known ? means[known / 2] : 0;
    for (size_t i = 0; i < count; i++) {
        double prior = sums[i].all_hours >= HOURS_PER_WEEK ? 0 : MEAN_PRIOR_HOURS;
        double hours = sums[i].all_hours + prior;
        sums[i].mean = hours > 0 ? (sums[i].all_orders + prior * neighbour) / hours : neighbour;
    }
}

/* Means of all series together by hour of the week and by kind of day, relative to their mean of 1. */
static void pool(const Sums *sums, size_t count, double cells[HOURS_OF_WEEK], double kinds[KIND_HOURS])
{
    double kind_days[KIND_HOURS] = {0}, total = 0;
    memset(kinds, 0, KIND_HOURS * sizeof *kinds);
    for (int cell = 0; cell < HOURS_OF_WEEK; cell++) {
        double orders = 0, weeks = 0;
        for (size_t i = 0; i < count; i++) {
            orders += sums[i].orders[cell];
            weeks += sums[i].weeks[cell] * sums[i].mean;
        }
        cells[cell] = (orders + 1) / (weeks + 1);
        kinds[kind_hour(cell)] += cells[cell];
        kind_days[kind_hour(cell)] += 1;
        total += cells[cell];
    }
    double scale = HOURS_OF_WEEK / total;
    for (int cell = 0; cell < HOURS_OF_WEEK; cell++)
        cells[cell] *= scale;
    for (int kind = 0; kind < KIND_HOURS; kind++)
        kinds[kind] *= scale / kind_days[kind];
}

/* Weight of a prior mean, in weeks of observations, given the relative variance of the truth around it. */
static double prior_weight(double prior, double variance)
{
    return fmin(1 / (variance * fmax(prior, 1e-9)), PRIOR_WEIGHT_MAX) + 0.2;
}

static void shrink_profile(const Sums *sums, const double cells[], const double kinds[], Baseline *baseline)
{
    double orders[KIND_HOURS] = {0}, weeks[KIND_HOURS] = {0};
    for (int cell = 0; cell < HOURS_OF_WEEK; cell++) {
        orders[kind_hour(cell)] += sums->orders[cell];
        weeks[kind_hour(cell)] += sums->weeks[cell];
    }
    double own[KIND_HOURS];
    for (int kind = 0; kind < KIND_HOURS; kind++) {
        double prior = sums->mean * kinds[kind], weight = prior_weight(prior, KIND_VARIANCE);
        own[kind] = (orders[kind] + weight * prior) / (weeks[kind] + weight);
    }
    for (int cell = 0; cell < HOURS_OF_WEEK; cell++) {
        double prior = own[kind_hour(cell)] * cells[cell] / kinds[kind_hour(cell)];
        double weight = prior_weight(prior, CELL_VARIANCE);
        baseline->profile[cell] = (float)((sums->orders[cell] + weight * prior) / (sums->weeks[cell] + weight));
    }
}

/* Demand of the last days, the newest weighing most, and what the profile expects of the same hours. */
typedef struct Recent {
    double seen, expected;
} Recent;

static Recent sum_recent(const DemandSeries *series, const LocalClock *clock, Hour origin, const Baseline *baseline)
{
    Recent recent = {0};
    double weight = 1, decay = exp2(-1 / LEVEL_HALF_LIFE_HOURS);
    for (int back = 0; back < LEVEL_DAYS * HOURS_PER_DAY; back++, weight *= decay) {
        double demand = (double)series_at(series, origin - back);
        const LocalHour *local = clock_at(clock, origin - back);
        if (isnan(demand) || local->holiday)
            continue;
        recent.seen += weight * demand;
        recent.expected += weight * (double)baseline->profile[local->profile_hour];
    }
    return recent;
}

/* What moves all series at once (weather, a week of holidays) passes sooner than what moves one of them. */
static void fit_levels(const Panel *panel, Hour origin, Baseline *series, Arena *arena)
{
    Recent *recent = arena_array(arena, panel->count ? panel->count : 1, sizeof *recent), city = {0};
    for (size_t i = 0; i < panel->count; i++) {
        recent[i] = sum_recent(&panel->series[i], panel->clocks[i], origin, &series[i]);
        city.seen += recent[i].seen;
        city.expected += recent[i].expected;
    }
    double common = log((city.seen + LEVEL_PRIOR_ORDERS) / (city.expected + LEVEL_PRIOR_ORDERS));
    for (size_t i = 0; i < panel->count; i++) {
        double own =
            log((recent[i].seen + LEVEL_PRIOR_ORDERS * exp(common)) / (recent[i].expected + LEVEL_PRIOR_ORDERS));
        series[i].level = (float)exp(COMMON_PERSISTENCE * common + OWN_PERSISTENCE * (own - common));
    }
}

static double mean_between(const DemandSeries *series, Hour from, Hour to)
{
    double orders = 0, hours = 0;
    for (Hour hour = from; hour < to; hour++) {
        double demand = (double)series_at(series, hour);
        if (!isnan(demand)) {
            orders += demand;
            hours += 1;
        }
    }
    return hours > 0 ? orders / hours : NAN;
}

static float trend(const DemandSeries *series, Hour origin)
{
    Hour span = TREND_WEEKS * HOURS_PER_WEEK;
    double late = mean_between(series, origin - span + 1, origin + 1);
    double early = mean_between(series, origin - 2 * span + 1, origin - span + 1);
    double prior = TREND_PRIOR_ORDERS / span;
    return (float)log((late + prior) / (early + prior));
}

/* Squared errors of the last weeks beyond those of Poisson counts (method of moments). */
typedef struct Spread {
    double excess, square, variance;
} Spread;

static Spread measure_spread(const DemandSeries *series, const LocalClock *clock, Hour origin, Baseline *baseline)
{
    Spread spread = {0};
    for (int back = 0; back < SPREAD_WEEKS * HOURS_PER_WEEK; back++) {
        double demand = (double)series_at(series, origin - back);
        if (isnan(demand))
            continue;
        double expected = (double)baseline->profile[clock_at(clock, origin - back)->profile_hour];
        spread.excess += (demand - expected) * (demand - expected) - expected;
        spread.square += expected * expected;
        spread.variance += expected + 2 * expected * expected;
        baseline->fractional |= demand != floor(demand);
    }
    return spread;
}

/* Each series' dispersion, shrunk towards that of all by how much its own can be trusted. */
static void fit_dispersions(const Panel *panel, Hour origin, Baseline *series, Arena *arena)
{
    Spread *spreads = arena_array(arena, panel->count ? panel->count : 1, sizeof *spreads);
    double sum = 0, weights = 0;
    for (size_t i = 0; i < panel->count; i++) {
        spreads[i] = measure_spread(&panel->series[i], panel->clocks[i], origin, &series[i]);
        double weight = spreads[i].square / (1 + spreads[i].square);
        if (spreads[i].square > 0)
            sum += weight * spreads[i].excess / spreads[i].square;
        weights += weight;
    }
    double all = weights > 0 ? fmax(sum / weights, DISPERSION_MIN) : DISPERSION_DEFAULT;
    for (size_t i = 0; i < panel->count; i++) {
        const Spread *spread = &spreads[i];
        double between = all * all, noise = spread->variance / (spread->square * spread->square + 1e-12);
        double own = spread->square > 0 ? spread->excess / spread->square : all;
        series[i].dispersion = (float)(all + between / (between + noise) * (own - all));
    }
}

void baseline_fit(const Panel *panel, Hour origin, Arena *arena, BaselineSet *ret_set)
{
    Sums *sums = arena_array(arena, panel->count ? panel->count : 1, sizeof *sums);
    for (size_t i = 0; i < panel->count; i++)
        sum_series(&panel->series[i], panel->clocks[i], origin, &sums[i]);
    shrink_means(sums, panel->count, arena);
    double cells[HOURS_OF_WEEK], kinds[KIND_HOURS];
    pool(sums, panel->count, cells, kinds);

    Baseline *series = arena_array(arena, panel->count ? panel->count : 1, sizeof *series);
    for (size_t i = 0; i < panel->count; i++) {
        series[i].known = sums[i].all_hours > 0;
        series[i].mean = (float)sums[i].mean;
        shrink_profile(&sums[i], cells, kinds, &series[i]);
        series[i].trend = trend(&panel->series[i], origin);
    }
    fit_levels(panel, origin, series, arena);
    fit_dispersions(panel, origin, series, arena);
    *ret_set = (BaselineSet){.origin = origin, .count = panel->count, .series = series};
}
