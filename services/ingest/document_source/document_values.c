#include "services/ingest/document_source/document_values.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "services/ingest/document_source/bson_text.h"

enum {
    DECIMAL_DIGITS_MAX = 1000,
    NUMBER_TEXT_MAX_BYTES = 1100,
    EXPONENT_DIGITS_MAX = 3,
    REAL_DIGITS_MAX = 17,
    UUID_BYTES = 16,
    DATE_TEXT_LENGTH = 10
};

static const double integer_limit = 9223372036854775808.0; /* 2^63 */
static const double seconds_below = 1e11;                  /* numbers from there on are milliseconds */
static const double instant_limit_ms = 253402300800000.0;  /* the year 10000 */

static const char not_this_type[] = "a value of another type", out_of_range[] = "a number beyond the range of a double";

static bool fail(const char **ret_why, const char *why)
{
    *ret_why = why;
    return false;
}

/* A number as text: how it is written and how many digits it has without leading zeros. */
typedef struct NumberText {
    const char *text;
    size_t length, digits;
    bool is_plain_integer;
} NumberText;

/* [+-] digits [. digits] [e [+-] digits], spaces around ignored. */
static bool parse_number(const char *text, size_t length, NumberText *ret_number)
{
    while (length > 0 && isspace((unsigned char)text[0])) {
        text++;
        length--;
    }
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        length--;
    if (length > NUMBER_TEXT_MAX_BYTES)
        return false;
    NumberText number = {.text = text, .length = length, .is_plain_integer = true};
    size_t i = length > 0 && (text[0] == '-' || text[0] == '+'), seen = 0;
    for (; i < length && (isdigit((unsigned char)text[i]) || (text[i] == '.' && number.is_plain_integer)); i++) {
        if (text[i] == '.') {
            number.is_plain_integer = false;
            continue;
        }
        seen++;
        number.digits += number.digits > 0 || text[i] != '0';
    }
    if (seen == 0)
        return false;
    if (i < length && (text[i] == 'e' || text[i] == 'E')) {
        number.is_plain_integer = false;
        size_t first = i + 1 + (i + 1 < length && (text[i + 1] == '-' || text[i + 1] == '+'));
        for (i = first; i < length && isdigit((unsigned char)text[i]); i++)
            ;
        if (i == first || i - first > EXPONENT_DIGITS_MAX)
            return false;
    }
    *ret_number = number;
    return i == length;
}

/* Text of the numeric kinds that are written as text: strings and decimals. */
static bool number_text(const bson_iter_t *value, Arena *arena, NumberText *ret_number)
{
    uint32_t length;
    const char *text;
    if (bson_iter_type(value) == BSON_TYPE_DECIMAL128) {
        bson_decimal128_t decimal;
        char *out = arena_alloc(arena, BSON_NUMBER_TEXT_MAX);
        bson_iter_decimal128(value, &decimal);
        if (!bson_text_format_decimal(&decimal, out))
            return false;
        text = out;
        length = (uint32_t)strlen(out);
    } else {
        text = bson_iter_utf8(value, &length);
    }
    return parse_number(text, length, ret_number);
}

/* The number's whole value if it has one: "12", "12.00", "1.2E+1". */
static bool whole_number(const NumberText *number, Arena *arena, int64_t *ret_integer)
{
    char *text = arena_strndup(arena, number->text, number->length), *end;
    errno = 0;
    if (number->is_plain_integer) {
        *ret_integer = strtoll(text, &end, 10);
        return errno == 0;
    }
    if (number->digits > REAL_DIGITS_MAX - 2)
        return false;
    double real = strtod(text, &end);
    if (!(fabs(real) < integer_limit) || real != trunc(real))
        return false;
    *ret_integer = (int64_t)real;
    return true;
}

static bool read_integer(const bson_iter_t *value, Arena *arena, const char **ret_value, const char **ret_why)
{
    int64_t integer = 0;
    NumberText number;
    switch (bson_iter_type(value)) {
    case BSON_TYPE_INT32:
    case BSON_TYPE_INT64:
        integer = bson_iter_as_int64(value);
        break;
    case BSON_TYPE_DOUBLE: {
        double real = bson_iter_double(value);
        if (!(fabs(real) < integer_limit) || real != trunc(real))
            return fail(ret_why, "not a whole number of at most 64 bits");
        integer = (int64_t)real;
        break;
    }
    case BSON_TYPE_DECIMAL128:
    case BSON_TYPE_UTF8:
        if (!number_text(value, arena, &number) || !whole_number(&number, arena, &integer))
            return fail(ret_why, "not a whole number of at most 64 bits");
        break;
    default:
        return fail(ret_why, not_this_type);
    }
    *ret_value = arena_printf(arena, "%" PRId64, integer);
    return true;
}

static bool read_decimal(const bson_iter_t *value, Arena *arena, const char **ret_value, const char **ret_why)
{
    char *text = arena_alloc(arena, BSON_NUMBER_TEXT_MAX);
    NumberText number;
    switch (bson_iter_type(value)) {
    case BSON_TYPE_INT32:
    case BSON_TYPE_INT64:
        return read_integer(value, arena, ret_value, ret_why);
    case BSON_TYPE_DOUBLE:
        if (!bson_text_format_real(bson_iter_double(value), text))
            return fail(ret_why, "not a finite number");
        *ret_value = text;
        return true;
    case BSON_TYPE_DECIMAL128:
    case BSON_TYPE_UTF8:
        if (!number_text(value, arena, &number) || number.digits > DECIMAL_DIGITS_MAX)
            return fail(ret_why, "not a finite number of at most 1000 digits");
        *ret_value = arena_strndup(arena, number.text, number.length);
        return true;
    default:
        return fail(ret_why, not_this_type);
    }
}

static bool read_real(const bson_iter_t *value, Arena *arena, const char **ret_value, const char **ret_why)
{
    NumberText number;
    if (bson_iter_type(value) == BSON_TYPE_DOUBLE && fpclassify(bson_iter_double(value)) == FP_SUBNORMAL)
        return fail(ret_why, out_of_range);
    if (bson_iter_type(value) == BSON_TYPE_INT64) {
        int64_t integer = bson_iter_int64(value);
        /* the conversion back of 2^63 would be undefined */
        if ((double)integer >= integer_limit || (int64_t)(double)integer != integer)
            return fail(ret_why, "more digits than a double holds");
    } else if (bson_iter_type(value) == BSON_TYPE_DECIMAL128 || bson_iter_type(value) == BSON_TYPE_UTF8) {
        if (!number_text(value, arena, &number) || number.digits > REAL_DIGITS_MAX)
            return fail(ret_why, "not a number of at most 17 digits");
        char *text = arena_strndup(arena, number.text, number.length);
        double real = strtod(text, NULL);
        if (!isfinite(real) || (number.digits > 0 && !isnormal(real)))
            return fail(ret_why, out_of_range);
        *ret_value = text;
        return true;
    }
    return read_decimal(value, arena, ret_value, ret_why);
}

static bool read_boolean(const bson_iter_t *value, const char **ret_value, const char **ret_why)
{
    static const char *const words[] = {"false", "true"};
    uint32_t length;
    switch (bson_iter_type(value)) {
    case BSON_TYPE_BOOL:
        *ret_value = words[bson_iter_bool(value)];
        return true;
    case BSON_TYPE_INT32:
    case BSON_TYPE_INT64:
        if (bson_iter_as_int64(value) != 0 && bson_iter_as_int64(value) != 1)
            return fail(ret_why, "a number other than 0 and 1");
        *ret_value = words[bson_iter_as_int64(value)];
        return true;
    case BSON_TYPE_UTF8: {
        const char *text = bson_iter_utf8(value, &length);
        for (int i = 0; i < 2; i++) {
            if (length == strlen(words[i]) && strncasecmp(text, words[i], length) == 0) {
                *ret_value = words[i];
                return true;
            }
        }
        return fail(ret_why, "a text other than true and false");
    }
    default:
        return fail(ret_why, not_this_type);
    }
}

/* Milliseconds since 1970 of a date or a number. */
static bool read_ms(const bson_iter_t *value, int64_t *ret_ms)
{
    double number;
    uint32_t seconds, ordinal;
    switch (bson_iter_type(value)) {
    case BSON_TYPE_DATE_TIME:
        *ret_ms = bson_iter_date_time(value);
        return true;
    case BSON_TYPE_TIMESTAMP:
        bson_iter_timestamp(value, &seconds, &ordinal);
        *ret_ms = seconds * INT64_C(1000);
        return true;
    case BSON_TYPE_INT32:
    case BSON_TYPE_INT64:
        number = (double)bson_iter_as_int64(value);
        break;
    case BSON_TYPE_DOUBLE:
        number = bson_iter_double(value);
        break;
    default:
        return false;
    }
    if (!(fabs(number) < instant_limit_ms))
        return false;
    *ret_ms = llround(fabs(number) < seconds_below ? number * 1000 : number);
    return true;
}

bool document_instant(const bson_iter_t *value, Instant *ret_instant)
{
    uint32_t length;
    int64_t ms;
    Error ignored;
    if (bson_iter_type(value) == BSON_TYPE_UTF8) {
        const char *text = bson_iter_utf8(value, &length);
        return instant_parse_n(text, length, ret_instant, &ignored);
    }
    if (!read_ms(value, &ms) || fabs((double)ms) >= instant_limit_ms)
        return false;
    *ret_instant = ms * 1000;
    return true;
}

static bool read_instant(const bson_iter_t *value, Arena *arena, const char **ret_value, const char **ret_why)
{
    uint32_t length;
    Instant instant;
    int64_t ms;
    if (bson_iter_type(value) == BSON_TYPE_UTF8) {
        const char *text = bson_iter_utf8(value, &length);
        Error ignored;
        char *out = arena_alloc(arena, INSTANT_TEXT_MAX);
        if (!instant_parse_n(text, length, &instant, &ignored))
            return fail(ret_why, "not an RFC 3339 instant of the years 1970 to 2200");
        instant_format(instant, out);
        *ret_value = out;
        return true;
    }
    char *out = arena_alloc(arena, BSON_DATE_TEXT_MAX);
    if (!read_ms(value, &ms))
        return fail(ret_why, not_this_type);
    if (!bson_text_format_date(ms, out))
        return fail(ret_why, "a date outside the years 1 to 9999");
    *ret_value = out;
    return true;
}

/* "2026-06-01", a day that exists. */
static bool is_day(const char *text, size_t length)
{
    if (length < DATE_TEXT_LENGTH)
        return false;
    Hour hour;
    Error ignored;
    char day[DATE_TEXT_LENGTH + 1];
    memcpy(day, text, DATE_TEXT_LENGTH);
    day[DATE_TEXT_LENGTH] = '\0';
    return hour_parse(day, &hour, &ignored);
}

static bool read_date(const bson_iter_t *value, Arena *arena, const char **ret_value, const char **ret_why)
{
    uint32_t length;
    Instant instant;
    Error ignored;
    const char *text;
    if (bson_iter_type(value) != BSON_TYPE_UTF8) {
        if (!read_instant(value, arena, &text, ret_why))
            return false;
        *ret_value = arena_strndup(arena, text, DATE_TEXT_LENGTH);
        return true;
    }
    text = bson_iter_utf8(value, &length);
    if (!is_day(text, length) || (length > DATE_TEXT_LENGTH && !instant_parse_n(text, length, &instant, &ignored)))
        return fail(ret_why, "not a day of the years 1970 to 2200");
    *ret_value = arena_strndup(arena, text, DATE_TEXT_LENGTH);
    return true;
}

static bool keep_text(const char *text, size_t length, Arena *arena, const char **ret_value, const char **ret_why)
{
    if (memchr(text, '\0', length))
        return fail(ret_why, "a text with a NUL");
    if (!bson_utf8_validate(text, length, false))
        return fail(ret_why, "a text that is not UTF-8");
    if (length > ENTITY_VALUE_MAX_BYTES)
        return fail(ret_why, "a value of more than 1 MiB");
    *ret_value = arena_strndup(arena, text, length);
    return true;
}

static bool read_json(const bson_iter_t *value, Arena *arena, const char **ret_value, const char **ret_why)
{
    BUFFER_SCOPED Buffer json;
    Error ignored;
    buffer_init(&json, ENTITY_VALUE_MAX_BYTES);
    bson_text_append_value(&json, value);
    if (!buffer_ok(&json, &ignored))
        return fail(ret_why, "a value of more than 1 MiB");
    *ret_value = arena_strndup(arena, json.data, json.length_bytes);
    return true;
}

static bool read_text(const bson_iter_t *value, Arena *arena, const char **ret_value, const char **ret_why)
{
    uint32_t length;
    const char *text;
    bson_subtype_t subtype;
    const uint8_t *bytes;
    switch (bson_iter_type(value)) {
    case BSON_TYPE_UTF8:
        text = bson_iter_utf8(value, &length);
        return keep_text(text, length, arena, ret_value, ret_why);
    case BSON_TYPE_SYMBOL:
        text = bson_iter_symbol(value, &length);
        return keep_text(text, strlen(text), arena, ret_value, ret_why);
    case BSON_TYPE_OID: {
        char *oid = arena_alloc(arena, 25);
        bson_oid_to_string(bson_iter_oid(value), oid);
        *ret_value = oid;
        return true;
    }
    case BSON_TYPE_DATE_TIME:
        return read_instant(value, arena, ret_value, ret_why);
    case BSON_TYPE_INT32:
    case BSON_TYPE_INT64:
    case BSON_TYPE_DOUBLE:
    case BSON_TYPE_DECIMAL128:
        return read_decimal(value, arena, ret_value, ret_why);
    case BSON_TYPE_BINARY:
        bson_iter_binary(value, &subtype, &length, &bytes);
        if (length == UUID_BYTES && subtype == BSON_SUBTYPE_UUID) {
            *ret_value =
                arena_printf(arena, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", bytes[0],
                             bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7], bytes[8], bytes[9],
                             bytes[10], bytes[11], bytes[12], bytes[13], bytes[14], bytes[15]);
            return true;
        }
        return read_json(value, arena, ret_value, ret_why);
    default:
        return read_json(value, arena, ret_value, ret_why);
    }
}

bool document_value(EntityType type, const bson_iter_t *value, Arena *arena, const char **ret_value,
                    const char **ret_why)
{
    if (bson_iter_type(value) == BSON_TYPE_NULL || bson_iter_type(value) == BSON_TYPE_UNDEFINED) {
        *ret_value = NULL;
        return true;
    }
    switch (type) {
    case ENTITY_TEXT:
        return read_text(value, arena, ret_value, ret_why);
    case ENTITY_INTEGER:
        return read_integer(value, arena, ret_value, ret_why);
    case ENTITY_REAL:
        return read_real(value, arena, ret_value, ret_why);
    case ENTITY_DECIMAL:
        return read_decimal(value, arena, ret_value, ret_why);
    case ENTITY_BOOLEAN:
        return read_boolean(value, ret_value, ret_why);
    case ENTITY_INSTANT:
        return read_instant(value, arena, ret_value, ret_why);
    case ENTITY_DATE:
        return read_date(value, arena, ret_value, ret_why);
    case ENTITY_JSON:
        return read_json(value, arena, ret_value, ret_why);
    }
    return fail(ret_why, not_this_type);
}
