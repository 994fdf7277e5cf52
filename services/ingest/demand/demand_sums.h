/* Orders of one batch summed per geo, hour and vertical before they go to the database. Pure. */
#pragma once

#include <stddef.h>
#include "common/hour.h"
#include "services/ingest/orders/order.h"

typedef struct DemandSum {
    int32_t geo_id;
    Hour hour;
    OrderVertical vertical;
    int64_t orders;
} DemandSum;

typedef struct DemandSums DemandSums;

DemandSums *demand_sums_new(void);
void demand_sums_free(DemandSums *sums); /* accepts NULL */
void demand_sums_clear(DemandSums *sums);
void demand_sums_add(DemandSums *sums, int32_t geo_id, Hour hour, OrderVertical vertical, int64_t orders);
/* All sums ordered by geo, hour, vertical; valid until the next add. */
const DemandSum *demand_sums_sorted(DemandSums *sums, size_t *ret_count);
