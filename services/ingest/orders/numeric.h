/* Plain decimals in the binary form of Postgres' numeric (src/backend/utils/adt/numeric.c, numeric_recv). Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { NUMERIC_BINARY_MAX_BYTES = 8 + 2 * 16, NUMERIC_DIGITS_MAX = 30 };

/* `text` is digits with at most one point among them, NUMERIC_DIGITS_MAX at most. Returns the length. */
size_t numeric_encode(const char *text, size_t length_bytes, uint8_t out[NUMERIC_BINARY_MAX_BYTES]);
