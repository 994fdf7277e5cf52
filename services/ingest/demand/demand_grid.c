#include "services/ingest/demand/demand_grid.h"

/* Emits the next hour. */
static void emit(DemandGrid *grid, int64_t count)
{
    grid->emit(grid->context, &grid->geos[grid->geo_at], grid->hour_at, count);
    if (++grid->hour_at == grid->to) {
        grid->hour_at = grid->from;
        grid->geo_at++;
    }
}

static bool is_ahead(const DemandGrid *grid, int32_t geo_id)
{
    for (size_t i = grid->geo_at; i < grid->geos_count; i++) {
        if (grid->geos[i].geo_id == geo_id)
            return true;
    }
    return false;
}

void demand_grid_put(DemandGrid *grid, int32_t geo_id, Hour hour, int64_t count)
{
    bool here = grid->geo_at < grid->geos_count && grid->geos[grid->geo_at].geo_id == geo_id;
    if (hour < grid->from || hour >= grid->to || (!here && !is_ahead(grid, geo_id)))
        return;
    while (grid->geos[grid->geo_at].geo_id != geo_id || grid->hour_at < hour)
        emit(grid, 0);
    emit(grid, count);
}

void demand_grid_end(DemandGrid *grid)
{
    if (grid->from >= grid->to)
        return;
    while (grid->geo_at < grid->geos_count)
        emit(grid, 0);
}
