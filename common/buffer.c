#include "common/buffer.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_FIRST_BYTES = 256, DECIMALS_MAX = 9, INT_DIGITS_MAX = 20 };

/* Doubles of this size still have every integer, so that scaled values below are exact integers plus a fraction. */
static const double exact_integer_limit = 9007199254740992.0;

static const double powers_of_ten[DECIMALS_MAX + 1] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
                                  "25262728293031323334353637383940414243444546474849"
                                  "50515253545556575859606162636465666768697071727374"
                                  "75767778798081828384858687888990919293949596979899";

void buffer_init(Buffer *buffer, size_t limit_bytes)
{
    *buffer = (Buffer){.limit_bytes = limit_bytes};
}

void buffer_fini(Buffer *buffer)
{
    free(buffer->data);
    buffer->data = NULL;
    buffer->length_bytes = buffer->capacity_bytes = 0;
}

void buffer_clear(Buffer *buffer)
{
    buffer->length_bytes = 0;
    buffer->overflowed = false;
    if (buffer->data != NULL)
        buffer->data[0] = '\0';
}

/* Room for `more_bytes` and the terminating NUL. */
static bool reserve(Buffer *buffer, size_t more_bytes)
{
    if (buffer->overflowed)
        return false;
    if (more_bytes < buffer->capacity_bytes - buffer->length_bytes)
        return true;
    if (more_bytes > buffer->limit_bytes - buffer->length_bytes) {
        buffer->overflowed = true;
        return false;
    }
    size_t needed_bytes = buffer->length_bytes + more_bytes + 1;
    size_t capacity_bytes = buffer->capacity_bytes == 0 ? BUFFER_FIRST_BYTES : 2 * buffer->capacity_bytes;
    if (capacity_bytes < needed_bytes)
        capacity_bytes = needed_bytes;
    if (capacity_bytes > buffer->limit_bytes + 1)
        capacity_bytes = buffer->limit_bytes + 1;
    char *data = realloc(buffer->data, capacity_bytes);
    if (data == NULL) {
        buffer->overflowed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity_bytes = capacity_bytes;
    return true;
}

void buffer_append(Buffer *buffer, const void *data, size_t length_bytes)
{
    if (!reserve(buffer, length_bytes))
        return;
    if (length_bytes > 0)
        memcpy(buffer->data + buffer->length_bytes, data, length_bytes);
    buffer->length_bytes += length_bytes;
    buffer->data[buffer->length_bytes] = '\0';
}

void buffer_append_text(Buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_append_char(Buffer *buffer, char c)
{
    buffer_append(buffer, &c, 1);
}

void buffer_printf(Buffer *buffer, const char *format, ...)
{
    if (!reserve(buffer, 0))
        return;
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    size_t free_bytes = buffer->capacity_bytes - buffer->length_bytes;
    int written = vsnprintf(buffer->data + buffer->length_bytes, free_bytes, format, args);
    va_end(args);
    assert(written >= 0);
    size_t length_bytes = (size_t)written;
    bool fits = length_bytes < free_bytes;
    if (!fits && reserve(buffer, length_bytes)) {
        vsnprintf(buffer->data + buffer->length_bytes, length_bytes + 1, format, again);
        fits = true;
    }
    va_end(again);
    if (fits)
        buffer->length_bytes += length_bytes;
    else
        buffer->data[buffer->length_bytes] = '\0';
}

/* Length of the valid UTF-8 sequence at `text`, 0 if there is none (Unicode 15, table 3-7). */
static size_t utf8_length(const unsigned char *text, size_t left_bytes)
{
    unsigned char first = text[0];
    if (first < 0x80)
        return 1;
    size_t length;
    unsigned char second_low = 0x80, second_high = 0xBF;
    if (first >= 0xC2 && first <= 0xDF) {
        length = 2;
    } else if (first >= 0xE0 && first <= 0xEF) {
        length = 3;
        if (first == 0xE0)
            second_low = 0xA0;
        else if (first == 0xED)
            second_high = 0x9F;
    } else if (first >= 0xF0 && first <= 0xF4) {
        length = 4;
        if (first == 0xF0)
            second_low = 0x90;
        else if (first == 0xF4)
            second_high = 0x8F;
    } else {
        return 0;
    }
    if (length > left_bytes || text[1] < second_low || text[1] > second_high)
        return 0;
    for (size_t i = 2; i < length; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    }
    return length;
}

static void append_escape(Buffer *buffer, unsigned char c)
{
    switch (c) {
    case '"':
        buffer_append(buffer, "\\\"", 2);
        break;
    case '\\':
        buffer_append(buffer, "\\\\", 2);
        break;
    case '\n':
        buffer_append(buffer, "\\n", 2);
        break;
    case '\r':
        buffer_append(buffer, "\\r", 2);
        break;
    case '\t':
        buffer_append(buffer, "\\t", 2);
        break;
    default:
        buffer_printf(buffer, "\\u%04x", c);
    }
}

void buffer_append_json_string_n(Buffer *buffer, const char *text, size_t length_bytes)
{
    const unsigned char *bytes = (const unsigned char *)text;
    buffer_append_char(buffer, '"');
    size_t plain_from = 0;
    size_t i = 0;
    while (i < length_bytes) {
        unsigned char c = bytes[i];
        size_t step = utf8_length(bytes + i, length_bytes - i);
        if (step > 0 && c >= 0x20 && c != '"' && c != '\\' && c != 0x7F) {
            i += step;
            continue;
        }
        buffer_append(buffer, bytes + plain_from, i - plain_from);
        if (step == 0)
            buffer_append_text(buffer, "\xEF\xBF\xBD");
        else
            append_escape(buffer, c);
        plain_from = ++i;
    }
    buffer_append(buffer, bytes + plain_from, length_bytes - plain_from);
    buffer_append_char(buffer, '"');
}

void buffer_append_json_string(Buffer *buffer, const char *text)
{
    if (text == NULL)
        buffer_append_text(buffer, "null");
    else
        buffer_append_json_string_n(buffer, text, strlen(text));
}

/* Writes the digits so that they end before `end`; returns where they begin. */
static char *write_digits(uint64_t value, char *end)
{
    while (value >= 100) {
        end -= 2;
        memcpy(end, digit_pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10) {
        end -= 2;
        memcpy(end, digit_pairs + 2 * value, 2);
    } else {
        *--end = (char)('0' + value);
    }
    return end;
}

void buffer_append_int(Buffer *buffer, int64_t value)
{
    char digits[INT_DIGITS_MAX + 1];
    char *end = digits + sizeof(digits);
    char *begin = write_digits(value < 0 ? 0 - (uint64_t)value : (uint64_t)value, end);
    if (value < 0)
        *--begin = '-';
    buffer_append(buffer, begin, (size_t)(end - begin));
}

/* magnitude * scale to the nearest integer, ties to even, as if it had been computed exactly. */
static uint64_t round_scaled(double magnitude, double scale)
{
    double product = magnitude * scale;
    uint64_t whole = (uint64_t)product;
    double over_half = product - (double)whole - 0.5;
    if (over_half == 0) {
        double rest = fma(magnitude, scale, -product);
        if (rest > 0 || (rest == 0 && (whole & 1) == 1))
            whole++;
    } else if (over_half > 0) {
        whole++;
    }
    return whole;
}

static void append_long_decimal(Buffer *buffer, double value, int decimals)
{
    size_t before_bytes = buffer->length_bytes;
    buffer_printf(buffer, "%.*f", decimals, value);
    if (buffer->overflowed || decimals == 0)
        return;
    size_t end = buffer->length_bytes;
    while (end > before_bytes && buffer->data[end - 1] == '0')
        end--;
    if (buffer->data[end - 1] == '.')
        end--;
    buffer->length_bytes = end;
    buffer->data[end] = '\0';
}

void buffer_append_decimal(Buffer *buffer, double value, int decimals)
{
    assert(decimals >= 0 && decimals <= DECIMALS_MAX);
    double magnitude = fabs(value);
    double scale = powers_of_ten[decimals];
    if (!(magnitude * scale < exact_integer_limit)) {
        if (isfinite(value))
            append_long_decimal(buffer, value, decimals);
        else
            buffer_append_text(buffer, "null");
        return;
    }
    uint64_t scaled = round_scaled(magnitude, scale);
    bool negative = value < 0 && scaled > 0;
    int places = decimals;
    while (places > 0 && scaled % 10 == 0) {
        scaled /= 10;
        places--;
    }
    char text[INT_DIGITS_MAX + DECIMALS_MAX + 3];
    char *end = text + sizeof(text);
    char *begin = write_digits(scaled, end);
    if (places > 0) {
        while (end - begin <= places)
            *--begin = '0';
        size_t whole_digits = (size_t)(end - begin - places);
        memmove(begin - 1, begin, whole_digits);
        begin--;
        begin[whole_digits] = '.';
    }
    if (negative)
        *--begin = '-';
    buffer_append(buffer, begin, (size_t)(end - begin));
}

void buffer_append_csv(Buffer *buffer, const char *text)
{
    if (text[strcspn(text, "\",\r\n")] == '\0') {
        buffer_append_text(buffer, text);
        return;
    }
    buffer_append_char(buffer, '"');
    for (const char *at = text; *at != '\0';) {
        size_t run = strcspn(at, "\"");
        buffer_append(buffer, at, run);
        at += run;
        if (*at == '"') {
            buffer_append(buffer, "\"\"", 2);
            at++;
        }
    }
    buffer_append_char(buffer, '"');
}

bool buffer_ok(const Buffer *buffer, Error *err)
{
    if (buffer->overflowed)
        return error_set(err, ERROR_TOO_LARGE, "the result is larger than %zu bytes", buffer->limit_bytes);
    return true;
}

char *buffer_steal(Buffer *buffer, size_t *ret_length_bytes)
{
    char *data = buffer->data;
    *ret_length_bytes = buffer->length_bytes;
    buffer->data = NULL;
    buffer->length_bytes = buffer->capacity_bytes = 0;
    return data;
}
