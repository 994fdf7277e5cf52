#include "services/trainer/forecasting/dataset.h"

#include <stdlib.h>
#include <string.h>

/* Origins lie a prime number of hours apart, so that all hours of the day and days of the week are met. */
enum { ORIGIN_STEP_HOURS = 29, ORIGIN_NEWEST_HOURS = 24, ORIGINS_MAX = 96, ORIGIN_HISTORY_HOURS = 2 * HOURS_PER_WEEK };

/* Variance of an hour = expected + OVERDISPERSION * expected^2: busy hours tell less than Poisson counts would. */
static const double OVERDISPERSION = 0.005;

static uint64_t mix(uint64_t x)
{
    /* splitmix64 (Vigna) */
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static uint64_t hash_geo(const char *geo, uint64_t seed)
{
    uint64_t hash = seed;
    for (; *geo; geo++)
        hash = mix(hash ^ (unsigned char)*geo);
    return hash;
}

static int origins_of(const Panel *panel, Hour end)
{
    Hour oldest = panel->first + ORIGIN_HISTORY_HOURS;
    Hour newest = end - ORIGIN_NEWEST_HOURS;
    if (newest < oldest)
        return 0;
    int origins = (newest - oldest) / ORIGIN_STEP_HOURS + 1;
    return origins < ORIGINS_MAX ? origins : ORIGINS_MAX;
}

static void *grow(void *old, size_t count, size_t size)
{
    void *grown = reallocarray(old, count, size);
    if (!grown)
        abort();
    return grown;
}

static void add_origin(const FeatureSet *set, Hour end, double keep, const uint64_t *hashes, size_t capacity,
                       Dataset *dataset)
{
    const Panel *panel = set->panel;
    Hour origin = set->baselines.origin;
    for (size_t i = 0; i < panel->count; i++) {
        if (!set->baselines.series[i].known)
            continue;
        for (Hour hour = origin + 1; hour <= end && hour <= origin + DATASET_LEAD_MAX; hour++) {
            double draw = (double)(mix(hashes[i] ^ mix(((uint64_t)origin << 16) + (uint64_t)(hour - origin))) >> 11);
            float demand = series_at(&panel->series[i], hour);
            if (draw * 0x1p-53 >= keep || isnan(demand) || dataset->rows == capacity)
                continue;
            size_t row = dataset->rows++;
            dataset->demand[row] = demand;
            double baseline = features_row(set, i, hour, dataset->features + row * FEATURES);
            dataset->offset[row] = (float)log(baseline);
            dataset->weight[row] = (float)(1 / (1 + OVERDISPERSION * baseline));
        }
    }
}

void dataset_build(const Panel *panel, Hour end, uint64_t seed, Dataset *ret_dataset)
{
    *ret_dataset = (Dataset){0};
    int origins = origins_of(panel, end);
    size_t candidates = (size_t)origins * panel->count * DATASET_LEAD_MAX;
    double keep = candidates > DATASET_ROWS_MAX ? (double)DATASET_ROWS_MAX / (double)candidates : 1;
    size_t capacity = (size_t)((double)candidates * keep * 1.02) + 64;
    Arena *arena ARENA_SCOPED = arena_new();
    Arena *origin_arena ARENA_SCOPED = arena_new();
    uint64_t *hashes = arena_array(arena, panel->count ? panel->count : 1, sizeof *hashes);
    for (size_t i = 0; i < panel->count; i++)
        hashes[i] = hash_geo(panel->series[i].geo, seed);
    ret_dataset->features = grow(NULL, capacity * FEATURES, sizeof(float));
    ret_dataset->demand = grow(NULL, capacity, sizeof(float));
    ret_dataset->offset = grow(NULL, capacity, sizeof(float));
    ret_dataset->weight = grow(NULL, capacity, sizeof(float));
    for (int k = 0; k < origins; k++) {
        FeatureSet set;
        features_prepare(panel, end - ORIGIN_NEWEST_HOURS - k * ORIGIN_STEP_HOURS, origin_arena, &set);
        add_origin(&set, end, keep, hashes, capacity, ret_dataset);
        arena_reset(origin_arena);
    }
}

void dataset_fini(Dataset *dataset)
{
    free(dataset->features);
    free(dataset->demand);
    free(dataset->offset);
    free(dataset->weight);
    *dataset = (Dataset){0};
}
