#include "common/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct ErrorRow {
    int status;
    const char *title;
    const char *name;
} ErrorRow;

enum { ERROR_NAME_MAX = 32 };

/* errors.def has names in C's spelling; names[] holds them as problem types spell them, filled before main(). */
static ErrorRow rows[] = {
    [ERROR_NONE] = {200, "No error", "NONE"},
#define ERROR(name, status, title) [ERROR_##name] = {status, title, #name},
#include "common/errors.def"
#undef ERROR
};
enum { ROWS_COUNT = sizeof(rows) / sizeof(rows[0]) };

static char names[ROWS_COUNT][ERROR_NAME_MAX];

static void __attribute__((constructor)) spell_names(void)
{
    for (size_t i = 0; i < ROWS_COUNT; i++) {
        assert(strlen(rows[i].name) < ERROR_NAME_MAX);
        for (size_t k = 0; rows[i].name[k] != '\0'; k++) {
            char c = rows[i].name[k];
            names[i][k] = c == '_' ? '-' : (char)(c + ('a' - 'A'));
        }
        rows[i].name = names[i];
    }
}

static const ErrorRow *row_of(ErrorCode code)
{
    assert((size_t)code < ROWS_COUNT);
    return &rows[code];
}

/* A text that fills its buffer was cut there: not within a character, since messages are stored and sent as UTF-8. */
static void end_at_character(char *text, size_t size)
{
    size_t length = strlen(text), lead = length;
    if (length + 1 < size)
        return;
    while (lead > 0 && ((unsigned char)text[lead - 1] & 0xc0) == 0x80)
        lead--;
    if (lead == 0 || (unsigned char)text[lead - 1] < 0xc0)
        return;
    unsigned char first = (unsigned char)text[--lead];
    size_t needed = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (length - lead < needed)
        text[lead] = '\0';
}

/* Messages may quote their own predecessor (error_set(err, code, "...%s", err->message)), hence the copy. */
static void set(Error *err, ErrorCode code, const char *pointer, const char *format, va_list args)
{
    char message[sizeof(err->message)];
    vsnprintf(message, sizeof(message), format, args);
    end_at_character(message, sizeof(message));
    char at[sizeof(err->pointer)];
    snprintf(at, sizeof(at), "%s", pointer);
    end_at_character(at, sizeof(at));
    *err = (Error){.code = code};
    memcpy(err->message, message, sizeof(message));
    memcpy(err->pointer, at, sizeof(at));
}

bool(error_set)(Error *err, ErrorCode code, const char *format, ...)
{
    if (err == NULL)
        return false;
    va_list args;
    va_start(args, format);
    set(err, code, "", format, args);
    va_end(args);
    return false;
}

bool(error_set_at)(Error *err, ErrorCode code, const char *pointer, const char *format, ...)
{
    if (err == NULL)
        return false;
    va_list args;
    va_start(args, format);
    set(err, code, pointer == NULL ? "" : pointer, format, args);
    va_end(args);
    return false;
}

bool(error_prefix)(Error *err, const char *format, ...)
{
    if (err == NULL)
        return false;
    char context[sizeof(err->message)];
    va_list args;
    va_start(args, format);
    vsnprintf(context, sizeof(context), format, args);
    va_end(args);
    char message[2 * sizeof(err->message) + 2];
    snprintf(message, sizeof(message), "%s: %s", context, err->message);
    memcpy(err->message, message, sizeof(err->message) - 1);
    err->message[sizeof(err->message) - 1] = '\0';
    end_at_character(err->message, sizeof(err->message));
    return false;
}

int error_http_status(ErrorCode code)
{
    return row_of(code)->status;
}

const char *error_title(ErrorCode code)
{
    return row_of(code)->title;
}

const char *error_name(ErrorCode code)
{
    return row_of(code)->name;
}

bool error_is_transient(const Error *err)
{
    switch (err->code) {
    case ERROR_UNAVAILABLE:
    case ERROR_DEADLINE:
    case ERROR_UPSTREAM:
    case ERROR_OVERLOADED:
    case ERROR_TIMEOUT:
        return true;
    default:
        return false;
    }
}
