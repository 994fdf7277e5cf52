/* Instants and hours in UTC. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "common/error.h"

typedef int64_t Instant; /* microseconds since 1970-01-01T00:00:00Z */
typedef int32_t Hour;    /* hours since 1970-01-01T00:00Z; names the hour that starts there */

#define INSTANT_PER_SECOND INT64_C(1000000)
#define INSTANT_PER_HOUR (INT64_C(3600) * INSTANT_PER_SECOND)
#define HOURS_PER_DAY 24
#define HOURS_PER_WEEK 168
#define HOUR_NONE INT32_MIN
#define INSTANT_NONE INT64_MIN

enum { INSTANT_TEXT_MAX = 40 };

/* Start of the hour; floor for instants before 1970 too. */
Hour hour_of(Instant instant);
Instant hour_start(Hour hour);

/* RFC 3339 with any offset, `T` or space between, up to nine fraction digits (digits beyond the microsecond are cut
 * off), leap second 60 read as 59. Years 1970..2200, in UTC too. */
bool instant_parse(const char *text, Instant *ret_instant, Error *err) MUST_CHECK;
bool instant_parse_n(const char *text, size_t length, Instant *ret_instant, Error *err) MUST_CHECK;
/* As instant_parse; the instant must be a whole hour. A bare date is its midnight. */
bool hour_parse(const char *text, Hour *ret_hour, Error *err) MUST_CHECK;

/* "2026-11-23T16:00:00Z", with fraction digits only when they are not zero. Returns the length. */
size_t instant_format(Instant instant, char out[INSTANT_TEXT_MAX]);
size_t hour_format(Hour hour, char out[INSTANT_TEXT_MAX]);
/* "2026-11-23T13:00:00-03:00" */
size_t hour_format_offset(Hour hour, int offset_s, char out[INSTANT_TEXT_MAX]);
