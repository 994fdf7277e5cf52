#include <criterion/criterion.h>

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

enum { CAPTURED_MAX_BYTES = 128 * 1024 };

static FILE *captured_file;
static int saved_stderr;
static char captured[CAPTURED_MAX_BYTES];

static void capture_begin(void)
{
    captured_file = tmpfile();
    cr_assert_not_null(captured_file);
    saved_stderr = dup(STDERR_FILENO);
    dup2(fileno(captured_file), STDERR_FILENO);
}

static const char *capture_end(void)
{
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    rewind(captured_file);
    captured[fread(captured, 1, sizeof(captured) - 1, captured_file)] = '\0';
    fclose(captured_file);
    return captured;
}

static json_t *only_line(const char *text)
{
    cr_assert_eq(strchr(text, '\n'), text + strlen(text) - 1, "not one line: %s", text);
    json_t *line = json_loads(text, 0, NULL);
    cr_assert_not_null(line, "not JSON: %s", text);
    return line;
}

static const char *text_of(const json_t *line, const char *key)
{
    return json_string_value(json_object_get(line, key));
}

Test(log, a_line_has_all_fields)
{
    log_init("ingest", LOG_INFO);
    log_set_request_id("r-1");
    capture_begin();
    log_info("orders.committed", log_text("topic", "orders.raw"), log_int("count", -3), log_real("seconds", 0.25),
             log_bool("last", true), log_text("none", NULL));
    json_t *line = only_line(capture_end());
    cr_assert_str_eq(text_of(line, "level"), "info");
    cr_assert_str_eq(text_of(line, "service"), "ingest");
    cr_assert_str_eq(text_of(line, "event"), "orders.committed");
    cr_assert_str_eq(text_of(line, "request_id"), "r-1");
    cr_assert_str_eq(text_of(line, "topic"), "orders.raw");
    cr_assert_eq(json_integer_value(json_object_get(line, "count")), -3);
    cr_assert_float_eq(json_number_value(json_object_get(line, "seconds")), 0.25, 0);
    cr_assert(json_is_true(json_object_get(line, "last")));
    cr_assert(json_is_null(json_object_get(line, "none")));
    json_decref(line);
    log_set_request_id(NULL);
}

Test(log, levels_below_the_lowest_are_silent)
{
    log_init("ingest", LOG_WARN);
    cr_assert_not(log_enabled(LOG_INFO));
    capture_begin();
    log_info("quiet");
    cr_assert_str_eq(capture_end(), "");
}

Test(log, hostile_text_stays_one_valid_line)
{
    log_init("ingest", LOG_INFO);
    capture_begin();
    log_warn("odd", log_text("text", "a\nb\"c\\\x01\xff\xc3"));
    json_t *line = only_line(capture_end());
    cr_assert_str_eq(text_of(line, "text"), "a\nb\"c\\\x01\xEF\xBF\xBD\xEF\xBF\xBD");
    json_decref(line);
}

Test(log, long_lines_are_cut_and_stay_valid)
{
    static char text[100000];
    memset(text, '\x01', sizeof(text) - 1);
    log_init("ingest", LOG_INFO);
    capture_begin();
    log_warn("long", log_text("a", text), log_text("b", text), log_text("c", "short"));
    json_t *line = only_line(capture_end());
    cr_assert(json_is_true(json_object_get(line, "truncated")));
    cr_assert_not_null(text_of(line, "a"));
    json_decref(line);
}

Test(log, level_names)
{
    LogLevel level;
    cr_assert(log_level_parse("WARN", &level, NULL));
    cr_assert_eq(level, LOG_WARN);
    Error err;
    cr_assert_not(log_level_parse("loud", &level, &err));
    cr_assert_eq(err.code, ERROR_INVALID_ARGUMENT);
}
