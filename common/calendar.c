#include "common/calendar.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>
#include "common/holidays.h"

enum {
    FIRST_YEAR = 2000,
    LAST_YEAR = 2100,
    FIRST_DAY = 10957, /* 2000-01-01 */
    DAYS = 36890,      /* to the end of 2100 */
    COUNTRIES_MAX = 32,
    RULES_MAX = 255,
};

/* Number of the rule that makes the day a holiday, plus one; 0: none. Filled once for all countries. */
static uint8_t holiday_rule[COUNTRIES_MAX][DAYS];
static pthread_once_t holidays_once = PTHREAD_ONCE_INIT;

int32_t calendar_day_number(int year, int month, int day)
{
    year -= month <= 2;
    int era = (year >= 0 ? year : year - 399) / 400;
    int year_of_era = year - era * 400;
    int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void calendar_date(int32_t day_number, int *ret_year, int *ret_month, int *ret_day)
{
    int shifted = day_number + 719468; /* days since 0000-03-01 */
    int era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int day_of_era = shifted - era * 146097;
    int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month_from_march = (5 * day_of_year + 2) / 153;
    *ret_month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    *ret_day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    *ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

int calendar_weekday(int32_t day_number)
{
    return (int)(((int64_t)day_number + 3 + INT64_C(7) * 400000000) % 7); /* 1970-01-01 was a Thursday */
}

/* Easter Sunday: Meeus, Astronomical Algorithms, chapter 8 (Jones, General Astronomy, 1922). */
static int32_t easter(int year)
{
    int a = year % 19, b = year / 100, c = year % 100;
    int h = (19 * a + b - b / 4 - (b - (b + 8) / 25 + 1) / 3 + 15) % 30;
    int l = (32 + 2 * (b % 4) + 2 * (c / 4) - h - c % 4) % 7;
    int m = (a + 11 * h + 22 * l) / 451;
    int n = h + l - 7 * m + 114;
    return calendar_day_number(year, n / 31, n % 31 + 1);
}

/* Day number before any move. */
static int32_t rule_day(const HolidayRule *rule, int year)
{
    switch (rule->kind) {
    case HOLIDAY_EASTER:
        return easter(year) + rule->day;
    case HOLIDAY_WEEKDAY: {
        if (rule->nth < 0) {
            int32_t last = calendar_day_number(rule->month == 12 ? year + 1 : year, rule->month % 12 + 1, 1) - 1;
            return last - (calendar_weekday(last) - rule->weekday + 7) % 7;
        }
        int32_t first = calendar_day_number(year, rule->month, 1);
        return first + (rule->weekday - calendar_weekday(first) + 7) % 7 + (rule->nth - 1) * 7;
    }
    case HOLIDAY_FIXED:
        break;
    }
    return calendar_day_number(year, rule->month, rule->day);
}

static void fill_rule(uint8_t days[DAYS], const HolidayRule *rule, uint8_t number)
{
    for (int year = FIRST_YEAR; year <= LAST_YEAR; year++) {
        if ((rule->first_year != 0 && year < rule->first_year) || (rule->last_year != 0 && year > rule->last_year))
            continue;
        int32_t day = rule_day(rule, year);
        int moved_by;
        if (!holiday_move(rule->move, calendar_weekday(day), &moved_by))
            continue;
        int index = day + moved_by - FIRST_DAY;
        if (index >= 0 && index < DAYS && days[index] == 0)
            days[index] = number;
    }
}

static void fill_all(void)
{
    for (size_t i = 0; i < holiday_countries_count; i++) {
        const HolidayCountry *country = &holiday_countries[i];
        assert(i < COUNTRIES_MAX && country->count <= RULES_MAX);
        for (size_t rule = 0; rule < country->count; rule++)
            fill_rule(holiday_rule[i], &country->rules[rule], (uint8_t)(rule + 1));
    }
}

static const HolidayCountry *country_find(const char *country)
{
    for (size_t i = 0; i < holiday_countries_count; i++)
        if (strcmp(holiday_countries[i].country, country) == 0)
            return &holiday_countries[i];
    return NULL;
}

const char *calendar_holiday(const char *country, int32_t day_number)
{
    const HolidayCountry *found = country_find(country);
    if (found == NULL || day_number < FIRST_DAY || day_number >= FIRST_DAY + DAYS)
        return NULL;
    pthread_once(&holidays_once, fill_all);
    uint8_t rule = holiday_rule[found - holiday_countries][day_number - FIRST_DAY];
    return rule == 0 ? NULL : found->rules[rule - 1].name;
}

int calendar_days_to_holiday(const char *country, int32_t day_number, int limit)
{
    for (int days = 0; days < limit; days++)
        if (calendar_holiday(country, day_number + days) != NULL)
            return days;
    return limit;
}

bool calendar_has_country(const char *country)
{
    return country_find(country) != NULL;
}
