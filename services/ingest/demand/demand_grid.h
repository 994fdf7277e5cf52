/* Completes sparse hourly counts: every geo and every hour of a span, zeros said. Pure. */
#pragma once

#include <stddef.h>
#include "common/hour.h"

typedef struct DemandGeo {
    int32_t geo_id;
    const char *geo;
} DemandGeo;

typedef struct DemandGrid {
    const DemandGeo *geos;
    size_t geos_count;
    Hour from, to; /* [from, to) */
    void (*emit)(void *context, const DemandGeo *geo, Hour hour, int64_t count);
    void *context;
    size_t geo_at; /* what comes next; 0 and `from` at first */
    Hour hour_at;
} DemandGrid;

/* A count that is not 0. They come in the order of `geos`, then hours; those of unknown geos are ignored. */
void demand_grid_put(DemandGrid *grid, int32_t geo_id, Hour hour, int64_t count);
/* The rest, all zeros. */
void demand_grid_end(DemandGrid *grid);
