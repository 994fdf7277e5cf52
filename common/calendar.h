/* Public holidays, computed from each country's rules (holidays.c: the law or decree is named beside the rule), over
 * 2000..2100; rules are kept right from 2010 on. Pure. */
#pragma once

#include <stdint.h>
#include "common/error.h"

/* Name of the public holiday on that local day, or NULL. `country` is ISO 3166 alpha-2; unknown countries have none.
 * `day_number`: days since 1970-01-01. */
const char *calendar_holiday(const char *country, int32_t day_number);
/* Days to the next holiday (0: today), at most `limit`. */
int calendar_days_to_holiday(const char *country, int32_t day_number, int limit);
bool calendar_has_country(const char *country);
/* Days since 1970-01-01 of a Gregorian date, and back (Hinnant, "chrono-compatible low-level date algorithms"). */
int32_t calendar_day_number(int year, int month, int day);
void calendar_date(int32_t day_number, int *ret_year, int *ret_month, int *ret_day);
/* 0 = Monday. */
int calendar_weekday(int32_t day_number);
