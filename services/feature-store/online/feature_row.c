#include "services/feature-store/online/feature_row.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

enum { ROW_FORMAT = 2, HEADER_BYTES = 24, VALUE_BYTES = 8 };

/* Header, null bits and values; texts follow. */
static size_t fixed_bytes(const FeatureView *view)
{
    return HEADER_BYTES + (view->features_count + 7) / 8 + view->features_count * VALUE_BYTES;
}

static void put_u32(Buffer *out, uint32_t value)
{
    uint32_t little = htole32(value);
    buffer_append(out, &little, sizeof(little));
}

static void put_u64(Buffer *out, uint64_t value)
{
    uint64_t little = htole64(value);
    buffer_append(out, &little, sizeof(little));
}

static uint32_t get_u32(const uint8_t *at)
{
    uint32_t little;
    memcpy(&little, at, sizeof(little));
    return le32toh(little);
}

static uint64_t get_u64(const uint8_t *at)
{
    uint64_t little;
    memcpy(&little, at, sizeof(little));
    return le64toh(little);
}

static void put_header(const FeatureView *view, const FeatureRow *row, Buffer *out)
{
    buffer_append_char(out, ROW_FORMAT);
    buffer_append_char(out, 0);
    uint16_t count = htole16((uint16_t)view->features_count);
    buffer_append(out, &count, sizeof(count));
    put_u32(out, view->schema_hash);
    put_u64(out, (uint64_t)row->event_timestamp);
    put_u64(out, (uint64_t)row->created);
    uint8_t nulls[FEATURES_PER_VIEW_MAX / 8 + 1] = {0};
    for (size_t i = 0; i < view->features_count; i++)
        nulls[i / 8] |= (uint8_t)((row->values[i].null ? 1 : 0) << (i % 8));
    buffer_append(out, nulls, (view->features_count + 7) / 8);
}

static void put_value(FeatureType type, const FeatureValue *value, size_t *tail_bytes, Buffer *out)
{
    uint64_t bits = 0;
    if (value->null) {
        put_u64(out, 0);
        return;
    }
    switch (type) {
    case FEATURE_INT64:
        bits = (uint64_t)value->integer;
        break;
    case FEATURE_FLOAT64:
        memcpy(&bits, &value->real, sizeof(bits));
        break;
    case FEATURE_BOOL:
        bits = value->boolean ? 1 : 0;
        break;
    case FEATURE_INSTANT:
        bits = (uint64_t)value->instant;
        break;
    case FEATURE_TEXT: {
        size_t length = strlen(value->text);
        assert(length <= FEATURE_TEXT_MAX);
        bits = (uint64_t)length << 32 | (uint32_t)*tail_bytes;
        *tail_bytes += length + 1;
        break;
    }
    }
    put_u64(out, bits);
}

void feature_row_pack(const FeatureView *view, const FeatureRow *row, Buffer *out)
{
    size_t tail_bytes = 0;
    put_header(view, row, out);
    for (size_t i = 0; i < view->features_count; i++)
        put_value(view->features[i].type, &row->values[i], &tail_bytes, out);
    for (size_t i = 0; i < view->features_count && tail_bytes > 0; i++) {
        const FeatureValue *value = &row->values[i];
        if (view->features[i].type == FEATURE_TEXT && !value->null)
            buffer_append(out, value->text, strlen(value->text) + 1);
    }
}

/* The texts lie one after another, so each must begin where the one before ended. */
static bool get_text(const uint8_t *at, const uint8_t *tail, size_t tail_bytes, size_t *used_bytes, Arena *arena,
                     FeatureValue *ret_value)
{
    size_t offset = get_u32(at), length = get_u32(at + 4);
    if (offset != *used_bytes || offset >= tail_bytes || length > FEATURE_TEXT_MAX || length >= tail_bytes - offset)
        return false;
    const char *text = (const char *)tail + offset;
    if (text[length] != '\0' || memchr(text, '\0', length) != NULL)
        return false;
    *used_bytes = offset + length + 1;
    ret_value->text = arena == NULL ? text : arena_strndup(arena, text, length);
    return true;
}

static bool get_value(FeatureType type, const uint8_t *at, FeatureValue *ret_value)
{
    uint64_t bits = get_u64(at);
    if (type == FEATURE_BOOL) {
        ret_value->boolean = bits == 1;
        return bits <= 1;
    }
    if (type == FEATURE_FLOAT64)
        memcpy(&ret_value->real, &bits, sizeof(bits));
    else
        ret_value->integer = (int64_t)bits; /* shares its place with `instant` */
    return true;
}

bool feature_row_unpack(const FeatureView *view, const void *data, size_t length_bytes, Arena *arena, FeatureRow *row,
                        Error *err)
{
    const uint8_t *bytes = data;
    size_t fixed = fixed_bytes(view), used_bytes = 0;
    if (length_bytes < fixed)
        return error_set(err, ERROR_MALFORMED, "a row of %s has %zu bytes instead of %zu", view->name, length_bytes,
                         fixed);
    uint16_t count;
    memcpy(&count, bytes + 2, sizeof(count));
    if (bytes[0] != ROW_FORMAT || le16toh(count) != view->features_count || get_u32(bytes + 4) != view->schema_hash)
        return error_set(err, ERROR_MALFORMED, "a row of %s was written by another declaration", view->name);
    row->event_timestamp = (Instant)get_u64(bytes + 8);
    row->created = (Instant)get_u64(bytes + 16);
    const uint8_t *nulls = bytes + HEADER_BYTES;
    const uint8_t *values = nulls + (view->features_count + 7) / 8;
    for (size_t i = 0; i < view->features_count; i++) {
        const uint8_t *at = values + i * VALUE_BYTES;
        FeatureValue *value = &row->values[i];
        *value = (FeatureValue){.null = (nulls[i / 8] >> (i % 8)) & 1};
        bool ok = value->null || (view->features[i].type == FEATURE_TEXT
                                      ? get_text(at, bytes + fixed, length_bytes - fixed, &used_bytes, arena, value)
                                      : get_value(view->features[i].type, at, value));
        if (!ok)
            return error_set(err, ERROR_MALFORMED, "a row of %s has no valid %s", view->name, view->features[i].name);
    }
    return used_bytes == length_bytes - fixed || error_set(err, ERROR_MALFORMED, "a row of %s has %zu bytes too many",
                                                           view->name, length_bytes - fixed - used_bytes);
}
