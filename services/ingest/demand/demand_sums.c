#include "services/ingest/demand/demand_sums.h"

#include <stdlib.h>
#include <string.h>

/* `items` holds the sums in order of arrival; `slots` finds them: 1 + index, 0 is empty, half full at most. */
struct DemandSums {
    DemandSum *items;
    size_t count;
    uint32_t *slots;
    size_t slots_count;
    bool sorted;
};

enum { SLOTS_AT_FIRST = 1024 };

static void allocate(DemandSums *sums, size_t slots_count)
{
    sums->slots_count = slots_count;
    sums->slots = calloc(slots_count, sizeof *sums->slots);
    sums->items = realloc(sums->items, slots_count / 2 * sizeof *sums->items);
    if (!sums->slots || !sums->items)
        abort();
}

DemandSums *demand_sums_new(void)
{
    DemandSums *sums = calloc(1, sizeof *sums);
    if (!sums)
        abort();
    allocate(sums, SLOTS_AT_FIRST);
    return sums;
}

void demand_sums_free(DemandSums *sums)
{
    if (!sums)
        return;
    free(sums->items);
    free(sums->slots);
    free(sums);
}

void demand_sums_clear(DemandSums *sums)
{
    sums->count = 0;
    sums->sorted = false;
    memset(sums->slots, 0, sums->slots_count * sizeof *sums->slots);
}

static bool same_key(const DemandSum *a, const DemandSum *b)
{
    return a->geo_id == b->geo_id && a->hour == b->hour && a->vertical == b->vertical;
}

static uint32_t *find_slot(DemandSums *sums, const DemandSum *key)
{
    uint64_t hash = ((uint64_t)(uint32_t)key->geo_id << 32 | (uint32_t)key->hour) * 4 + key->vertical;
    hash *= 0x9e3779b97f4a7c15ULL;
    size_t at = (hash >> 32) & (sums->slots_count - 1);
    while (sums->slots[at] && !same_key(&sums->items[sums->slots[at] - 1], key))
        at = (at + 1) & (sums->slots_count - 1);
    return &sums->slots[at];
}

static void index_all(DemandSums *sums)
{
    for (size_t i = 0; i < sums->count; i++)
        *find_slot(sums, &sums->items[i]) = (uint32_t)(i + 1);
}

void demand_sums_add(DemandSums *sums, int32_t geo_id, Hour hour, OrderVertical vertical, int64_t orders)
{
    if (sums->sorted) { /* sorting moved the items */
        memset(sums->slots, 0, sums->slots_count * sizeof *sums->slots);
        index_all(sums);
        sums->sorted = false;
    }
    DemandSum key = {.geo_id = geo_id, .hour = hour, .vertical = vertical, .orders = orders};
    uint32_t *slot = find_slot(sums, &key);
    if (*slot) {
        sums->items[*slot - 1].orders += orders;
        return;
    }
    sums->items[sums->count++] = key;
    *slot = (uint32_t)sums->count;
    if (sums->count == sums->slots_count / 2) {
        free(sums->slots);
        allocate(sums, sums->slots_count * 2);
        index_all(sums);
    }
}

static int compare_sums(const void *left, const void *right)
{
    const DemandSum *a = left, *b = right;
    if (a->geo_id != b->geo_id)
        return a->geo_id < b->geo_id ? -1 : 1;
    if (a->hour != b->hour)
        return a->hour < b->hour ? -1 : 1;
    return (a->vertical > b->vertical) - (a->vertical < b->vertical);
}

const DemandSum *demand_sums_sorted(DemandSums *sums, size_t *ret_count)
{
    qsort(sums->items, sums->count, sizeof *sums->items, compare_sums);
    sums->sorted = true;
    *ret_count = sums->count;
    return sums->items;
}
