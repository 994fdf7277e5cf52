/* The rules behind calendar.h: one row a holiday, so that a new country is a table. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef enum HolidayKind {
    HOLIDAY_FIXED,   /* `month`, `day` */
    HOLIDAY_EASTER,  /* `day` days after Easter Sunday */
    HOLIDAY_WEEKDAY, /* the `nth` (-1: last) `weekday` of `month` */
} HolidayKind;

/* Where a holiday goes that falls on a given weekday. */
typedef enum HolidayMove {
    MOVE_NONE,
    MOVE_NEAR_MONDAY,            /* Tue, Wed to the Monday before; Thu, Fri to the Monday after */
    MOVE_NEAR_MONDAY_BUT_FRIDAY, /* likewise, but Friday stays */
    MOVE_NEAR_MONDAY_CHILE,      /* Tue..Thu to the Monday before; Fri to the Monday after */
    MOVE_NEAR_FRIDAY,            /* Tue to the Friday before, Wed to the Friday after */
    MOVE_ONLY_WEEKEND_BOTH,      /* a day off instead: of Sat the Friday before, of Sun the Monday after */
    MOVE_ONLY_WEEKEND_MONDAY,    /* a day off instead, the Monday after */
    MOVE_ONLY_WEEKEND_TWO,       /* a day off instead, two days later */
    MOVE_ONLY_SUNDAY_MONDAY,     /* of Sun the Monday after */
    MOVE_ONLY_BRIDGE_BEFORE,     /* the day before when that is a Monday */
    MOVE_ONLY_FRIDAY_BEFORE,     /* the day before when that is a Friday */
    MOVE_ONLY_BRIDGE_AFTER,      /* the day after when that is a Friday */
} HolidayMove;

typedef struct HolidayRule {
    const char *name; /* in the country's language; of two on one day the first row's is used */
    HolidayKind kind;
    signed char month, weekday, nth; /* weekday: 0 = Monday */
    short day;
    HolidayMove move;
    short first_year, last_year; /* in force; 0: no bound */
} HolidayRule;

typedef struct HolidayCountry {
    const char *country; /* ISO 3166 alpha-2 */
    const HolidayRule *rules;
    size_t count;
} HolidayCountry;

extern const HolidayCountry holiday_countries[];
extern const size_t holiday_countries_count;

/* Days that a holiday on `weekday` is moved by; false: no holiday comes of it. */
bool holiday_move(HolidayMove move, int weekday, int *ret_days);
