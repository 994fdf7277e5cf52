#include "services/ingest/privacy/personal_ids.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

enum { UNICODE_ESCAPE_CHARS = 6, UTF8_MAX_BYTES = 6 };

static bool is_that_one(const void *context, const char *id, size_t length_bytes)
{
    const PersonalId *one = context;
    return one->length_bytes == length_bytes && memcmp(one->id, id, length_bytes) == 0;
}

PersonalIds personal_ids_one(const PersonalId *id)
{
    PersonalIds ids = {.holds = is_that_one, .context = id};
    if (id->length_bytes <= ORDER_ID_MAX_BYTES)
        ids.lengths[id->length_bytes] = true;
    return ids;
}

bool personal_ids_hold(const PersonalIds *ids, const char *text, size_t length_bytes)
{
    return length_bytes <= ORDER_ID_MAX_BYTES && ids->lengths[length_bytes] &&
           ids->holds(ids->context, text, length_bytes);
}

static bool is_word(char c)
{
    return g_ascii_isalnum(c) || c == '_';
}

static bool is_border(const char *text, size_t length_bytes, size_t at)
{
    return at == 0 || at == length_bytes || !is_word(text[at - 1]) || !is_word(text[at]);
}

static bool is_mentioned(const PersonalIds *ids, const char *text, size_t text_bytes)
{
    size_t lengths[ORDER_ID_MAX_BYTES], lengths_count = 0;
    for (size_t length = 1; length <= ORDER_ID_MAX_BYTES; length++) {
        if (ids->lengths[length])
            lengths[lengths_count++] = length;
    }
    for (size_t at = 0; at < text_bytes; at++) {
        if (!is_border(text, text_bytes, at))
            continue;
        for (size_t i = 0; i < lengths_count && lengths[i] <= text_bytes - at; i++) {
            if (is_border(text, text_bytes, at + lengths[i]) && ids->holds(ids->context, text + at, lengths[i]))
                return true;
        }
    }
    return false;
}

/* The code unit of "\uXXXX" at `text`, or -1. */
static int32_t read_code_unit(const char *text, const char *end)
{
    int32_t unit = 0;
    if (end - text < UNICODE_ESCAPE_CHARS || text[0] != '\\' || text[1] != 'u')
        return -1;
    for (int i = 2; i < UNICODE_ESCAPE_CHARS; i++) {
        int digit = g_ascii_xdigit_value(text[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

/* Writes the character that the escape stands for; returns how many bytes the escape has, 0 when it is none. */
static size_t resolve(const char *text, const char *end, char *out, size_t *out_bytes)
{
    static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    int32_t unit = read_code_unit(text, end);
    if (unit >= 0) {
        size_t taken = UNICODE_ESCAPE_CHARS;
        int32_t low = unit >= 0xd800 && unit < 0xdc00 ? read_code_unit(text + taken, end) : -1;
        if (low >= 0xdc00 && low < 0xe000) {
            unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            taken += UNICODE_ESCAPE_CHARS;
        }
        *out_bytes += (size_t)g_unichar_to_utf8((gunichar)unit, out + *out_bytes);
        return taken;
    }
    const char *escape = end - text >= 2 && text[0] == '\\' && text[1] != '\0' ? strchr(escapes, text[1]) : NULL;
    if (!escape)
        return 0;
    out[(*out_bytes)++] = meanings[escape - escapes];
    return 2;
}

bool personal_ids_mentioned(const PersonalIds *ids, const char *text, size_t length_bytes)
{
    if (length_bytes == 0)
        return false;
    if (is_mentioned(ids, text, length_bytes))
        return true;
    if (!memchr(text, '\\', length_bytes))
        return false;
    /* An escape is never shorter than what it stands for. */
    char *resolved = malloc(length_bytes + UTF8_MAX_BYTES);
    if (!resolved)
        abort();
    size_t resolved_bytes = 0;
    for (const char *at = text, *end = text + length_bytes; at < end;) {
        size_t taken = resolve(at, end, resolved, &resolved_bytes);
        if (taken == 0)
            resolved[resolved_bytes++] = *at;
        at += taken > 0 ? taken : 1;
    }
    bool mentioned = is_mentioned(ids, resolved, resolved_bytes);
    free(resolved);
    return mentioned;
}
