/* What time it is: the wall clock, or what RUSHCAST_NOW says (an instant, or `data`: the ingest watermark). */
#pragma once

#include "common/hour.h"

/* `now` is RUSHCAST_NOW: empty, an instant (stands still), or "data". */
bool clock_init(const char *now, Error *err) MUST_CHECK;
/* True when RUSHCAST_NOW is `data`: the service then reports the watermark with clock_set_watermark(). */
bool clock_follows_data(void);
void clock_set_watermark(Instant watermark); /* never moves backwards */
/* Now. With `data` and no watermark yet: INSTANT_NONE. */
Instant clock_now(void);
/* The wall clock whatever RUSHCAST_NOW says: for log lines and recorded times. */
Instant clock_wall(void);
/* Monotonic milliseconds: for deadlines and durations. */
int64_t clock_monotonic_ms(void);
double clock_monotonic_s(void);
