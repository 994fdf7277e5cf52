#include <criterion/criterion.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/http_client.h"
#include "common/http_server.h"
#include "common/log.h"
#include "common/worker.h"

enum { BODY_LIMIT_BYTES = 4 << 20, LARGE_REPLY_BYTES = 3000000, STOP_DEADLINE_MS = 5000 };

static HttpServer *server;
static atomic_int calls, failures_left;
static char url_prefix[64];
static char seen_id[96], seen_token[96], seen_method[16];

/* ---- the far side ------------------------------------------------------------------------------------------------ */

static bool handle_flaky(Request *request, Response *response, Error *err)
{
    atomic_fetch_add(&calls, 1);
    if (atomic_fetch_sub(&failures_left, 1) > 0) {
        int64_t wait_s;
        if (!request_query_int(request, "wait", 0, 100, 0, &wait_s, err))
            return false;
        error_set(err, ERROR_UNAVAILABLE, "warming up");
        err->retry_after_s = (unsigned)wait_s;
        return false;
    }
    response_text(response, "application/json", "{\"ok\":true}");
    return true;
}

static bool handle_status(Request *request, Response *response, Error *err)
{
    (void)response;
    atomic_fetch_add(&calls, 1);
    static const struct {
        const char *name;
        ErrorCode code;
    } codes[] = {{"404", ERROR_NOT_FOUND},  {"409", ERROR_CONFLICT},  {"422", ERROR_UNPROCESSABLE},
                 {"400", ERROR_MALFORMED},  {"403", ERROR_FORBIDDEN}, {"500", ERROR_INTERNAL},
                 {"429", ERROR_OVERLOADED}, {"504", ERROR_DEADLINE}};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (strcmp(request_path(request, "code"), codes[i].name) == 0)
            return error_set(err, codes[i].code, "the far side says %s", codes[i].name);
    }
    return error_set(err, ERROR_NOT_FOUND, "no such code");
}

static bool handle_echo(Request *request, Response *response, Error *err)
{
    (void)err;
    const char *token = request_header(request, "Authorization");
    snprintf(seen_id, sizeof(seen_id), "%s", request->request_id);
    snprintf(seen_token, sizeof(seen_token), "%s", token == NULL ? "" : token);
    snprintf(seen_method, sizeof(seen_method), "%s", request->method);
    Buffer copy;
    buffer_init(&copy, BODY_LIMIT_BYTES);
    buffer_append(&copy, request->body, request->body_length_bytes);
    response_header(response, request, "Rushcast-Cursor", "42");
    response_header(response, request, "ETag", "\"7\"");
    response_header(response, request, "X-Other", "1");
    response_buffer(response, "text/plain", &copy);
    return true;
}

static bool handle_hang(Request *request, Response *response, Error *err)
{
    (void)request;
    (void)err;
    atomic_fetch_add(&calls, 1);
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    response_text(response, "text/plain", "late");
    return true;
}

static bool handle_large(Request *request, Response *response, Error *err)
{
    FILE *file;
    if (!response_spool(response, request, "text/plain", &file, err))
        return false;
    for (int i = 0; i < LARGE_REPLY_BYTES; i++)
        fputc('a' + i % 26, file);
    return true;
}

static const Route rows[] = {
    {"GET", "/flaky", SCOPE_READ, ROUTE_FAST, 0, handle_flaky},
    {"GET", "/status/{code}", SCOPE_READ, ROUTE_FAST, 0, handle_status},
    {"POST", "/echo", SCOPE_WRITE, ROUTE_BLOCKING, BODY_LIMIT_BYTES, handle_echo},
    {"PUT", "/echo", SCOPE_WRITE, ROUTE_BLOCKING, BODY_LIMIT_BYTES, handle_echo},
    {"GET", "/echo", SCOPE_READ, ROUTE_BLOCKING, 0, handle_echo},
    {"GET", "/hang", SCOPE_READ, ROUTE_BLOCKING, 0, handle_hang},
    {"GET", "/large", SCOPE_READ, ROUTE_BLOCKING, 0, handle_large},
    {0},
};
static const Route *const tables[] = {rows, NULL};

static void start(void)
{
    log_init("test", (LogLevel)(LOG_ERROR + 1));
    Error err;
    cr_assert(http_server_start(&(HttpServerOptions){.listen = "127.0.0.1",
                                                     .port_variable = "RUSHCAST_TEST_PORT",
                                                     .event_loops = 1,
                                                     .blocking_threads = 2,
                                                     .blocking_queue_limit = 4,
                                                     .connection_limit = 50,
                                                     .idle_timeout_s = 20,
                                                     .spool_dir = "/tmp",
                                                     .tables = tables},
                                &server, &err),
              "%s", err.message);
    snprintf(url_prefix, sizeof(url_prefix), "http://127.0.0.1:%u", (unsigned)http_server_port(server));
}

static void stop(void)
{
    http_server_stop(server, STOP_DEADLINE_MS);
}

TestSuite(http_client, .init = start, .fini = stop, .timeout = 60);

static const char *url_of(const char *path)
{
    static char url[256];
    snprintf(url, sizeof(url), "%s%s", url_prefix, path);
    return url;
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

Test(http_client, retries_until_it_works)
{
    atomic_store(&failures_left, 2);
    json_t *json = NULL;
    Error err;
    cr_assert(http_get_json(url_of("/flaky"), NULL, 5000, &json, &err), "%s", err.message);
    cr_assert(json_is_true(json_object_get(json, "ok")));
    json_decref(json);
    cr_assert_eq(atomic_load(&calls), 3);
}

Test(http_client, attempts_are_bounded)
{
    atomic_store(&failures_left, 100);
    Error err;
    cr_assert_not(http_call(&(HttpCall){.url = url_of("/flaky"), .attempts = 2}, NULL, &err));
    cr_assert_eq(atomic_load(&calls), 2);
    cr_assert_eq(err.code, ERROR_UNAVAILABLE);
    char expected[256];
    snprintf(expected, sizeof(expected), "GET %s: 503 Temporarily unavailable: warming up", url_of("/flaky"));
    cr_assert_str_eq(err.message, expected);
}

Test(http_client, retry_after_is_honoured)
{
    atomic_store(&failures_left, 1);
    int64_t begin_ms = clock_monotonic_ms();
    Error err;
    cr_assert(http_call(&(HttpCall){.url = url_of("/flaky?wait=1")}, NULL, &err), "%s", err.message);
    cr_assert_geq(clock_monotonic_ms() - begin_ms, 1000);
}

Test(http_client, a_retry_after_beyond_the_deadline_ends_the_call_at_once)
{
    atomic_store(&failures_left, 1);
    int64_t begin_ms = clock_monotonic_ms();
    Error err;
    cr_assert_not(http_call(&(HttpCall){.url = url_of("/flaky?wait=60"), .deadline_ms = 5000}, NULL, &err));
    cr_assert_lt(clock_monotonic_ms() - begin_ms, 2000);
    cr_assert_eq(err.retry_after_s, 60);
    cr_assert_eq(atomic_load(&calls), 1);
}

Test(http_client, the_deadline_holds)
{
    int64_t begin_ms = clock_monotonic_ms();
    Error err;
    cr_assert_not(http_call(&(HttpCall){.url = url_of("/hang"), .deadline_ms = 200}, NULL, &err));
    cr_assert_eq(err.code, ERROR_DEADLINE);
    cr_assert_lt(clock_monotonic_ms() - begin_ms, 900);
}

static const struct {
    char path[16];
    ErrorCode code;
    int calls;
} statuses[] = {
    {"/status/404", ERROR_NOT_FOUND, 1},     {"/status/409", ERROR_CONFLICT, 1},
    {"/status/422", ERROR_UNPROCESSABLE, 1}, {"/status/400", ERROR_INVALID_ARGUMENT, 1},
    {"/status/403", ERROR_FORBIDDEN, 1},     {"/status/500", ERROR_UPSTREAM, 1},
    {"/status/429", ERROR_OVERLOADED, 2},    {"/status/504", ERROR_DEADLINE, 2},
};

Test(http_client, statuses_keep_their_meaning_and_only_passing_ones_are_retried)
{
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        atomic_store(&calls, 0);
        Error err;
        cr_assert_not(http_call(&(HttpCall){.url = url_of(statuses[i].path), .attempts = 2}, NULL, &err));
        cr_assert_eq(err.code, statuses[i].code, "%s", err.message);
        cr_assert_not_null(strstr(err.message, "the far side says"));
        cr_assert_eq(atomic_load(&calls), statuses[i].calls, "%s", statuses[i].path);
    }
}

Test(http_client, a_status_that_is_an_answer_too_comes_with_its_body)
{
    HTTP_REPLY_SCOPED HttpReply reply = {.status = 0};
    Error err;
    const HttpCall call = {.url = url_of("/status/504"), .also_status = 504};
    cr_assert(http_call(&call, &reply, &err), "%s", err.message);
    cr_expect_eq(reply.status, 504);
    cr_expect_not_null(strstr(reply.body.data, "the far side says 504"));
    cr_expect_eq(atomic_load(&calls), 1);
}

Test(http_client, a_server_that_is_not_there_is_unavailable)
{
    Error err;
    cr_assert_not(
        http_call(&(HttpCall){.url = "http://127.0.0.1:9/x", .attempts = 2, .deadline_ms = 3000}, NULL, &err));
    cr_assert_eq(err.code, ERROR_UNAVAILABLE);
}

Test(http_client, only_http_is_spoken)
{
    Error err;
    cr_assert_not(http_call(&(HttpCall){.url = "file:///etc/hostname"}, NULL, &err));
    cr_assert_eq(err.code, ERROR_INVALID_ARGUMENT);
}

Test(http_client, bodies_and_headers_go_both_ways)
{
    log_set_request_id("id-1");
    HTTP_REPLY_SCOPED HttpReply reply = {0};
    Error err;
    const HttpCall call = {.method = "PUT",
                           .url = url_of("/echo"),
                           .content_type = "text/plain",
                           .token = "secret",
                           .body = "hello",
                           .body_length_bytes = 5};
    cr_assert(http_call(&call, &reply, &err), "%s", err.message);
    log_set_request_id(NULL);
    cr_assert_eq(reply.status, 200);
    cr_assert_str_eq(reply.body.data, "hello");
    cr_assert_str_eq(reply.content_type, "text/plain");
    cr_assert_str_eq(http_reply_header(&reply, "rushcast-cursor"), "42");
    cr_assert_str_eq(http_reply_header(&reply, "etag"), "\"7\"");
    cr_assert_null(http_reply_header(&reply, "x-other"));
    cr_assert_str_eq(seen_id, "id-1");
    cr_assert_str_eq(seen_token, "Bearer secret");
    cr_assert_str_eq(seen_method, "PUT");
}

Test(http_client, a_post_needs_no_body_and_the_handle_forgets_the_last_call)
{
    Error err;
    cr_assert(http_call(&(HttpCall){.method = "POST", .url = url_of("/echo"), .body = "x", .body_length_bytes = 1},
                        NULL, &err));
    HTTP_REPLY_SCOPED HttpReply reply = {0};
    cr_assert(http_call(&(HttpCall){.method = "POST", .url = url_of("/echo")}, &reply, &err), "%s", err.message);
    cr_assert_eq(reply.body.length_bytes, 0);
    cr_assert_str_eq(seen_method, "POST");
    cr_assert(http_call(&(HttpCall){.url = url_of("/echo")}, NULL, &err), "%s", err.message);
    cr_assert_str_eq(seen_method, "GET");
}

Test(http_client, a_large_body_arrives)
{
    char *body = malloc(LARGE_REPLY_BYTES);
    memset(body, 'b', LARGE_REPLY_BYTES);
    HTTP_REPLY_SCOPED HttpReply reply = {0};
    Error err;
    const HttpCall call = {
        .method = "POST", .url = url_of("/echo"), .body = body, .body_length_bytes = LARGE_REPLY_BYTES};
    cr_assert(http_call(&call, &reply, &err), "%s", err.message);
    cr_assert_eq(reply.body.length_bytes, LARGE_REPLY_BYTES);
    cr_assert_eq(memcmp(reply.body.data, body, LARGE_REPLY_BYTES), 0);
    free(body);
}

Test(http_client, the_answer_is_limited)
{
    Error err;
    cr_assert_not(http_call(&(HttpCall){.url = url_of("/large"), .reply_limit_bytes = 1000}, NULL, &err));
    cr_assert_eq(err.code, ERROR_UPSTREAM);
    cr_assert_not_null(strstr(err.message, "larger than 1000 bytes"));
    FILE *sink = tmpfile();
    cr_assert_not(http_call(&(HttpCall){.url = url_of("/large"), .reply_limit_bytes = 1000, .sink = sink}, NULL, &err));
    fclose(sink);
}

Test(http_client, an_answer_can_go_to_a_file)
{
    FILE *sink = tmpfile();
    HTTP_REPLY_SCOPED HttpReply reply = {0};
    Error err;
    cr_assert(http_call(&(HttpCall){.url = url_of("/large"), .sink = sink}, &reply, &err), "%s", err.message);
    cr_assert_eq(ftell(sink), LARGE_REPLY_BYTES);
    cr_assert_eq(reply.body.length_bytes, 0);
    rewind(sink);
    cr_assert_eq(fgetc(sink), 'a');
    fclose(sink);
}

Test(http_client, what_is_not_json_is_the_far_sides_fault)
{
    json_t *json = NULL;
    Error err;
    cr_assert_not(http_get_json(url_of("/echo"), NULL, 1000, &json, &err));
    cr_assert_eq(err.code, ERROR_UPSTREAM);
    cr_assert_null(json);
}

Test(http_client, a_stopping_service_does_not_retry)
{
    static const WorkerDefinition no_workers[] = {{0}};
    workers_stop(workers_start(no_workers, NULL));
    atomic_store(&failures_left, 100);
    Error err;
    cr_assert_not(http_call(&(HttpCall){.url = url_of("/flaky"), .attempts = 5}, NULL, &err));
    cr_assert_eq(atomic_load(&calls), 1);
}

Test(http_client, escapes)
{
    ARENA_SCOPED Arena *arena = arena_new();
    cr_assert_str_eq(http_escape(arena, "a b/é~1&"), "a%20b%2F%C3%A9~1%26");
}
