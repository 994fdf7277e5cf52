#include "common/hour.h"

#include <stdio.h>
#include <string.h>
#include "common/calendar.h"

enum {
    YEAR_MIN = 1970,
    YEAR_MAX = 2200,
    DATE_LENGTH = 10, /* 2026-11-23 */
    TEXT_SHOWN_MAX = 60,
};
static const Instant instant_end = INT64_C(7289654400) * INSTANT_PER_SECOND; /* of YEAR_MAX */

Hour hour_of(Instant instant)
{
    Instant hour = instant / INSTANT_PER_HOUR;
    return (Hour)(hour - (instant % INSTANT_PER_HOUR < 0));
}

Instant hour_start(Hour hour)
{
    return hour * INSTANT_PER_HOUR;
}

/* The number in `count` digits at `text`, or -1. */
static int digits(const char *text, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

static bool parse_date(const char *text, int32_t *ret_day)
{
    static const signed char days_in_month[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = digits(text, 4), month = digits(text + 5, 2), day = digits(text + 8, 2);
    if (text[4] != '-' || text[7] != '-' || year < YEAR_MIN || year > YEAR_MAX || month < 1 || month > 12 || day < 1)
        return false;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day > days_in_month[month - 1] + (month == 2 && leap))
        return false;
    *ret_day = calendar_day_number(year, month, day);
    return true;
}

/* Microseconds of the day from "HH:MM:SS[.fraction]"; *ret_used is how many characters that took. */
static bool parse_time(const char *text, size_t length, Instant *ret_time, size_t *ret_used)
{
    if (length < 8 || text[2] != ':' || text[5] != ':')
        return false;
    int hour = digits(text, 2), minute = digits(text + 3, 2), second = digits(text + 6, 2);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return false;
    if (second == 60)
        second = 59;
    Instant fraction = 0;
    size_t used = 8;
    if (used < length && text[used] == '.') {
        size_t first = ++used;
        for (Instant unit = INSTANT_PER_SECOND / 10; used < length && digits(text + used, 1) >= 0; used++, unit /= 10)
            fraction += digits(text + used, 1) * unit;
        if (used == first || used - first > 9)
            return false;
    }
    *ret_time = ((hour * 60 + minute) * 60 + second) * INSTANT_PER_SECOND + fraction;
    *ret_used = used;
    return true;
}

/* "Z" or "+HH:MM" up to the end of the text. */
static bool parse_offset(const char *text, size_t length, int *ret_offset_s)
{
    if (length == 1 && (text[0] == 'Z' || text[0] == 'z')) {
        *ret_offset_s = 0;
        return true;
    }
    if (length != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':')
        return false;
    int hours = digits(text + 1, 2), minutes = digits(text + 4, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return false;
    *ret_offset_s = (hours * 60 + minutes) * 60 * (text[0] == '-' ? -1 : 1);
    return true;
}

static bool fail_instant(const char *text, size_t length, Error *err)
{
    return error_set(err, ERROR_INVALID_ARGUMENT,
                     "'%.*s' is not an RFC 3339 time of the years %d to %d such as 2026-11-23T16:00:00Z",
                     (int)(length < TEXT_SHOWN_MAX ? length : TEXT_SHOWN_MAX), text, YEAR_MIN, YEAR_MAX);
}

bool instant_parse_n(const char *text, size_t length, Instant *ret_instant, Error *err)
{
    int32_t day;
    Instant time;
    size_t used;
    int offset_s;
    bool separated =
        length > DATE_LENGTH && (text[DATE_LENGTH] == 'T' || text[DATE_LENGTH] == 't' || text[DATE_LENGTH] == ' ');
    if (!separated || !parse_date(text, &day) ||
        !parse_time(text + DATE_LENGTH + 1, length - DATE_LENGTH - 1, &time, &used) ||
        !parse_offset(text + DATE_LENGTH + 1 + used, length - DATE_LENGTH - 1 - used, &offset_s))
        return fail_instant(text, length, err);
    Instant instant = (day * INT64_C(86400) - offset_s) * INSTANT_PER_SECOND + time;
    if (instant < 0 || instant >= instant_end)
        return fail_instant(text, length, err);
    *ret_instant = instant;
    return true;
}

bool instant_parse(const char *text, Instant *ret_instant, Error *err)
{
    return instant_parse_n(text, strlen(text), ret_instant, err);
}

bool hour_parse(const char *text, Hour *ret_hour, Error *err)
{
    int32_t day;
    if (strlen(text) == DATE_LENGTH && parse_date(text, &day)) {
        *ret_hour = day * HOURS_PER_DAY;
        return true;
    }
    Instant instant;
    if (!instant_parse(text, &instant, err))
        return false;
    if (instant % INSTANT_PER_HOUR != 0)
        return error_set(err, ERROR_INVALID_ARGUMENT, "'%s' is not a whole hour", text);
    *ret_hour = hour_of(instant);
    return true;
}

/* "2026-11-23T16:00:00" of seconds since the epoch. */
static size_t format_seconds(int64_t seconds, char out[INSTANT_TEXT_MAX])
{
    int64_t day = seconds / 86400 - (seconds % 86400 < 0);
    int of_day = (int)(seconds - day * 86400);
    int year, month, day_of_month;
    calendar_date((int32_t)day, &year, &month, &day_of_month);
    return (size_t)snprintf(out, INSTANT_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d", year, month, day_of_month,
                            of_day / 3600, of_day / 60 % 60, of_day % 60);
}

size_t instant_format(Instant instant, char out[INSTANT_TEXT_MAX])
{
    int64_t seconds = instant / INSTANT_PER_SECOND;
    int fraction = (int)(instant % INSTANT_PER_SECOND);
    if (fraction < 0) {
        seconds--;
        fraction += (int)INSTANT_PER_SECOND;
    }
    size_t length = format_seconds(seconds, out);
    if (fraction != 0) {
        length += (size_t)snprintf(out + length, INSTANT_TEXT_MAX - length, ".%06d", fraction);
        while (out[length - 1] == '0')
            length--;
    }
    out[length++] = 'Z';
    out[length] = '\0';
    return length;
}

size_t hour_format(Hour hour, char out[INSTANT_TEXT_MAX])
{
    return instant_format(hour_start(hour), out);
}

size_t hour_format_offset(Hour hour, int offset_s, char out[INSTANT_TEXT_MAX])
{
    size_t length = format_seconds(hour * INT64_C(3600) + offset_s, out);
    int minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;
    return length + (size_t)snprintf(out + length, INSTANT_TEXT_MAX - length, "%c%02d:%02d", offset_s < 0 ? '-' : '+',
                                     minutes / 60, minutes % 60);
}
