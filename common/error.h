/* Errors of the world (bad input, a server that is down). Our own bugs are asserts. A function that can fail returns
 * bool and takes the caller's `Error *err` as its last parameter; it leaves `ret_` outputs untouched on failure. */
#pragma once

#include <stdbool.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

typedef enum ErrorCode {
    ERROR_NONE,
#define ERROR(name, status, title) ERROR_##name,
#include "common/errors.def"
#undef ERROR
} ErrorCode;

typedef struct Error {
    ErrorCode code;
    char message[512];      /* one sentence: what happened, and what to do about it */
    char pointer[128];      /* JSON pointer or parameter name the message is about; empty if none */
    unsigned retry_after_s; /* 0: unknown */
} Error;

/* Sets code and message and clears the rest. Always returns false, so that `return error_set(err, ...)` reads well.
 * `err` may be NULL. */
bool error_set(Error *err, ErrorCode code, const char *format, ...) PRINTF_LIKE(3, 4);

/* As error_set, naming the parameter or JSON pointer at fault. */
bool error_set_at(Error *err, ErrorCode code, const char *pointer, const char *format, ...) PRINTF_LIKE(4, 5);

/* Puts "context: " before the message that is there. Always returns false. */
bool error_prefix(Error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* The compiler sees that these return false, and so which outputs are set where. */
#define error_set(...)                                                                                                 \
    ({                                                                                                                 \
        (void)error_set(__VA_ARGS__);                                                                                  \
        false;                                                                                                         \
    })
#define error_set_at(...)                                                                                              \
    ({                                                                                                                 \
        (void)error_set_at(__VA_ARGS__);                                                                               \
        false;                                                                                                         \
    })
#define error_prefix(...)                                                                                              \
    ({                                                                                                                 \
        (void)error_prefix(__VA_ARGS__);                                                                               \
        false;                                                                                                         \
    })

int error_http_status(ErrorCode code);
const char *error_title(ErrorCode code);
/* "not-found"; static storage. */
const char *error_name(ErrorCode code);
/* Whether trying the same thing later may succeed (UNAVAILABLE, DEADLINE, UPSTREAM, OVERLOADED, TIMEOUT). */
bool error_is_transient(const Error *err);
