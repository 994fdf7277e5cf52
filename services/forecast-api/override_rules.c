#include "services/forecast-api/override_rules.h"

#include <math.h>
#include <stdlib.h>

const char *const override_scope_names[] = {"geo", "children", NULL};
const char *const override_kind_names[] = {"factor", "absolute", NULL};

static void override_list_destroy(void *object)
{
    OverrideList *list = object;
    arena_free(list->arena);
    free(list);
}

OverrideList *override_list_new(size_t count)
{
    OverrideList *list = calloc(1, sizeof *list);
    if (list == NULL)
        abort();
    shared_init(&list->shared, override_list_destroy);
    list->arena = arena_new();
    list->items = arena_array(list->arena, count + 1, sizeof *list->items);
    return list;
}

void override_list_add(OverrideList *list, const Override *item)
{
    Override *copy = &list->items[list->count++];
    *copy = *item;
    list->in_force += item->in_force ? 1 : 0;
    copy->id = arena_strdup(list->arena, item->id);
    copy->geo = arena_strdup(list->arena, item->geo);
}

bool override_covers(const Override *override, Vertical vertical, Hour hour)
{
    bool any_vertical = override->vertical == VERTICAL_ALL && override->kind == OVERRIDE_FACTOR;
    return override->in_force && hour >= override->from && hour < override->to &&
           (any_vertical || override->vertical == vertical);
}

static double rounded(double value)
{
    return round(value * 1e4) / 1e4;
}

DemandEstimate override_apply(const Override *override, const DemandEstimate *demand)
{
    double factor = override->value;
    if (override->kind == OVERRIDE_ABSOLUTE) {
        if (demand->mean <= 0)
            return (DemandEstimate){override->value, override->value, override->value, override->value};
        factor = override->value / demand->mean;
    }
    return (DemandEstimate){rounded(demand->mean * factor), rounded(demand->p10 * factor),
                            rounded(demand->p50 * factor), rounded(demand->p90 * factor)};
}
