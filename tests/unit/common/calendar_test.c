#include "common/calendar.h"

#include <criterion/criterion.h>
#include <string.h>
#include "common/holidays.h"

TestSuite(calendar);

Test(calendar, day_numbers_and_back)
{
    cr_assert_eq(calendar_day_number(1970, 1, 1), 0);
    cr_assert_eq(calendar_day_number(2000, 3, 1), 11017);
    cr_assert_eq(calendar_day_number(1969, 12, 31), -1);
    cr_assert_eq(calendar_weekday(0), 3);
    cr_assert_eq(calendar_weekday(-1), 2);
    cr_assert_eq(calendar_weekday(calendar_day_number(2026, 11, 23)), 0);
    int32_t expected = calendar_day_number(1890, 1, 1);
    for (int32_t day = expected; day < 90000; day++) {
        int year, month, day_of_month;
        calendar_date(day, &year, &month, &day_of_month);
        cr_assert_eq(calendar_day_number(year, month, day_of_month), day);
        cr_assert_eq(calendar_weekday(day + 1), (calendar_weekday(day) + 1) % 7);
    }
}

/* Dates as published by the governments. */
static const struct {
    char country[3];
    int year, month, day;
    bool holiday;
} published[] = {
    {"AR", 2014, 3, 3, true},   {"AR", 2020, 6, 15, true},   {"AR", 2020, 6, 17, false},  {"AR", 2020, 11, 23, true},
    {"AR", 2022, 6, 17, true},  {"AR", 2022, 12, 20, true},  {"AR", 2024, 10, 11, true},  {"AR", 2024, 10, 12, true},
    {"AR", 2011, 8, 22, true},  {"AR", 2015, 11, 23, false}, {"BR", 2023, 11, 20, false}, {"BR", 2024, 11, 20, true},
    {"BR", 2024, 3, 29, true},  {"CL", 2023, 10, 27, true},  {"CL", 2023, 10, 31, false}, {"CL", 2017, 1, 2, true},
    {"CL", 2024, 6, 20, true},  {"CL", 2024, 9, 20, true},   {"CL", 2021, 9, 17, true},   {"CL", 2018, 9, 17, true},
    {"UY", 2024, 4, 22, true},  {"UY", 2024, 4, 19, false},  {"UY", 2024, 4, 15, false},  {"UY", 2023, 4, 17, true},
    {"US", 2021, 12, 31, true}, {"US", 2014, 11, 27, true},  {"US", 2020, 7, 3, true},    {"US", 2020, 6, 19, false},
    {"US", 2026, 6, 19, true},  {"US", 2014, 5, 26, true},   {"GB", 2021, 12, 28, true},  {"GB", 2020, 5, 4, false},
    {"GB", 2022, 6, 3, true},   {"GB", 2022, 12, 27, true},  {"ES", 2025, 12, 6, true},   {"PT", 2014, 10, 5, false},
    {"PT", 2016, 5, 26, true},  {"DE", 2017, 10, 31, true},  {"DE", 2018, 10, 31, false}, {"FR", 2025, 6, 9, true},
    {"IT", 2026, 10, 4, true},  {"IT", 2025, 10, 4, false},  {"MX", 2025, 2, 3, true},    {"MX", 2024, 10, 1, true},
    {"DE", 2000, 4, 24, true},  {"DE", 2038, 4, 26, true},   {"DE", 2011, 4, 25, true},   {"FR", 2008, 5, 1, true},
};

Test(calendar, published_dates)
{
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
        const char *name = calendar_holiday(
            published[i].country, calendar_day_number(published[i].year, published[i].month, published[i].day));
        cr_assert_eq(name != NULL, published[i].holiday, "%s %d-%02d-%02d: %s", published[i].country, published[i].year,
                     published[i].month, published[i].day, name == NULL ? "none" : name);
    }
}

/* Counts a year catch a rule that is lost or doubled. */
Test(calendar, holidays_a_year)
{
    static const struct {
        char country[3];
        int year, count;
    } expected[] = {{"AR", 2025, 20}, {"BR", 2025, 10}, {"CL", 2025, 16}, {"DE", 2025, 9},
                    {"ES", 2025, 10}, {"FR", 2025, 11}, {"GB", 2025, 8},  {"IT", 2025, 12},
                    {"MX", 2025, 7},  {"PT", 2025, 13}, {"US", 2025, 11}, {"UY", 2024, 18}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        int count = 0;
        for (int32_t day = calendar_day_number(expected[i].year, 1, 1);
             day < calendar_day_number(expected[i].year + 1, 1, 1); day++)
            count += calendar_holiday(expected[i].country, day) != NULL;
        cr_assert_eq(count, expected[i].count, "%s: %d", expected[i].country, count);
    }
}

Test(calendar, every_rule_makes_a_holiday)
{
    for (size_t i = 0; i < holiday_countries_count; i++) {
        const HolidayCountry *country = &holiday_countries[i];
        cr_assert(calendar_has_country(country->country));
        for (size_t rule = 0; rule < country->count; rule++) {
            bool found = false;
            for (int32_t day = calendar_day_number(2000, 1, 1); day < calendar_day_number(2101, 1, 1) && !found;
                 day++) {
                const char *name = calendar_holiday(country->country, day);
                found = name != NULL && strcmp(name, country->rules[rule].name) == 0;
            }
            cr_assert(found, "%s: %s", country->country, country->rules[rule].name);
        }
    }
}

Test(calendar, days_to_holiday)
{
    int32_t christmas = calendar_day_number(2026, 12, 25);
    cr_assert_eq(calendar_days_to_holiday("US", christmas, 7), 0);
    cr_assert_eq(calendar_days_to_holiday("US", christmas - 3, 7), 3);
    cr_assert_eq(calendar_days_to_holiday("US", christmas - 20, 7), 7);
    cr_assert_eq(calendar_days_to_holiday("ZZ", christmas, 7), 7);
}

Test(calendar, unknown_countries_and_far_days_have_none)
{
    cr_assert_null(calendar_holiday("ZZ", calendar_day_number(2026, 12, 25)));
    cr_assert_not(calendar_has_country("ZZ"));
    cr_assert_not(calendar_has_country(""));
    cr_assert_null(calendar_holiday("US", calendar_day_number(1999, 12, 25)));
    cr_assert_null(calendar_holiday("US", calendar_day_number(2101, 12, 25)));
    cr_assert_null(calendar_holiday("US", INT32_MIN));
    cr_assert_null(calendar_holiday("US", INT32_MAX));
}
