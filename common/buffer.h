/* A growing byte buffer with a cap. Overflow is remembered: append freely, check buffer_ok() once at the end. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "common/error.h"

typedef struct Buffer {
    char *data; /* NUL-terminated once anything was appended */
    size_t length_bytes;
    size_t capacity_bytes;
    size_t limit_bytes;
    bool overflowed;
} Buffer;

void buffer_init(Buffer *buffer, size_t limit_bytes);
void buffer_fini(Buffer *buffer);  /* accepts a zeroed one */
void buffer_clear(Buffer *buffer); /* keeps the memory */
void buffer_append(Buffer *buffer, const void *data, size_t length_bytes);
void buffer_append_text(Buffer *buffer, const char *text);
void buffer_append_char(Buffer *buffer, char c);
void buffer_printf(Buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);
/* Text as a JSON string with quotes and escapes; NULL becomes null. Bytes that are not UTF-8 become U+FFFD, so that the
 * document stays valid whatever the text is. */
void buffer_append_json_string(Buffer *buffer, const char *text);
void buffer_append_json_string_n(Buffer *buffer, const char *text, size_t length_bytes);
void buffer_append_int(Buffer *buffer, int64_t value);
/* Shortest plain decimal with at most `decimals` (0..9) places, correctly rounded (half to even), no trailing zeros,
 * never "-0", never an exponent; "null" when not finite. */
void buffer_append_decimal(Buffer *buffer, double value, int decimals);
/* A CSV field, quoted when it must be (RFC 4180). */
void buffer_append_csv(Buffer *buffer, const char *text);
bool buffer_ok(const Buffer *buffer, Error *err) MUST_CHECK;
/* Hands the memory to the caller (free()); the buffer is empty afterwards. */
char *buffer_steal(Buffer *buffer, size_t *ret_length_bytes);

#define BUFFER_SCOPED __attribute__((cleanup(buffer_fini)))
