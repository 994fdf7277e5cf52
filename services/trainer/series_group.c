#include "services/trainer/series_group.h"

#include <stddef.h>

static const struct {
    const char *name, *vertical;
} groups[SERIES_GROUPS] = {
    [SERIES_TOTAL] = {"total", NULL},
    [SERIES_PARENTS] = {"parents", NULL},
    [SERIES_RESTAURANT] = {"restaurant", "restaurant"},
    [SERIES_GOODS] = {"goods", "goods"},
};

const char *series_group_name(SeriesGroup group)
{
    return groups[group].name;
}

const char *series_group_vertical(SeriesGroup group)
{
    return groups[group].vertical;
}
