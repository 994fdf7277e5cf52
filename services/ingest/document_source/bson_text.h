/* BSON values as JSON text that Postgres' jsonb takes, whatever they hold: depth is bounded, text that is not UTF-8 and
 * NULs become U+FFFD, NaN and infinities become text. Pure. */
#pragma once

#include <bson/bson.h>
#include "common/buffer.h"

enum { BSON_TEXT_DEPTH_MAX = 64 };

/* "string", "int", "objectId", ... as the source's own shell calls it. */
const char *bson_text_type(bson_type_t type);

/* Numbers as numbers, dates as RFC 3339 text, ids as their 24 digits, binary in base 64, others as in MongoDB's
 * extended JSON. What lies deeper than BSON_TEXT_DEPTH_MAX becomes "...". */
void bson_text_append_value(Buffer *out, const bson_iter_t *value);
/* As a JSON object. Stops early once the buffer has overflowed. */
void bson_text_append_document(Buffer *out, const bson_t *document);
/* A JSON string. */
void bson_text_append_string(Buffer *out, const char *text, size_t length_bytes);

enum { BSON_NUMBER_TEXT_MAX = 64, BSON_DATE_TEXT_MAX = 48 };
/* The shortest decimal text that reads as the same double; false, and nothing written, when it is not finite. */
bool bson_text_format_real(double value, char out[BSON_NUMBER_TEXT_MAX]);
/* Milliseconds since 1970 as RFC 3339; false for years that it has no text for (before 0001, after 9999). */
bool bson_text_format_date(int64_t ms, char out[BSON_DATE_TEXT_MAX]);
/* Any decimal128 that is a number, as JSON takes it. */
bool bson_text_format_decimal(const bson_decimal128_t *value, char out[BSON_NUMBER_TEXT_MAX]);
