/* Hours in which the whole history fell silent against its own expectation: requests could not be made, so such hours
 * are unknown, not zero. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* `totals`: demand of all series together, hour by hour, NAN unknown. Marks every hour of a silent stretch in which
 * at least OUTAGE_ORDERS_MIN orders were to be expected from the same hours of the weeks around it. Returns how many
 * hours are marked. */
size_t outage_find(const double *totals, size_t hours, bool *ret_silent);

enum { OUTAGE_ORDERS_MIN = 30 };
