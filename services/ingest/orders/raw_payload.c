#include "services/ingest/orders/raw_payload.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/* Little-endian as the machine is; the format says so. */
typedef struct __attribute__((packed)) Header {
    int32_t partition;
    int64_t offset;
    uint32_t length_bytes;
} Header;
_Static_assert(sizeof(Header) == RAW_PAYLOAD_HEADER_BYTES, "the header is part of the format");

enum { COMPRESSION_LEVEL = 1 }; /* the fastest that is still a tenth of the size */

void raw_payload_append(Buffer *payload, int32_t partition, int64_t offset, const void *data, size_t length_bytes)
{
    Header header = {.partition = partition, .offset = offset, .length_bytes = (uint32_t)length_bytes};
    buffer_append(payload, &header, sizeof header);
    buffer_append(payload, data, length_bytes);
}

bool raw_payload_next(const Buffer *payload, size_t *at, RawMessage *ret_message)
{
    Header header;
    if (payload->length_bytes - *at < sizeof header)
        return false;
    memcpy(&header, payload->data + *at, sizeof header);
    if (payload->length_bytes - *at - sizeof header < header.length_bytes)
        return false;
    *ret_message = (RawMessage){.partition = header.partition,
                                .offset = header.offset,
                                .data = payload->data + *at + sizeof header,
                                .length_bytes = header.length_bytes};
    *at += sizeof header + header.length_bytes;
    return true;
}

/* Makes room for `size_bytes` in one piece. */
static bool reserve(Buffer *buffer, size_t size_bytes, Error *err)
{
    buffer_clear(buffer);
    if (size_bytes > buffer->limit_bytes)
        return error_set(err, ERROR_TOO_LARGE, "a payload of %zu bytes exceeds the limit of %zu", size_bytes,
                         buffer->limit_bytes);
    if (size_bytes + 1 <= buffer->capacity_bytes)
        return true;
    char *data = realloc(buffer->data, size_bytes + 1);
    if (!data)
        abort();
    buffer->data = data;
    buffer->capacity_bytes = size_bytes + 1;
    return true;
}

bool raw_payload_compress(const Buffer *payload, Buffer *out, Error *err)
{
    size_t bound_bytes = ZSTD_compressBound(payload->length_bytes);
    if (!reserve(out, bound_bytes, err))
        return false;
    size_t length_bytes =
        ZSTD_compress(out->data, bound_bytes, payload->data, payload->length_bytes, COMPRESSION_LEVEL);
    if (ZSTD_isError(length_bytes))
        return error_set(err, ERROR_INTERNAL, "zstd: %s", ZSTD_getErrorName(length_bytes));
    out->length_bytes = length_bytes;
    return true;
}

bool raw_payload_expand(const void *compressed, size_t length_bytes, Buffer *out, Error *err)
{
    unsigned long long size_bytes = ZSTD_getFrameContentSize(compressed, length_bytes);
    if (size_bytes == ZSTD_CONTENTSIZE_ERROR || size_bytes == ZSTD_CONTENTSIZE_UNKNOWN)
        return error_set(err, ERROR_MALFORMED, "not a zstd frame of known size");
    if (!reserve(out, size_bytes, err))
        return false;
    size_t expanded_bytes = ZSTD_decompress(out->data, size_bytes, compressed, length_bytes);
    if (ZSTD_isError(expanded_bytes))
        return error_set(err, ERROR_MALFORMED, "zstd: %s", ZSTD_getErrorName(expanded_bytes));
    out->length_bytes = expanded_bytes;
    return true;
}
