#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <microhttpd.h>

#include "common/clock.h"
#include "common/http_server.h"
#include "common/log.h"

/* The tests speak HTTP over a plain socket, so that they see every byte. */

enum {
    REPLY_MAX_BYTES = 1 << 20,
    SOCKET_TIMEOUT_S = 20,
    SMALL_LIMIT_BYTES = 1000,
    LARGE_LIMIT_BYTES = 8 << 20,
    STOP_DEADLINE_MS = 5000,
};

static HttpServer *server;
static struct MHD_Response *prepared;
static atomic_int released, slow_running;
static atomic_bool slow_may_end;
static char reply[REPLY_MAX_BYTES];

/* ---- handlers ---------------------------------------------------------------------------------------------------- */

static void sleep_ms(int ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

static bool handle_fast(Request *request, Response *response, Error *err)
{
    int64_t hours;
    if (!request_query_int(request, "hours", 1, 168, 168, &hours, err))
        return false;
    response_header(response, request, "Rushcast-Cursor", "12");
    response_json(response, json_pack("{s:I}", "hours", (json_int_t)hours));
    return true;
}

static void count_release(void *argument)
{
    (void)argument;
    atomic_fetch_add(&released, 1);
}

static bool handle_prepared(Request *request, Response *response, Error *err)
{
    (void)request;
    (void)err;
    response_prepared(response, 200, prepared, count_release, NULL);
    return true;
}

static bool handle_slow(Request *request, Response *response, Error *err)
{
    (void)request;
    (void)err;
    atomic_fetch_add(&slow_running, 1);
    while (!atomic_load(&slow_may_end))
        sleep_ms(2);
    response_text(response, "text/plain", "slow");
    return true;
}

/* Answers "try" at once where it may not wait, unless ?wait=1 asks it to. */
static bool handle_tried(Request *request, Response *response, Error *err)
{
    (void)err;
    response_header(response, request, "X-Times", "1");
    if (!request->may_wait && request_query(request, "wait") != NULL)
        return request_must_wait(request);
    response_text(response, "text/plain", request->may_wait ? "waited" : "tried");
    return true;
}

static bool handle_echo(Request *request, Response *response, Error *err)
{
    (void)err;
    Buffer copy;
    buffer_init(&copy, LARGE_LIMIT_BYTES);
    buffer_append(&copy, request->body, request->body_length_bytes);
    response_buffer(response, "application/octet-stream", &copy);
    return true;
}

static bool handle_json(Request *request, Response *response, Error *err)
{
    json_t *json;
    if (!request_json(request, &json, err))
        return false;
    response_status(response, 202);
    response_json(response, json);
    return true;
}

static bool handle_part(Request *request, Response *response, Error *err)
{
    (void)err;
    response_text(response, "text/plain", request_path(request, "id"));
    return true;
}

static bool handle_accept(Request *request, Response *response, Error *err)
{
    static const char *const types[] = {"application/json", "text/csv", "application/x-ndjson", NULL};
    int index;
    if (!request_accepts(request, types, &index, err))
        return false;
    response_text(response, "text/plain", types[index]);
    return true;
}

static bool handle_typed(Request *request, Response *response, Error *err)
{
    static const char *const words[] = {"restaurant", "goods", NULL};
    double level;
    bool all;
    Hour from;
    int vertical;
    if (!request_query_real(request, "level", 0, 1, 0.5, &level, err) ||
        !request_query_bool(request, "all", false, &all, err) || !request_query_hour(request, "from", 5, &from, err) ||
        !request_query_word(request, "vertical", words, -1, &vertical, err))
        return false;
    char text[64];
    snprintf(text, sizeof(text), "%.2f %d %d %d", level, all, from, vertical);
    response_text(response, "text/plain", text);
    return true;
}

static bool handle_spool(Request *request, Response *response, Error *err)
{
    FILE *file;
    if (!response_spool(response, request, "text/csv", &file, err))
        return false;
    for (int i = 0; i < 1000; i++)
        fprintf(file, "%04d\n", i);
    if (request_query(request, "fail") != NULL)
        return error_set(err, ERROR_CONFLICT, "changed meanwhile");
    return true;
}

static bool handle_empty(Request *request, Response *response, Error *err)
{
    (void)request;
    (void)err;
    response_empty(response, 204);
    return true;
}

static bool handle_busy(Request *request, Response *response, Error *err)
{
    (void)request;
    (void)response;
    error_set(err, ERROR_UNAVAILABLE, "come back");
    err->retry_after_s = 3;
    return false;
}

static const Route rows[] = {
    {"GET", "/fast", SCOPE_READ, ROUTE_FAST, 0, handle_fast},
    {"GET", "/prepared", SCOPE_READ, ROUTE_FAST, 0, handle_prepared},
    {"GET", "/slow", SCOPE_READ, ROUTE_BLOCKING, 0, handle_slow},
    {"GET", "/tried", SCOPE_READ, ROUTE_FAST_OR_BLOCKING, 0, handle_tried},
    {"POST", "/echo", SCOPE_WRITE, ROUTE_BLOCKING, LARGE_LIMIT_BYTES, handle_echo},
    {"PUT", "/small", SCOPE_WRITE, ROUTE_FAST, SMALL_LIMIT_BYTES, handle_echo},
    {"POST", "/json", SCOPE_WRITE, ROUTE_FAST, SMALL_LIMIT_BYTES, handle_json},
    {"GET", "/parts/{id}", SCOPE_READ, ROUTE_FAST, 0, handle_part},
    {"GET", "/accept", SCOPE_READ, ROUTE_FAST, 0, handle_accept},
    {"GET", "/typed", SCOPE_READ, ROUTE_FAST, 0, handle_typed},
    {"GET", "/spool", SCOPE_READ, ROUTE_BLOCKING, 0, handle_spool},
    {"DELETE", "/fast", SCOPE_OPERATE, ROUTE_BLOCKING, 0, handle_empty},
    {"GET", "/busy", SCOPE_READ, ROUTE_FAST, 0, handle_busy},
    {0},
};
static const Route *const tables[] = {rows, NULL};

/* ---- the server -------------------------------------------------------------------------------------------------- */

static HttpServerOptions options = {
    .listen = "127.0.0.1",
    .port_variable = "RUSHCAST_TEST_PORT",
    .event_loops = 2,
    .blocking_threads = 2,
    .blocking_queue_limit = 2,
    .connection_limit = 100,
    .idle_timeout_s = 20,
    .spool_dir = "/tmp",
    .tables = tables,
};

static char prepared_text[] = "prepared";

static void start(void)
{
    log_init("test", LOG_ERROR);
    prepared = MHD_create_response_from_buffer(strlen(prepared_text), prepared_text, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(prepared, "ETag", "\"7\"");
    Error err;
    cr_assert(http_server_start(&options, &server, &err), "%s", err.message);
}

static void stop(void)
{
    atomic_store(&slow_may_end, true);
    http_server_stop(server, STOP_DEADLINE_MS);
    MHD_destroy_response(prepared);
}

TestSuite(http_server, .init = start, .fini = stop, .timeout = 60);

/* ---- a client ---------------------------------------------------------------------------------------------------- */

static int dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval timeout = {.tv_sec = SOCKET_TIMEOUT_S};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(http_server_port(server))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static bool try_send(int fd, const char *data, size_t length_bytes)
{
    while (length_bytes > 0) {
        ssize_t sent = send(fd, data, length_bytes, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        data += sent;
        length_bytes -= (size_t)sent;
    }
    return true;
}

static void send_all(int fd, const char *data, size_t length_bytes)
{
    cr_assert(try_send(fd, data, length_bytes));
}

static void send_text(int fd, const char *text)
{
    send_all(fd, text, strlen(text));
}

/* One answer, headers and body, into reply[]; returns its status, 0 when the connection ended before one was whole.
 * `has_body` is false for HEAD. */
static int read_reply(int fd, bool has_body)
{
    size_t used = 0;
    for (;;) {
        reply[used] = '\0';
        const char *end = strstr(reply, "\r\n\r\n");
        if (end != NULL) {
            const char *length = strcasestr(reply, "\r\nContent-Length: ");
            size_t body_bytes = has_body && length != NULL && length < end ? strtoul(length + 18, NULL, 10) : 0;
            if (used >= (size_t)(end + 4 - reply) + body_bytes)
                return (int)strtol(reply + strlen("HTTP/1.1 "), NULL, 10);
        }
        ssize_t got = recv(fd, reply + used, sizeof(reply) - 1 - used, 0);
        if (got <= 0)
            return 0;
        used += (size_t)got;
    }
}

static const char *reply_body(void)
{
    return strstr(reply, "\r\n\r\n") + 4;
}

static int ask(const char *method, const char *target, const char *headers)
{
    int fd = dial();
    char text[2048];
    snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: x\r\n%s\r\n", method, target, headers);
    send_text(fd, text);
    int status = read_reply(fd, strcmp(method, "HEAD") != 0);
    close(fd);
    return status;
}

static void expect(const char *part)
{
    cr_assert_not_null(strcasestr(reply, part), "no %s in %s", part, reply);
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

Test(http_server, answers_with_headers_and_request_id)
{
    cr_assert_eq(ask("GET", "/fast?hours=24", "X-Request-Id: my-id.1\r\n"), 200);
    expect("Content-Type: application/json\r\n");
    expect("X-Request-Id: my-id.1\r\n");
    expect("Rushcast-Cursor: 12\r\n");
    cr_assert_str_eq(reply_body(), "{\"hours\":24}");
}

Test(http_server, what_has_to_wait_is_handled_again_in_the_pool)
{
    cr_assert_eq(ask("GET", "/tried", ""), 200);
    cr_assert_str_eq(reply_body(), "tried");
    cr_assert_eq(ask("GET", "/tried?wait=1", "X-Request-Id: mine\r\n"), 200);
    cr_assert_str_eq(reply_body(), "waited");
    expect("X-Request-Id: mine\r\n");
    cr_assert_null(strstr(strstr(reply, "X-Times") + 1, "X-Times"), "what was answered before is forgotten");
}

Test(http_server, a_hostile_request_id_is_replaced)
{
    cr_assert_eq(ask("GET", "/fast", "X-Request-Id: a\"b\r\n"), 200);
    expect("X-Request-Id: ");
    cr_assert_null(strstr(reply, "a\"b"));
}

Test(http_server, a_bad_parameter_is_a_problem_document)
{
    cr_assert_eq(ask("GET", "/fast?hours=169", ""), 400);
    expect("Content-Type: application/problem+json\r\n");
    json_t *problem = json_loads(reply_body(), 0, NULL);
    cr_assert_not_null(problem);
    cr_assert_str_eq(json_string_value(json_object_get(problem, "type")), "urn:rushcast:problem:invalid-argument");
    cr_assert_str_eq(json_string_value(json_object_get(problem, "title")), "Invalid argument");
    cr_assert_eq(json_integer_value(json_object_get(problem, "status")), 400);
    cr_assert_str_eq(json_string_value(json_object_get(problem, "detail")),
                     "hours is \"169\": a whole number from 1 to 168 is needed");
    cr_assert_str_eq(json_string_value(json_object_get(problem, "pointer")), "hours");
    cr_assert_not_null(json_object_get(problem, "request_id"));
    json_decref(problem);
}

Test(http_server, unknown_paths_and_methods)
{
    cr_assert_eq(ask("GET", "/nothing", ""), 404);
    expect("urn:rushcast:problem:not-found");
    cr_assert_eq(ask("BREW", "/fast", ""), 405);
    expect("Allow: GET, HEAD, DELETE, OPTIONS\r\n");
    expect("urn:rushcast:problem:method-not-allowed");
    cr_assert_eq(ask("OPTIONS", "/fast", ""), 204);
    expect("Allow: GET, HEAD, DELETE, OPTIONS\r\n");
    cr_assert_eq(ask("OPTIONS", "/nothing", ""), 404);
}

Test(http_server, head_is_get_without_body)
{
    cr_assert_eq(ask("HEAD", "/fast?hours=24", ""), 200);
    expect("Content-Length: 12\r\n");
    cr_assert_str_eq(reply_body(), "");
}

Test(http_server, path_parts_are_decoded_once)
{
    cr_assert_eq(ask("GET", "/parts/a%2Fb%2525", ""), 200);
    cr_assert_str_eq(reply_body(), "a/b%25");
    cr_assert_eq(ask("GET", "/parts/%zz", ""), 400);
    expect("urn:rushcast:problem:malformed");
}

Test(http_server, prepared_responses_go_out_as_they_are)
{
    int fd = dial();
    for (int i = 1; i <= 3; i++) {
        send_text(fd, "GET /prepared HTTP/1.1\r\nHost: x\r\n\r\n");
        cr_assert_eq(read_reply(fd, true), 200);
        expect("ETag: \"7\"\r\n");
        cr_assert_str_eq(reply_body(), "prepared");
        cr_assert_eq(atomic_load(&released), i);
    }
    close(fd);
}

Test(http_server, one_connection_serves_many_requests)
{
    int fd = dial();
    for (int i = 0; i < 20; i++) {
        send_text(fd, "GET /fast HTTP/1.1\r\nHost: x\r\n\r\n");
        cr_assert_eq(read_reply(fd, true), 200);
        send_text(fd, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
        cr_assert_eq(read_reply(fd, true), 404);
        send_text(fd, "DELETE /fast HTTP/1.1\r\nHost: x\r\n\r\n");
        cr_assert_eq(read_reply(fd, true), 204);
        send_text(fd, "PUT /small HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
        cr_assert_eq(read_reply(fd, true), 200);
        cr_assert_str_eq(reply_body(), "abc");
    }
    close(fd);
}

static int ask_slow(void)
{
    int fd = dial();
    send_text(fd, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    return fd;
}

static void wait_for(const atomic_int *value, int at_least)
{
    for (int i = 0; i < 5000 && atomic_load(value) < at_least; i++)
        sleep_ms(1);
    cr_assert_geq(atomic_load(value), at_least);
}

Test(http_server, blocking_requests_hold_up_nothing_and_their_queue_is_bounded)
{
    int slow[4];
    for (int i = 0; i < 2; i++) {
        slow[i] = ask_slow();
        wait_for(&slow_running, i + 1);
    }
    slow[2] = ask_slow();
    slow[3] = ask_slow();
    sleep_ms(200); /* both threads are busy now and the queue is full */
    for (int i = 0; i < 10; i++)
        cr_assert_eq(ask("GET", "/fast", ""), 200);
    cr_assert_eq(ask("GET", "/slow", ""), 503);
    expect("Retry-After: 1\r\n");
    atomic_store(&slow_may_end, true);
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(read_reply(slow[i], true), 200);
        cr_assert_str_eq(reply_body(), "slow");
        close(slow[i]);
    }
}

Test(http_server, a_body_over_the_limit_is_refused)
{
    char *body = calloc(1, SMALL_LIMIT_BYTES + 1);
    memset(body, 'x', SMALL_LIMIT_BYTES + 1);
    int fd = dial();
    char head[256];
    snprintf(head, sizeof(head), "PUT /small HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", SMALL_LIMIT_BYTES + 1);
    send_text(fd, head);
    send_all(fd, body, SMALL_LIMIT_BYTES + 1);
    cr_assert_eq(read_reply(fd, true), 413);
    expect("urn:rushcast:problem:too-large");
    /* It was short enough to be read, so the connection goes on. */
    snprintf(head, sizeof(head), "PUT /small HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", SMALL_LIMIT_BYTES);
    send_text(fd, head);
    send_all(fd, body, SMALL_LIMIT_BYTES);
    cr_assert_eq(read_reply(fd, true), 200);
    close(fd);
    free(body);
}

Test(http_server, a_huge_body_is_refused_before_it_is_sent)
{
    int fd = dial();
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n");
    cr_assert_eq(read_reply(fd, true), 413);
    expect("Connection: close\r\n");
    char rest;
    cr_assert_eq(recv(fd, &rest, 1, 0), 0);
    close(fd);
}

Test(http_server, expect_100_continue)
{
    int fd = dial();
    send_text(fd, "PUT /small HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    cr_assert_eq(read_reply(fd, true), 100);
    send_text(fd, "abc");
    cr_assert_eq(read_reply(fd, true), 200);
    close(fd);
    fd = dial();
    send_text(fd, "PUT /small HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\nExpect: 100-continue\r\n\r\n");
    cr_assert_eq(read_reply(fd, true), 413);
    close(fd);
}

Test(http_server, a_body_where_none_belongs)
{
    int fd = dial();
    send_text(fd, "GET /fast HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    cr_assert_eq(read_reply(fd, true), 400);
    expect("takes no body");
    close(fd);
}

Test(http_server, chunked_bodies)
{
    int fd = dial();
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    sleep_ms(20);
    send_text(fd, "4\r\ndefg\r\n0\r\n\r\n");
    cr_assert_eq(read_reply(fd, true), 200);
    cr_assert_str_eq(reply_body(), "abcdefg");
    send_text(fd, "PUT /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n");
    char chunk[0x400];
    memset(chunk, 'x', sizeof(chunk));
    send_all(fd, chunk, sizeof(chunk));
    send_text(fd, "\r\n0\r\n\r\n");
    cr_assert_eq(read_reply(fd, true), 413);
    close(fd);
}

Test(http_server, an_endless_chunked_body_is_cut_off)
{
    int fd = dial();
    send_text(fd, "PUT /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    char chunk[0x1000 + 8];
    memset(chunk, 'x', sizeof(chunk));
    memcpy(chunk, "1000\r\n", 6);
    memcpy(chunk + sizeof(chunk) - 2, "\r\n", 2);
    bool open = true;
    for (int i = 0; open && i < 100000; i++)
        open = try_send(fd, chunk, sizeof(chunk));
    cr_assert_not(open);
    close(fd);
}

typedef struct Upload {
    int fd;
    const char *data;
    size_t length_bytes;
} Upload;

static void *upload(void *argument)
{
    const Upload *job = argument;
    send_all(job->fd, job->data, job->length_bytes);
    return NULL;
}

Test(http_server, large_bodies_are_spooled_and_come_back_whole)
{
    enum { LENGTH_BYTES = 5000000 };
    char *body = malloc(LENGTH_BYTES), *echoed = malloc(LENGTH_BYTES);
    for (size_t i = 0; i < LENGTH_BYTES; i++)
        body[i] = (char)(i * 2654435761u >> 24);
    int fd = dial();
    char head[256];
    snprintf(head, sizeof(head), "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", LENGTH_BYTES);
    send_text(fd, head);
    Upload job = {fd, body, LENGTH_BYTES};
    pthread_t thread;
    pthread_create(&thread, NULL, upload, &job);
    char line[1024];
    size_t line_bytes = 0;
    while (line_bytes < 4 || memcmp(line + line_bytes - 4, "\r\n\r\n", 4) != 0) {
        cr_assert_eq(recv(fd, line + line_bytes, 1, 0), 1);
        cr_assert_lt(++line_bytes, sizeof(line));
    }
    pthread_join(thread, NULL);
    cr_assert_eq(strncmp(line, "HTTP/1.1 200", 12), 0);
    for (size_t got = 0; got < LENGTH_BYTES;) {
        ssize_t part = recv(fd, echoed + got, LENGTH_BYTES - got, 0);
        cr_assert_gt(part, 0);
        got += (size_t)part;
    }
    cr_assert_eq(memcmp(body, echoed, LENGTH_BYTES), 0);
    close(fd);
    free(body);
    free(echoed);
}

Test(http_server, headers_over_the_limit)
{
    int fd = dial();
    send_text(fd, "GET /fast HTTP/1.1\r\nHost: x\r\nX-Long: ");
    char filler[4096];
    memset(filler, 'x', sizeof(filler));
    bool open = true;
    for (int i = 0; open && i < 20; i++)
        open = try_send(fd, filler, sizeof(filler));
    cr_assert_eq(read_reply(fd, true), 431);
    close(fd);
}

Test(http_server, json_bodies)
{
    int fd = dial();
    send_text(fd, "POST /json HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
    cr_assert_eq(read_reply(fd, true), 202);
    cr_assert_str_eq(reply_body(), "{\"a\":1}");
    send_text(fd, "POST /json HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n{\"a");
    cr_assert_eq(read_reply(fd, true), 400);
    expect("line 1");
    send_text(fd, "POST /json HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n[]");
    cr_assert_eq(read_reply(fd, true), 422);
    send_text(fd, "POST /json HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    cr_assert_eq(read_reply(fd, true), 400);
    close(fd);
}

static const struct {
    char accept[80], type[24];
} accepts[] = {
    {"", "application/json"},
    {"Accept: text/csv\r\n", "text/csv"},
    {"Accept: */*\r\n", "application/json"},
    {"Accept: application/json;q=0.5, text/csv\r\n", "text/csv"},
    {"Accept: text/*;q=0.4, application/x-ndjson ; q=0.3\r\n", "text/csv"},
    {"Accept: */*;q=0.1, application/json;q=0\r\n", "text/csv"},
    {"Accept: TEXT/CSV\r\n", "text/csv"},
};

Test(http_server, content_negotiation)
{
    for (size_t i = 0; i < sizeof(accepts) / sizeof(accepts[0]); i++) {
        cr_assert_eq(ask("GET", "/accept", accepts[i].accept), 200);
        cr_assert_str_eq(reply_body(), accepts[i].type, "%s", accepts[i].accept);
    }
    cr_assert_eq(ask("GET", "/accept", "Accept: image/png\r\n"), 406);
    expect("application/json, text/csv, application/x-ndjson");
}

Test(http_server, typed_parameters)
{
    cr_assert_eq(ask("GET", "/typed", ""), 200);
    cr_assert_str_eq(reply_body(), "0.50 0 5 -1");
    cr_assert_eq(ask("GET", "/typed?level=0.25&all=true&from=1970-01-01T02%3A00:00Z&vertical=goods", ""), 200);
    cr_assert_str_eq(reply_body(), "0.25 1 2 1");
    static const char bad[][40] = {"level=2",   "level=inf", "level=", "all=yes", "from=1970-01-01T02:30:00Z",
                                   "vertical=x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char target[64];
        snprintf(target, sizeof(target), "/typed?%s", bad[i]);
        cr_assert_eq(ask("GET", target, ""), 400, "%s", bad[i]);
    }
}

Test(http_server, spooled_answers)
{
    cr_assert_eq(ask("GET", "/spool", ""), 200);
    expect("Content-Type: text/csv\r\n");
    expect("Content-Length: 5000\r\n");
    cr_assert_eq(strncmp(reply_body(), "0000\n0001\n", 10), 0);
    cr_assert_eq(ask("GET", "/spool?fail=1", ""), 409);
    expect("changed meanwhile");
}

Test(http_server, retry_after_is_passed_on)
{
    cr_assert_eq(ask("GET", "/busy", ""), 503);
    expect("Retry-After: 3\r\n");
}

static atomic_bool stop_done;
static int stop_deadline_ms = STOP_DEADLINE_MS;

static void *stop_server(void *argument)
{
    (void)argument;
    http_server_stop(server, stop_deadline_ms);
    atomic_store(&stop_done, true);
    return NULL;
}

Test(http_server, stop_lets_requests_in_flight_finish)
{
    int fd = ask_slow();
    wait_for(&slow_running, 1);
    pthread_t thread;
    pthread_create(&thread, NULL, stop_server, NULL);
    sleep_ms(200);
    cr_assert_not(atomic_load(&stop_done));
    atomic_store(&slow_may_end, true);
    cr_assert_eq(read_reply(fd, true), 200);
    expect("Connection: close\r\n");
    pthread_join(thread, NULL);
    close(fd);
    server = NULL;
}

Test(http_server, requests_that_still_wait_at_the_deadline_are_sent_away)
{
    int slow[3];
    for (int i = 0; i < 2; i++) {
        slow[i] = ask_slow();
        wait_for(&slow_running, i + 1);
    }
    slow[2] = ask_slow();
    sleep_ms(100);
    stop_deadline_ms = 50;
    pthread_t thread;
    pthread_create(&thread, NULL, stop_server, NULL);
    cr_assert_eq(read_reply(slow[2], true), 503);
    expect("the service is stopping");
    atomic_store(&slow_may_end, true);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(read_reply(slow[i], true), 200);
    pthread_join(thread, NULL);
    for (int i = 0; i < 3; i++)
        close(slow[i]);
    server = NULL;
}

Test(http_server, scopes_are_checked)
{
    char path[] = "/tmp/rushcast-tokens-XXXXXX";
    int fd = mkstemp(path);
    dprintf(fd, "alpha read\n");
    close(fd);
    Auth *auth;
    Error err;
    cr_assert(auth_load(path, &auth, &err), "%s", err.message);
    unlink(path);
    http_server_stop(server, STOP_DEADLINE_MS);
    HttpServerOptions guarded = options;
    guarded.auth = auth;
    cr_assert(http_server_start(&guarded, &server, &err), "%s", err.message);
    cr_assert_eq(ask("GET", "/fast", ""), 401);
    expect("WWW-Authenticate: Bearer\r\n");
    cr_assert_eq(ask("GET", "/fast", "Authorization: Bearer alpha\r\n"), 200);
    cr_assert_eq(ask("DELETE", "/fast", "Authorization: Bearer alpha\r\n"), 403);
    http_server_stop(server, STOP_DEADLINE_MS);
    server = NULL;
    auth_free(auth);
}

Test(http_server, a_port_in_use_is_named_with_what_changes_it)
{
    HttpServerOptions same = options;
    same.port = http_server_port(server);
    HttpServer *second = NULL;
    Error err;
    cr_assert_not(http_server_start(&same, &second, &err));
    char expected[128];
    snprintf(expected, sizeof(expected),
             "cannot listen on 127.0.0.1 port %u: Address already in use; RUSHCAST_TEST_PORT sets another port",
             (unsigned)same.port);
    cr_assert_str_eq(err.message, expected);
    cr_assert_null(second);
}
