/* JSON-line log on standard error: time, level, service, event, request id, fields. Only the router, the workers and
 * main write it; library code returns errors. */
#pragma once

#include <stdint.h>
#include "common/error.h"

typedef enum LogLevel { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR } LogLevel;

typedef struct LogField {
    const char *key; /* NULL ends the list */
    enum { LOG_FIELD_TEXT, LOG_FIELD_INT, LOG_FIELD_REAL, LOG_FIELD_BOOL } kind;
    union {
        const char *text; /* NULL is written as null */
        int64_t integer;
        double real;
        bool boolean;
    };
} LogField;

#define log_text(key_, value_) ((LogField){.key = (key_), .kind = LOG_FIELD_TEXT, .text = (value_)})
#define log_int(key_, value_) ((LogField){.key = (key_), .kind = LOG_FIELD_INT, .integer = (int64_t)(value_)})
#define log_real(key_, value_) ((LogField){.key = (key_), .kind = LOG_FIELD_REAL, .real = (value_)})
#define log_bool(key_, value_) ((LogField){.key = (key_), .kind = LOG_FIELD_BOOL, .boolean = (value_)})
#define log_failure(err_) log_text("error", (err_)->message), log_text("code", error_name((err_)->code))

/* `service` is kept by reference. */
void log_init(const char *service, LogLevel lowest);
/* Whether lines of this level are written: asked before anything is formatted for one on a hot path. */
bool log_enabled(LogLevel level);
bool log_level_parse(const char *text, LogLevel *ret_level, Error *err) MUST_CHECK;
/* The id is kept by reference until the next call from the same thread; NULL: none. */
void log_set_request_id(const char *request_id);
const char *log_request_id(void);
/* `event` is a stable dotted name ("orders.batch_committed"). `fields` ends with a field without a key. One line is one
 * write(2) and always valid JSON: long texts are cut, fields beyond the line's limit are left out ("truncated":true).
 */
void log_write(LogLevel level, const char *event, const LogField *fields);

#define log_debug(event, ...) log_write(LOG_DEBUG, event, (const LogField[]){__VA_ARGS__ __VA_OPT__(, ){0}})
#define log_info(event, ...) log_write(LOG_INFO, event, (const LogField[]){__VA_ARGS__ __VA_OPT__(, ){0}})
#define log_warn(event, ...) log_write(LOG_WARN, event, (const LogField[]){__VA_ARGS__ __VA_OPT__(, ){0}})
#define log_error(event, ...) log_write(LOG_ERROR, event, (const LogField[]){__VA_ARGS__ __VA_OPT__(, ){0}})
