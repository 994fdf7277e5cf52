#include "services/feature-store/online/feature_row.h"

#include <endian.h>
#include <string.h>

enum { ROW_FORMAT = 1, HEADER_BYTES = 24, VALUE_BYTES = 8 };

static size_t row_bytes(const FeatureView *view)
{
    return HEADER_BYTES + (view->features_count + 7) / 8 + view->features_count * VALUE_BYTES;
}

static void put_u64(Buffer *out, uint64_t value)
{
    uint64_t little = htole64(value);
    buffer_append(out, &little, sizeof(little));
}

static uint64_t get_u64(const uint8_t *at)
{
    uint64_t little;
    memcpy(&little, at, sizeof(little));
    return le64toh(little);
}

void feature_row_pack(const FeatureView *view, const FeatureRow *row, Buffer *out)
{
    buffer_append_char(out, ROW_FORMAT);
    buffer_append_char(out, 0);
    uint16_t count = htole16((uint16_t)view->features_count);
    buffer_append(out, &count, sizeof(count));
    uint32_t hash = htole32(view->schema_hash);
    buffer_append(out, &hash, sizeof(hash));
    put_u64(out, (uint64_t)row->event_timestamp);
    put_u64(out, (uint64_t)row->created);
    uint8_t nulls[FEATURES_PER_VIEW_MAX / 8 + 1] = {0};
    for (size_t i = 0; i < view->features_count; i++)
        nulls[i / 8] |= (uint8_t)((row->values[i].null ? 1 : 0) << (i % 8));
    buffer_append(out, nulls, (view->features_count + 7) / 8);
    for (size_t i = 0; i < view->features_count; i++) {
        uint64_t bits = 0;
        if (!row->values[i].null)
            memcpy(&bits, &row->values[i].integer, sizeof(bits));
        put_u64(out, bits);
    }
}

bool feature_row_unpack(const FeatureView *view, const void *data, size_t length_bytes, FeatureRow *row, Error *err)
{
    const uint8_t *bytes = data;
    if (length_bytes != row_bytes(view))
        return error_set(err, ERROR_MALFORMED, "a row of %s has %zu bytes instead of %zu", view->name, length_bytes,
                         row_bytes(view));
    uint16_t count;
    uint32_t hash;
    memcpy(&count, bytes + 2, sizeof(count));
    memcpy(&hash, bytes + 4, sizeof(hash));
    if (bytes[0] != ROW_FORMAT || le16toh(count) != view->features_count || le32toh(hash) != view->schema_hash)
        return error_set(err, ERROR_MALFORMED, "a row of %s was written by another declaration", view->name);
    row->event_timestamp = (Instant)get_u64(bytes + 8);
    row->created = (Instant)get_u64(bytes + 16);
    const uint8_t *nulls = bytes + HEADER_BYTES;
    const uint8_t *values = nulls + (view->features_count + 7) / 8;
    for (size_t i = 0; i < view->features_count; i++) {
        row->values[i].null = (nulls[i / 8] >> (i % 8)) & 1;
        row->values[i].integer = (int64_t)get_u64(values + i * VALUE_BYTES);
    }
    return true;
}
