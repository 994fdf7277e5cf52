#include "services/trainer/forecasting/quantiles.h"

#include <math.h>
#include <string.h>

/* Above it counts are continuous for all purposes. */
static const double COUNTS_BELOW = 30;

static const double class_bounds[VOLUME_CLASSES - 1] = {0.1, 0.5, 2, 10};
static const double lead_bounds[LEAD_BUCKETS - 1] = {24, 72};
static const double size_bounds[SIZE_BUCKETS - 1] = {0.05, 0.2, 0.5, 1, 2, 5, 10, 30};
static const double map_bounds[MAP_BUCKETS - 1] = {1, 10};

/* Observations that a cell's own estimate is worth as much as its parent's at. */
static const double DISPERSION_PRIOR = 100, MAP_PRIOR = 300;
static const double LEAN_FORGOTTEN = 0.5;
static const double DISPERSION_FACTOR_MIN = 0.2, DISPERSION_FACTOR_MAX = 4;

static int bucket(const double *bounds, int buckets, double value)
{
    int i = 0;
    while (i < buckets - 1 && value >= bounds[i])
        i++;
    return i;
}

uint8_t volume_class(double mean)
{
    return (uint8_t)bucket(class_bounds, VOLUME_CLASSES, mean);
}

static double normal_cdf(double z)
{
    return 0.5 * erfc(-z * M_SQRT1_2);
}

double quantiles_normal(double level)
{
    static const double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                               1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
    static const double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
                               6.680131188771972e+01, -1.328068155288572e+01};
    static const double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                               -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
    static const double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                               3.754408661907416e+00};
    double tail = fmin(level, 1 - level), z;
    if (tail < 0.02425) {
        double q = sqrt(-2 * log(tail));
        z = (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
            ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
    } else {
        double q = tail - 0.5, r = q * q;
        z = (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
            (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
    }
    double u = (normal_cdf(z) - tail) * sqrt(2 * M_PI) * exp(z * z / 2);
    z -= u / (1 + z * u / 2);
    return level < 0.5 ? z : -z;
}

/* P(Y = 0), from which the others follow by the ratio of neighbours. */
static double count_first(double expected, double dispersion)
{
    return dispersion < 1e-6 ? exp(-expected) : exp(-log1p(dispersion * expected) / dispersion);
}

static double count_next(double p, double k, double expected, double dispersion)
{
    return p * (1 + k * dispersion) / (k + 1) * expected / (1 + dispersion * expected);
}

/* Standard deviation of the square root of demand, by the delta method. */
static double root_deviation(double expected, double dispersion)
{
    double variance = fmax(expected + dispersion * expected * expected, 1e-6 * expected * expected + 1e-12);
    return sqrt(variance / expected) / 2;
}

double quantiles_cdf(double expected, double dispersion, bool counts, double y)
{
    expected = fmax(expected, 1e-6);
    if (y < 0)
        return 0;
    if (!counts)
        return normal_cdf((sqrt(y) - sqrt(expected)) / root_deviation(expected, dispersion));
    dispersion = fmax(dispersion, 0);
    double p = count_first(expected, dispersion), sum = p;
    for (double k = 0; k + 1 <= y && p > 0 && sum < 1; k++) {
        p = count_next(p, k, expected, dispersion);
        sum += p;
    }
    return fmin(sum, 1);
}

static bool is_count(const Prospect *prospect)
{
    return !prospect->fractional && (double)prospect->expected < COUNTS_BELOW;
}

static double dispersion_of(const QuantileModel *model, const Prospect *prospect)
{
    int lead = bucket(lead_bounds, LEAD_BUCKETS, prospect->lead);
    int size = bucket(size_bounds, SIZE_BUCKETS, (double)prospect->expected);
    return (double)prospect->dispersion * (double)model->dispersion[lead][size];
}

void quantiles_default(QuantileModel *model)
{
    for (int lead = 0; lead < LEAD_BUCKETS; lead++)
        for (int size = 0; size < SIZE_BUCKETS; size++)
            model->dispersion[lead][size] = 1;
    for (int volume = 0; volume < VOLUME_CLASSES; volume++)
        for (int map = 0; map < MAP_BUCKETS; map++)
            for (int point = 0; point < MAP_POINTS; point++)
                model->map[volume][map][point] = (float)point / (MAP_POINTS - 1);
}

/* Factor by which squared errors beyond Poisson's exceed what the series' own dispersion expects, by lead and size;
 * cells with few observations lean on all leads of that size. */
static void fit_dispersion(const Prospect *prospects, const float *demand, size_t count, QuantileModel *model)
{
    double seen[LEAD_BUCKETS + 1][SIZE_BUCKETS] = {0}, expected[LEAD_BUCKETS + 1][SIZE_BUCKETS] = {0};
    double hours[LEAD_BUCKETS + 1][SIZE_BUCKETS] = {0};
    for (size_t i = 0; i < count; i++) {
        int lead = bucket(lead_bounds, LEAD_BUCKETS, prospects[i].lead);
        int size = bucket(size_bounds, SIZE_BUCKETS, (double)prospects[i].expected);
        double mean = (double)prospects[i].expected, error = (double)demand[i] - mean;
        double weight = 1 / (mean * mean + mean + 1e-9);
        for (int l = lead;; l = LEAD_BUCKETS) {
            seen[l][size] += weight * (error * error - mean);
            expected[l][size] += weight * mean * mean * (double)prospects[i].dispersion;
            hours[l][size]++;
            if (l == LEAD_BUCKETS)
                break;
        }
    }
    for (int size = 0; size < SIZE_BUCKETS; size++) {
        double all = expected[LEAD_BUCKETS][size] != 0 ? seen[LEAD_BUCKETS][size] / expected[LEAD_BUCKETS][size] : 1;
        double n = hours[LEAD_BUCKETS][size];
        all = (n * all + DISPERSION_PRIOR) / (n + DISPERSION_PRIOR);
        for (int lead = 0; lead < LEAD_BUCKETS; lead++) {
            n = hours[lead][size];
            double own = expected[lead][size] != 0 ? seen[lead][size] / expected[lead][size] : all;
            double factor = (n * own + DISPERSION_PRIOR * all) / (n + DISPERSION_PRIOR);
            model->dispersion[lead][size] = (float)fmin(fmax(factor, DISPERSION_FACTOR_MIN), DISPERSION_FACTOR_MAX);
        }
    }
}

/* Adds min(1, max(0, (level - low) / (high - low))) at all points of the map. */
static void add_transform(double low, double high, double sums[MAP_POINTS])
{
    for (int point = MAP_POINTS - 1; point >= 0; point--) {
        double level = (double)point / (MAP_POINTS - 1);
        if (level <= low)
            break;
        sums[point] += level >= high ? 1 : (level - low) / (high - low);
    }
}

/* Takes a part of the lean to one side out of a map: that the last weeks came out lower than expected says little of
 * the next one, that they came out farther off says much. */
static void straighten(float map[MAP_POINTS])
{
    for (int low = 0, high = MAP_POINTS - 1; low <= high; low++, high--) {
        double lean = ((double)map[low] - (1 - (double)map[high])) / 2 * LEAN_FORGOTTEN;
        map[low] = (float)((double)map[low] - lean);
        if (high > low)
            map[high] = (float)((double)map[high] - lean);
    }
}

static void fit_map(const Prospect *prospects, const float *demand, size_t count, QuantileModel *model)
{
    static const int parent = VOLUME_CLASSES;
    double sums[VOLUME_CLASSES + 1][MAP_BUCKETS][MAP_POINTS] = {0}, hours[VOLUME_CLASSES + 1][MAP_BUCKETS] = {0};
    for (size_t i = 0; i < count; i++) {
        const Prospect *p = &prospects[i];
        double dispersion = dispersion_of(model, p), y = (double)demand[i];
        double high = quantiles_cdf((double)p->expected, dispersion, is_count(p), y);
        double low = is_count(p) ? quantiles_cdf((double)p->expected, dispersion, true, y - 1) : high;
        int map = bucket(map_bounds, MAP_BUCKETS, (double)p->expected);
        add_transform(low, high, sums[p->volume_class][map]);
        add_transform(low, high, sums[parent][map]);
        hours[p->volume_class][map]++;
        hours[parent][map]++;
    }
    for (int map = 0; map < MAP_BUCKETS; map++) {
        for (int point = 0; point < MAP_POINTS; point++) {
            double level = (double)point / (MAP_POINTS - 1);
            double all = (sums[parent][map][point] + MAP_PRIOR * level) / (hours[parent][map] + MAP_PRIOR);
            for (int volume = 0; volume < VOLUME_CLASSES; volume++)
                model->map[volume][map][point] =
                    (float)((sums[volume][map][point] + MAP_PRIOR * all) / (hours[volume][map] + MAP_PRIOR));
        }
        for (int volume = 0; volume < VOLUME_CLASSES; volume++)
            straighten(model->map[volume][map]);
    }
}

void quantiles_fit(const Prospect *prospects, const float *demand, size_t count, QuantileModel *ret_model)
{
    quantiles_default(ret_model);
    fit_dispersion(prospects, demand, count, ret_model);
    fit_map(prospects, demand, count, ret_model);
}

/* The level at which past outcomes were at or below with the wanted frequency. */
static double correct(const float map[MAP_POINTS], double level)
{
    int above = 1;
    while (above < MAP_POINTS - 1 && (double)map[above] < level)
        above++;
    double low = (double)map[above - 1], high = (double)map[above];
    double share = high > low ? (level - low) / (high - low) : 0.5;
    return fmin(fmax((above - 1 + share) / (MAP_POINTS - 1), 1e-4), 1 - 1e-4);
}

void quantiles_at(const QuantileModel *model, const Prospect *prospect, const double *levels, size_t count,
                  double *ret_quantiles)
{
    double expected = fmax((double)prospect->expected, 1e-6), dispersion = dispersion_of(model, prospect);
    const float *map = model->map[prospect->volume_class][bucket(map_bounds, MAP_BUCKETS, (double)prospect->expected)];
    if (!is_count(prospect)) {
        for (size_t i = 0; i < count; i++) {
            double z = quantiles_normal(correct(map, levels[i]));
            double root = fmax(sqrt(expected) + z * root_deviation(expected, dispersion), 0);
            ret_quantiles[i] = root * root;
        }
        return;
    }
    dispersion = fmax(dispersion, 0);
    double p = count_first(expected, dispersion), sum = p, k = 0;
    for (size_t i = 0; i < count; i++) {
        double level = correct(map, levels[i]);
        while (sum < level && p > 0) {
            p = count_next(p, k++, expected, dispersion);
            sum += p;
        }
        ret_quantiles[i] = k;
    }
}
