#include "services/ingest/document_source/bson_text.h"

#include <glib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EXPONENT_MAX_LENGTH = 5 /* "E-300" */ };

static const char replacement[] = "\xef\xbf\xbd";
static const int64_t date_first_ms = INT64_C(-62135596800000), date_last_ms = INT64_C(253402300799999);

const char *bson_text_type(bson_type_t type)
{
    static const struct {
        bson_type_t type;
        const char *name;
    } names[] = {
        {BSON_TYPE_DOUBLE, "double"},      {BSON_TYPE_UTF8, "string"},         {BSON_TYPE_DOCUMENT, "object"},
        {BSON_TYPE_ARRAY, "array"},        {BSON_TYPE_BINARY, "binData"},      {BSON_TYPE_UNDEFINED, "undefined"},
        {BSON_TYPE_OID, "objectId"},       {BSON_TYPE_BOOL, "bool"},           {BSON_TYPE_DATE_TIME, "date"},
        {BSON_TYPE_NULL, "null"},          {BSON_TYPE_REGEX, "regex"},         {BSON_TYPE_DBPOINTER, "dbPointer"},
        {BSON_TYPE_CODE, "javascript"},    {BSON_TYPE_SYMBOL, "symbol"},       {BSON_TYPE_CODEWSCOPE, "javascript"},
        {BSON_TYPE_INT32, "int"},          {BSON_TYPE_TIMESTAMP, "timestamp"}, {BSON_TYPE_INT64, "long"},
        {BSON_TYPE_DECIMAL128, "decimal"}, {BSON_TYPE_MAXKEY, "maxKey"},       {BSON_TYPE_MINKEY, "minKey"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (names[i].type == type)
            return names[i].name;
    }
    return "unknown";
}

bool bson_text_format_real(double value, char out[BSON_NUMBER_TEXT_MAX])
{
    if (!isfinite(value))
        return false;
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, BSON_NUMBER_TEXT_MAX, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            break;
    }
    return true;
}

bool bson_text_format_date(int64_t ms, char out[BSON_DATE_TEXT_MAX])
{
    if (ms < date_first_ms || ms > date_last_ms)
        return false;
    int64_t seconds = ms / 1000, fraction = ms % 1000;
    if (fraction < 0) {
        seconds--;
        fraction += 1000;
    }
    time_t clock = (time_t)seconds;
    struct tm parts;
    gmtime_r(&clock, &parts);
    int length = snprintf(out, BSON_DATE_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d", parts.tm_year + 1900,
                          parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    if (fraction != 0)
        length += snprintf(out + length, (size_t)(BSON_DATE_TEXT_MAX - length), ".%03d", (int)fraction);
    snprintf(out + length, (size_t)(BSON_DATE_TEXT_MAX - length), "Z");
    return true;
}

bool bson_text_format_decimal(const bson_decimal128_t *value, char out[BSON_NUMBER_TEXT_MAX])
{
    _Static_assert(BSON_DECIMAL128_STRING <= BSON_NUMBER_TEXT_MAX, "a decimal fits");
    bson_decimal128_to_string(value, out);
    return strspn(out, "+-.0123456789E") == strlen(out);
}

void bson_text_append_string(Buffer *out, const char *text, size_t length_bytes)
{
    if (!memchr(text, '\0', length_bytes)) {
        buffer_append_json_string_n(out, text, length_bytes);
        return;
    }
    GString *clean = g_string_sized_new(length_bytes);
    for (size_t i = 0; i < length_bytes; i++) {
        if (text[i] == '\0')
            g_string_append(clean, replacement);
        else
            g_string_append_c(clean, text[i]);
    }
    buffer_append_json_string_n(out, clean->str, clean->len);
    g_string_free(clean, TRUE);
}

/* {"name": "text"} */
static void append_named(Buffer *out, const char *name, const char *text, size_t length_bytes)
{
    buffer_printf(out, "{\"%s\":", name);
    bson_text_append_string(out, text, length_bytes);
    buffer_append_char(out, '}');
}

static void append_real(Buffer *out, double value)
{
    char text[BSON_NUMBER_TEXT_MAX];
    if (bson_text_format_real(value, text))
        buffer_append_text(out, text);
    else
        buffer_append_text(out, isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
}

static void append_date(Buffer *out, int64_t ms)
{
    char text[BSON_DATE_TEXT_MAX];
    if (bson_text_format_date(ms, text))
        buffer_printf(out, "\"%s\"", text);
    else
        buffer_printf(out, "{\"$date\":%lld}", (long long)ms);
}

/* As a number if readers of JSON can be expected to take it as one. */
static void append_decimal(Buffer *out, const bson_iter_t *value)
{
    bson_decimal128_t decimal;
    char text[BSON_NUMBER_TEXT_MAX];
    bson_iter_decimal128(value, &decimal);
    bool is_number = bson_text_format_decimal(&decimal, text) && isfinite(strtod(text, NULL)) &&
                     strlen(strchrnul(text, 'E')) <= EXPONENT_MAX_LENGTH;
    buffer_printf(out, is_number ? "%s" : "\"%s\"", text);
}

static void append_binary(Buffer *out, const bson_iter_t *value)
{
    bson_subtype_t subtype;
    uint32_t length_bytes;
    const uint8_t *bytes;
    bson_iter_binary(value, &subtype, &length_bytes, &bytes);
    char *base64 = g_base64_encode(bytes, length_bytes);
    append_named(out, "$binary", base64, strlen(base64));
    g_free(base64);
}

static void append_container(Buffer *out, bson_iter_t *items, bool is_array, int depth);

static void append_at_depth(Buffer *out, const bson_iter_t *value, int depth)
{
    uint32_t length_bytes;
    const char *text;
    char oid[25];
    bson_iter_t inner;
    bson_type_t type = bson_iter_type(value);
    switch (type) {
    case BSON_TYPE_DOUBLE:
        append_real(out, bson_iter_double(value));
        break;
    case BSON_TYPE_UTF8:
        text = bson_iter_utf8(value, &length_bytes);
        bson_text_append_string(out, text, length_bytes);
        break;
    case BSON_TYPE_DOCUMENT:
    case BSON_TYPE_ARRAY:
        if (depth >= BSON_TEXT_DEPTH_MAX || !bson_iter_recurse(value, &inner))
            buffer_append_text(out, "\"...\"");
        else
            append_container(out, &inner, type == BSON_TYPE_ARRAY, depth + 1);
        break;
    case BSON_TYPE_BINARY:
        append_binary(out, value);
        break;
    case BSON_TYPE_OID:
        bson_oid_to_string(bson_iter_oid(value), oid);
        buffer_printf(out, "\"%s\"", oid);
        break;
    case BSON_TYPE_BOOL:
        buffer_append_text(out, bson_iter_bool(value) ? "true" : "false");
        break;
    case BSON_TYPE_DATE_TIME:
        append_date(out, bson_iter_date_time(value));
        break;
    case BSON_TYPE_REGEX:
        text = bson_iter_regex(value, NULL);
        append_named(out, "$regex", text, strlen(text));
        break;
    case BSON_TYPE_CODE:
        text = bson_iter_code(value, &length_bytes);
        append_named(out, "$code", text, strlen(text));
        break;
    case BSON_TYPE_SYMBOL:
        text = bson_iter_symbol(value, &length_bytes);
        append_named(out, "$symbol", text, strlen(text));
        break;
    case BSON_TYPE_INT32:
        buffer_append_int(out, bson_iter_int32(value));
        break;
    case BSON_TYPE_INT64:
        buffer_append_int(out, bson_iter_int64(value));
        break;
    case BSON_TYPE_DECIMAL128:
        append_decimal(out, value);
        break;
    case BSON_TYPE_TIMESTAMP: {
        uint32_t seconds, ordinal;
        bson_iter_timestamp(value, &seconds, &ordinal);
        buffer_printf(out, "{\"$timestamp\":{\"t\":%u,\"i\":%u}}", seconds, ordinal);
        break;
    }
    case BSON_TYPE_NULL:
    case BSON_TYPE_UNDEFINED:
        buffer_append_text(out, "null");
        break;
    default:
        append_named(out, "$type", bson_text_type(type), strlen(bson_text_type(type)));
    }
}

static void append_container(Buffer *out, bson_iter_t *items, bool is_array, int depth)
{
    buffer_append_char(out, is_array ? '[' : '{');
    for (bool first = true; !out->overflowed && bson_iter_next(items); first = false) {
        if (!first)
            buffer_append_char(out, ',');
        if (!is_array) {
            bson_text_append_string(out, bson_iter_key(items), bson_iter_key_len(items));
            buffer_append_char(out, ':');
        }
        append_at_depth(out, items, depth);
    }
    buffer_append_char(out, is_array ? ']' : '}');
}

void bson_text_append_value(Buffer *out, const bson_iter_t *value)
{
    append_at_depth(out, value, 0);
}

void bson_text_append_document(Buffer *out, const bson_t *document)
{
    bson_iter_t items;
    if (bson_iter_init(&items, document))
        append_container(out, &items, false, 0);
    else
        buffer_append_text(out, "{}");
}
