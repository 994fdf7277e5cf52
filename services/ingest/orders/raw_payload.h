/* The messages of a batch as they are kept: one after another, each with partition, offset and length, the whole
 * compressed with zstd. Format: the comment of raw.batch_payload.payload. */
#pragma once

#include "common/buffer.h"
#include <stdint.h>

enum { RAW_PAYLOAD_HEADER_BYTES = 16 };

typedef struct RawMessage {
    int32_t partition;
    int64_t offset;
    const char *data; /* into the payload */
    size_t length_bytes;
} RawMessage;

void raw_payload_append(Buffer *payload, int32_t partition, int64_t offset, const void *data, size_t length_bytes);
/* The message at *at, which then points to the next one; false at the end. */
bool raw_payload_next(const Buffer *payload, size_t *at, RawMessage *ret_message);

/* `out` is overwritten. */
bool raw_payload_compress(const Buffer *payload, Buffer *out, Error *err) MUST_CHECK;
/* `out` is overwritten; its limit bounds what is unpacked. MALFORMED, TOO_LARGE. */
bool raw_payload_expand(const void *compressed, size_t length_bytes, Buffer *out, Error *err) MUST_CHECK;
