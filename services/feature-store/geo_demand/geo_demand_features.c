#include "services/feature-store/geo_demand/geo_demand_features.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { WEEK_HOURS = 168 };

/* A sum over the last `hours` counts, kept up to date as an index moves over them. */
typedef struct Window {
    size_t hours, delay; /* the window ends `delay` hours before the index */
    int32_t sum;
} Window;

static void window_move(Window *window, const GeoDemandCounts *counts, size_t index)
{
    if (index >= window->delay)
        window->sum += counts[index - window->delay].orders;
    if (index >= window->delay + window->hours)
        window->sum -= counts[index - window->delay - window->hours].orders;
}

static int32_t same_hour(const GeoDemandCounts *counts, size_t index, size_t weeks)
{
    size_t back_hours = weeks * WEEK_HOURS - 1;
    return index >= back_hours ? counts[index - back_hours].orders : GEO_DEMAND_NULL;
}

void geo_demand_compute(const GeoDemandCounts *counts, size_t lead_hours, size_t count, GeoDemandFeatures *ret_features)
{
    assert(lead_hours <= count);
    Window hours_3 = {.hours = 3}, hours_24 = {.hours = 24}, week = {.hours = WEEK_HOURS};
    Window week_before = {.hours = WEEK_HOURS, .delay = WEEK_HOURS};
    size_t idle_hours = 0;
    for (size_t i = 0; i < count; i++) {
        idle_hours = counts[i].orders > 0 ? 0 : idle_hours + 1;
        window_move(&hours_3, counts, i);
        window_move(&hours_24, counts, i);
        window_move(&week, counts, i);
        window_move(&week_before, counts, i);
        if (i < lead_hours)
            continue;
        GeoDemandFeatures *out = &ret_features[i - lead_hours];
        out->orders = counts[i].orders;
        out->restaurant = counts[i].restaurant;
        out->goods = counts[i].goods;
        out->orders_3h = hours_3.sum;
        out->orders_24h = hours_24.sum;
        out->orders_168h = week.sum;
        for (size_t weeks = 1; weeks <= GEO_DEMAND_SAME_HOURS; weeks++)
            out->same_hour[weeks - 1] = same_hour(counts, i, weeks);
        out->trend = week_before.sum > 0 ? (double)week.sum / week_before.sum : NAN;
        out->idle = idle_hours > GEO_DEMAND_LOOKBACK_HOURS;
    }
}

bool geo_demand_equal(const GeoDemandFeatures *a, const GeoDemandFeatures *b)
{
    bool same_trend = isnan(a->trend) ? isnan(b->trend) : a->trend == b->trend;
    return same_trend && a->orders == b->orders && a->restaurant == b->restaurant && a->goods == b->goods &&
           a->orders_3h == b->orders_3h && a->orders_24h == b->orders_24h && a->orders_168h == b->orders_168h &&
           memcmp(a->same_hour, b->same_hour, sizeof(a->same_hour)) == 0;
}
