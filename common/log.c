#include "common/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/clock.h"

enum { LOG_LINE_MAX_BYTES = 32 * 1024, LOG_LINE_END_BYTES = 32, LOG_TEXT_MAX_BYTES = 4096, LOG_DECIMALS = 6 };

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error"};
enum { LEVELS_COUNT = sizeof(level_names) / sizeof(level_names[0]) };

static const char *service_name = "rushcast";
static _Atomic LogLevel lowest_level = LOG_INFO;
static _Thread_local const char *thread_request_id;

void log_init(const char *service, LogLevel lowest)
{
    service_name = service;
    atomic_store(&lowest_level, lowest);
}

bool log_enabled(LogLevel level)
{
    return level >= atomic_load_explicit(&lowest_level, memory_order_relaxed);
}

bool log_level_parse(const char *text, LogLevel *ret_level, Error *err)
{
    for (size_t i = 0; i < LEVELS_COUNT; i++) {
        if (strcasecmp(text, level_names[i]) == 0) {
            *ret_level = (LogLevel)i;
            return true;
        }
    }
    return error_set(err, ERROR_INVALID_ARGUMENT, "log level \"%s\": debug, info, warn or error is needed", text);
}

void log_set_request_id(const char *request_id)
{
    thread_request_id = request_id;
}

const char *log_request_id(void)
{
    return thread_request_id;
}

static void append_text(Buffer *line, const char *text)
{
    if (text == NULL)
        buffer_append_text(line, "null");
    else
        buffer_append_json_string_n(line, text, strnlen(text, LOG_TEXT_MAX_BYTES));
}

static void append_field(Buffer *line, const LogField *field)
{
    buffer_append_char(line, ',');
    append_text(line, field->key);
    buffer_append_char(line, ':');
    switch (field->kind) {
    case LOG_FIELD_TEXT:
        append_text(line, field->text);
        break;
    case LOG_FIELD_INT:
        buffer_append_int(line, field->integer);
        break;
    case LOG_FIELD_REAL:
        buffer_append_decimal(line, field->real, LOG_DECIMALS);
        break;
    case LOG_FIELD_BOOL:
        buffer_append_text(line, field->boolean ? "true" : "false");
        break;
    }
}

static void write_all(const char *data, size_t length_bytes)
{
    while (length_bytes > 0) {
        ssize_t written = write(STDERR_FILENO, data, length_bytes);
        if (written < 0) {
            if (errno == EINTR)
                continue;
            return; /* there is nowhere left to report it */
        }
        data += written;
        length_bytes -= (size_t)written;
    }
}

void log_write(LogLevel level, const char *event, const LogField *fields)
{
    if (!log_enabled(level))
        return;
    int saved_errno = errno;
    BUFFER_SCOPED Buffer line;
    buffer_init(&line, LOG_LINE_MAX_BYTES);
    char time[INSTANT_TEXT_MAX];
    instant_format(clock_wall(), time);
    buffer_printf(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"service\":", time, level_names[level]);
    append_text(&line, service_name);
    buffer_append_text(&line, ",\"event\":");
    append_text(&line, event);
    if (thread_request_id != NULL)
        append_field(&line, &log_text("request_id", thread_request_id));
    for (const LogField *field = fields; field->key != NULL; field++) {
        size_t before_bytes = line.length_bytes;
        append_field(&line, field);
        if (line.overflowed || line.length_bytes > LOG_LINE_MAX_BYTES - LOG_LINE_END_BYTES) {
            line.overflowed = false;
            line.length_bytes = before_bytes;
            append_field(&line, &log_bool("truncated", true));
            break;
        }
    }
    buffer_append_text(&line, "}\n");
    write_all(line.data, line.length_bytes);
    errno = saved_errno;
}
