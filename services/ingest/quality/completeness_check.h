/* Looks for hours without enough orders and keeps what it finds in quality.gap. */
#pragma once

#include "common/pg.h"

enum {
    COMPLETENESS_WINDOW_HOURS = 35 * HOURS_PER_DAY, /* older gaps stay as they were found */
    COMPLETENESS_GAPS_MAX = 1000,                   /* of one city */
};

/* Looks at `all` and each city, from the hour on (HOUR_NONE: the window) up to the last complete one, and notes which
 * gaps are there and which are no more. In a transaction of its own. */
bool completeness_check(PgConnection *connection, Hour from, Error *err) MUST_CHECK;
