#include "services/ingest/entities/entity_value.h"

#include <ctype.h>
#include <errno.h>
#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yyjson.h>

enum {
    DECIMAL_DIGITS_MAX = 1000, /* and of its exponent's absolute value */
    OFFSET_HOURS_MAX = 15,
};

static size_t count_digits(const char *text)
{
    return strspn(text, "0123456789");
}

static bool is_integer(const char *text)
{
    const char *digits = text + (text[0] == '-' || text[0] == '+');
    size_t count = count_digits(digits);
    if (count == 0 || digits[count] != '\0')
        return false;
    errno = 0;
    (void)strtoll(text, NULL, 10);
    return errno == 0;
}

/* Digits with a point and an exponent, both optional; no NaN, no infinity. */
static bool is_decimal(const char *text)
{
    text += text[0] == '-' || text[0] == '+';
    size_t whole = count_digits(text), fraction = 0;
    text += whole;
    if (*text == '.') {
        fraction = count_digits(++text);
        text += fraction;
    }
    if (whole + fraction == 0 || whole + fraction > DECIMAL_DIGITS_MAX)
        return false;
    if (*text == 'e' || *text == 'E') {
        text++;
        text += *text == '-' || *text == '+';
        size_t digits = count_digits(text);
        if (digits == 0 || digits > 4 || atoi(text) > DECIMAL_DIGITS_MAX)
            return false;
        text += digits;
    }
    return *text == '\0';
}

static bool is_real(const char *text)
{
    if (!is_decimal(text))
        return false;
    errno = 0;
    (void)strtod(text, NULL);
    return errno == 0;
}

static bool is_boolean(const char *text)
{
    static const char *const texts[] = {"t", "f", "true", "false", "y", "n", "yes", "no", "on", "off", "1", "0"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strcasecmp(text, texts[i]) == 0)
            return true;
    }
    return false;
}

/* The number in exactly `count` digits at the text, -1: there are others. */
static int number(const char *text, size_t count)
{
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isdigit((unsigned char)text[i]))
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

/* "2026-11-23" at the start of the text. */
static bool starts_with_date(const char *text)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (strnlen(text, 10) < 10 || text[4] != '-' || text[7] != '-')
        return false;
    int year = number(text, 4), month = number(text + 5, 2), day = number(text + 8, 2);
    if (year < 1 || month < 1 || month > 12 || day < 1)
        return false;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return day <= days[month - 1] + (month == 2 && leap);
}

static bool is_date(const char *text)
{
    return starts_with_date(text) && text[10] == '\0';
}

/* "Z", "+03", "+03:30", "-03:30:15", or nothing. */
static bool is_offset(const char *text)
{
    if (*text == '\0' || strcasecmp(text, "Z") == 0)
        return true;
    if ((*text != '+' && *text != '-') || strnlen(text, 3) < 3 || number(text + 1, 2) < 0 ||
        number(text + 1, 2) > OFFSET_HOURS_MAX)
        return false;
    text += 3;
    for (int part = 0; part < 2 && *text != '\0'; part++, text += 3) {
        if (strnlen(text, 3) < 3 || text[0] != ':' || number(text + 1, 2) < 0 || number(text + 1, 2) > 59)
            return false;
    }
    return *text == '\0';
}

static bool is_instant(const char *text)
{
    if (!starts_with_date(text) || (text[10] != 'T' && text[10] != 't' && text[10] != ' '))
        return false;
    text += 11;
    if (strnlen(text, 8) < 8 || text[2] != ':' || text[5] != ':')
        return false;
    int hour = number(text, 2), minute = number(text + 3, 2), second = number(text + 6, 2);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
        return false;
    text += 8;
    if (*text == '.') {
        size_t digits = count_digits(++text);
        if (digits == 0 || digits > 9)
            return false;
        text += digits;
    }
    return is_offset(text);
}

static bool is_storable(yyjson_val *value, int depth);

static bool are_members_storable(yyjson_val *value, int depth)
{
    size_t index, count;
    yyjson_val *key, *item;
    if (yyjson_is_arr(value)) {
        yyjson_arr_foreach(value, index, count, item)
        {
            if (!is_storable(item, depth))
                return false;
        }
        return true;
    }
    yyjson_obj_foreach(value, index, count, key, item)
    {
        if (!is_storable(key, depth) || !is_storable(item, depth))
            return false;
    }
    return true;
}

/* jsonb has no NUL in texts, and its numbers are numeric. */
static bool is_storable(yyjson_val *value, int depth)
{
    if (depth > ENTITY_JSON_DEPTH_MAX)
        return false;
    if (yyjson_is_str(value))
        return strlen(yyjson_get_str(value)) == yyjson_get_len(value);
    if (yyjson_is_raw(value)) {
        char text[DECIMAL_DIGITS_MAX];
        size_t length = yyjson_get_len(value);
        if (length >= sizeof text)
            return false;
        memcpy(text, yyjson_get_raw(value), length);
        text[length] = '\0';
        return is_decimal(text);
    }
    return are_members_storable(value, depth + 1);
}

static bool is_json(const char *text)
{
    size_t length = strlen(text);
    yyjson_doc *document = yyjson_read(text, length, YYJSON_READ_NUMBER_AS_RAW);
    bool good = document && is_storable(yyjson_doc_get_root(document), 0);
    yyjson_doc_free(document);
    return good;
}

static bool is_text(const char *text)
{
    return g_utf8_validate(text, -1, NULL);
}

static const struct {
    bool (*check)(const char *text);
    const char *why;
} types[] = {
    [ENTITY_TEXT] = {is_text, "is not UTF-8"},
    [ENTITY_INTEGER] = {is_integer, "is not a whole number of 64 bits"},
    [ENTITY_REAL] = {is_real, "is not a number in the range of a double"},
    [ENTITY_DECIMAL] = {is_decimal, "is not a decimal number"},
    [ENTITY_BOOLEAN] = {is_boolean, "is not true or false"},
    [ENTITY_INSTANT] = {is_instant, "is not a time such as 2026-11-23T16:00:00Z of the years 1 to 9999"},
    [ENTITY_DATE] = {is_date, "is not a date such as 2026-11-23 of the years 1 to 9999"},
    [ENTITY_JSON] = {is_json, "is not JSON that Postgres can keep"},
};

bool entity_value_check(EntityType type, const char *text, const char **ret_why)
{
    *ret_why = "is longer than 1 MiB";
    if (strnlen(text, ENTITY_VALUE_MAX_BYTES + 1) > ENTITY_VALUE_MAX_BYTES)
        return false;
    *ret_why = types[type].why;
    return types[type].check(text);
}

bool entity_value_check_key(EntityType type, const char *text, const char **ret_why)
{
    if (!entity_value_check(type, text, ret_why))
        return false;
    const char *digits = text + (text[0] == '-');
    *ret_why = "is a number with a plus or leading zeros";
    return type != ENTITY_INTEGER || strcmp(text, "0") == 0 || (digits[0] >= '1' && digits[0] <= '9');
}

int entity_value_compare(const char *left, const char *right)
{
    long double a = strtold(left, NULL), b = strtold(right, NULL);
    return (a > b) - (a < b);
}
