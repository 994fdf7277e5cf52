/* Whether a source is current. Pure. */
#pragma once

#include "common/hour.h"

typedef enum Freshness { FRESHNESS_OK, FRESHNESS_LATE, FRESHNESS_UNKNOWN } Freshness;

/* `heard_at` is when it was last known to be current, INSTANT_NONE: never. UNKNOWN then, and while `now` is not known.
 */
Freshness freshness_of(Instant heard_at, Instant now, int64_t limit_s);
/* Static. */
const char *freshness_name(Freshness freshness);
