#include "services/trainer/forecasting/panel.h"

#include <string.h>
#include "common/calendar.h"

enum { SUNDAY = 6 };

static void fill_days(LocalHour *at, const char *country, int32_t day)
{
    at->days_to = (uint8_t)calendar_days_to_holiday(country, day, HOLIDAY_DAYS_MAX);
    at->days_since = HOLIDAY_DAYS_MAX;
    for (int back = 0; back < HOLIDAY_DAYS_MAX; back++) {
        if (calendar_holiday(country, day - back)) {
            at->days_since = (uint8_t)back;
            break;
        }
    }
    at->holiday = at->days_to == 0;
}

static void clock_fill(LocalClock *clock)
{
    bool holidays = calendar_has_country(clock->country);
    int32_t day = INT32_MIN;
    LocalHour today = {.days_to = HOLIDAY_DAYS_MAX, .days_since = HOLIDAY_DAYS_MAX};
    for (size_t i = 0; i < clock->hours; i++) {
        Hour hour = clock->first + (Hour)i;
        LocalTime local = timezone_local(clock->zone, hour);
        if (holidays && local.day_number != day)
            fill_days(&today, clock->country, local.day_number);
        day = local.day_number;
        LocalHour *at = &clock->at[i];
        *at = today;
        at->hour = (uint8_t)local.hour;
        at->weekday = (uint8_t)local.weekday;
        at->hour_of_week = (uint8_t)(local.weekday * HOURS_PER_DAY + local.hour);
        at->profile_hour = (uint8_t)((today.holiday ? SUNDAY : local.weekday) * HOURS_PER_DAY + local.hour);
        at->offset_s = timezone_offset_s(clock->zone, hour);
    }
}

/* Whether zeros before it were written down or not, a series begins with its first order. One without any order by the
 * cutoff stays as it is. */
static DemandSeries from_first_order(const DemandSeries *series, Hour cutoff)
{
    for (size_t i = 0; i < series->hours && series->first_hour + (Hour)i <= cutoff; i++) {
        if (!(series->demand[i] > 0))
            continue;
        DemandSeries begun = *series;
        begun.first_hour += (Hour)i;
        begun.hours -= i;
        begun.demand += i;
        return begun;
    }
    return *series;
}

void panel_init(Panel *panel, const DemandHistory *history, Hour cutoff, size_t ahead, Arena *arena)
{
    DemandSeries *all = arena_array(arena, history->count + 1, sizeof *all);
    *panel = (Panel){.series = all, .count = history->count, .first = cutoff, .cutoff = cutoff};
    panel->clocks = arena_array(arena, history->count + 1, sizeof *panel->clocks);
    for (size_t i = 0; i < history->count; i++) {
        all[i] = from_first_order(&history->series[i], cutoff);
        if (all[i].hours > 0 && all[i].first_hour < panel->first)
            panel->first = all[i].first_hour;
    }
    for (size_t i = 0; i < history->count; i++) {
        const DemandSeries *series = &all[i];
        for (size_t j = i; j-- > 0 && !panel->clocks[i];) {
            const LocalClock *other = panel->clocks[j];
            if (other->zone == series->zone && strcmp(other->country, series->country) == 0)
                panel->clocks[i] = other;
        }
        if (panel->clocks[i])
            continue;
        LocalClock *clock = arena_alloc(arena, sizeof *clock);
        *clock = (LocalClock){.zone = series->zone, .country = series->country, .first = panel->first};
        clock->hours = (size_t)(cutoff - panel->first) + ahead + 1;
        clock->at = arena_array(arena, clock->hours, sizeof *clock->at);
        clock_fill(clock);
        panel->clocks[i] = clock;
    }
}
