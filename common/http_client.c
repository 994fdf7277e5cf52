#include "common/http_client.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/worker.h"

enum {
    DEADLINE_DEFAULT_MS = 10000,
    CONNECT_MAX_MS = 3000,
    ATTEMPTS_DEFAULT = 3,
    BACKOFF_FIRST_MS = 100,
    BACKOFF_MAX_MS = 5000,
    SLEEP_SLICE_MS = 50, /* so that a stopping service does not sit out a backoff */
    KEPT_HEADERS_MAX = sizeof(((HttpReply *)NULL)->headers) / sizeof(((HttpReply *)NULL)->headers[0]),
    HEADER_MAX_BYTES = 8192,
    PROBLEM_MAX_BYTES = 64 * 1024,
};
static const size_t reply_limit_default_bytes = (size_t)64 << 20;

/* ---- one handle a thread, so that connections are kept ------------------------------------------------------------
 */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t handle_key;
static atomic_bool initialised;

static void initialise(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || pthread_key_create(&handle_key, curl_easy_cleanup) != 0)
        abort();
    atomic_store(&initialised, true);
}

/* The main thread's handle has no thread exit to be freed at. */
static void __attribute__((destructor)) free_main_handle(void)
{
    if (!atomic_load(&initialised))
        return;
    curl_easy_cleanup(pthread_getspecific(handle_key));
    curl_global_cleanup();
}

static CURL *thread_handle(void)
{
    pthread_once(&once, initialise);
    CURL *handle = pthread_getspecific(handle_key);
    if (handle == NULL) {
        handle = curl_easy_init();
        if (handle == NULL || pthread_setspecific(handle_key, handle) != 0)
            abort();
    }
    curl_easy_reset(handle);
    return handle;
}

/* ---- one attempt ------------------------------------------------------------------------------------------------- */

typedef struct Attempt {
    const HttpCall *call;
    CURL *handle;
    HttpReply *reply;
    size_t limit_bytes;
    size_t sunk_bytes; /* written to the sink */
    off_t sink_start;  /* -1: it can't be rewound */
    bool too_large, sink_failed;
    size_t headers_count;
    unsigned retry_after_s;
    CURLcode result;
} Attempt;

static long status_of(const Attempt *attempt)
{
    long status = 0;
    curl_easy_getinfo(attempt->handle, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static bool is_success(long status)
{
    return status >= 200 && status <= 299;
}

static size_t on_body(char *data, size_t one, size_t length_bytes, void *userdata)
{
    (void)one;
    Attempt *attempt = userdata;
    if (attempt->call->sink == NULL || !is_success(status_of(attempt))) {
        buffer_append(&attempt->reply->body, data, length_bytes);
        attempt->too_large = attempt->reply->body.overflowed;
        return attempt->too_large ? 0 : length_bytes;
    }
    attempt->too_large = length_bytes > attempt->limit_bytes - attempt->sunk_bytes;
    if (attempt->too_large)
        return 0;
    size_t written = fwrite(data, 1, length_bytes, attempt->call->sink);
    attempt->sunk_bytes += written;
    attempt->sink_failed = written != length_bytes;
    return written;
}

static void keep_header(Attempt *attempt, const char *name, const char *value)
{
    if (strcasecmp(name, "retry-after") == 0) {
        unsigned long seconds = strtoul(value, NULL, 10);
        attempt->retry_after_s = seconds > 86400 ? 86400 : (unsigned)seconds;
    }
    bool wanted = strcasecmp(name, "etag") == 0 || strncasecmp(name, "rushcast-", 9) == 0;
    if (!wanted || attempt->headers_count == KEPT_HEADERS_MAX)
        return;
    char(*header)[128] = attempt->reply->headers[attempt->headers_count++];
    snprintf(header[0], sizeof(header[0]), "%.*s", (int)sizeof(header[0]) - 1, name);
    snprintf(header[1], sizeof(header[1]), "%.*s", (int)sizeof(header[1]) - 1, value);
    for (char *c = header[0]; *c != '\0'; c++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + ('a' - 'A'));
    }
}

static size_t on_header(char *data, size_t one, size_t length_bytes, void *userdata)
{
    (void)one;
    Attempt *attempt = userdata;
    char line[HEADER_MAX_BYTES];
    if (length_bytes >= sizeof(line))
        return length_bytes;
    memcpy(line, data, length_bytes);
    line[length_bytes] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    char *colon = strchr(line, ':');
    if (strncmp(line, "HTTP/", 5) == 0) {
        attempt->headers_count = 0; /* those of an interim answer (100) don't count */
        memset(attempt->reply->headers, 0, sizeof(attempt->reply->headers));
    } else if (colon != NULL) {
        *colon = '\0';
        keep_header(attempt, line, colon + 1 + strspn(colon + 1, " \t"));
    }
    return length_bytes;
}

/* curl_slist_append() copies; a list that could not grow means no memory. */
static struct curl_slist *with_header(struct curl_slist *list, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return list;
    char line[HEADER_MAX_BYTES];
    snprintf(line, sizeof(line), "%s: %s", name, value);
    list = curl_slist_append(list, line);
    if (list == NULL)
        abort();
    return list;
}

static struct curl_slist *headers_of(const HttpCall *call)
{
    struct curl_slist *list = NULL;
    list = with_header(list, "Accept", call->accept == NULL ? "application/json" : call->accept);
    if (call->body != NULL)
        list = with_header(list, "Content-Type", call->content_type);
    list = with_header(list, "X-Request-Id", log_request_id());
    if (call->token != NULL && call->token[0] != '\0') {
        char bearer[HEADER_MAX_BYTES - 64];
        snprintf(bearer, sizeof(bearer), "Bearer %s", call->token);
        list = with_header(list, "Authorization", bearer);
    }
    return list;
}

static void set_method(CURL *handle, const HttpCall *call)
{
    const char *method = call->method == NULL ? "GET" : call->method;
    bool is_get = strcmp(method, "GET") == 0;
    if (strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    } else if (call->body != NULL || !is_get) {
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_length_bytes);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, call->body == NULL ? "" : call->body);
        curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, method);
    }
}

static void run_attempt(Attempt *attempt, struct curl_slist *headers, int timeout_ms)
{
    const HttpCall *call = attempt->call;
    CURL *handle = thread_handle();
    attempt->handle = handle;
    attempt->headers_count = 0;
    attempt->retry_after_s = 0;
    attempt->too_large = false;
    buffer_clear(&attempt->reply->body);
    curl_easy_setopt(handle, CURLOPT_URL, call->url);
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_PROXY, ""); /* the services are reached directly, whatever the environment says */
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(timeout_ms < CONNECT_MAX_MS ? timeout_ms : CONNECT_MAX_MS));
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, attempt);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, attempt);
    set_method(handle, call);
    attempt->result = curl_easy_perform(handle);
}

/* ---- what it means ----------------------------------------------------------------------------------------------- */

static ErrorCode code_of_transport(CURLcode result)
{
    switch (result) {
    case CURLE_OPERATION_TIMEDOUT:
        return ERROR_DEADLINE;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
        return ERROR_UNAVAILABLE;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return ERROR_INVALID_ARGUMENT;
    default:
        return ERROR_UPSTREAM;
    }
}

static ErrorCode code_of_status(long status)
{
    switch (status) {
    case 401:
        return ERROR_UNAUTHENTICATED;
    case 403:
        return ERROR_FORBIDDEN;
    case 404:
        return ERROR_NOT_FOUND;
    case 405:
        return ERROR_METHOD_NOT_ALLOWED;
    case 406:
        return ERROR_NOT_ACCEPTABLE;
    case 408:
        return ERROR_TIMEOUT;
    case 409:
        return ERROR_CONFLICT;
    case 413:
        return ERROR_TOO_LARGE;
    case 415:
        return ERROR_UNSUPPORTED_MEDIA;
    case 422:
        return ERROR_UNPROCESSABLE;
    case 429:
        return ERROR_OVERLOADED;
    case 503:
        return ERROR_UNAVAILABLE;
    case 504:
        return ERROR_DEADLINE;
    default:
        return status >= 400 && status <= 499 ? ERROR_INVALID_ARGUMENT : ERROR_UPSTREAM;
    }
}

static const char *method_of(const HttpCall *call)
{
    return call->method == NULL ? "GET" : call->method;
}

static bool fail_with_problem(const Attempt *attempt, long status, Error *err)
{
    const Buffer *body = &attempt->reply->body;
    JSON_SCOPED json_t *problem = NULL;
    const char *title = NULL, *detail = NULL;
    if (body->length_bytes > 0 && body->length_bytes <= PROBLEM_MAX_BYTES &&
        json_parse(body->data, body->length_bytes, &problem, NULL)) {
        title = json_string_value(json_object_get(problem, "title"));
        detail = json_string_value(json_object_get(problem, "detail"));
    }
    error_set(err, code_of_status(status), "%s %s: %ld%s%s%s%s", method_of(attempt->call), attempt->call->url, status,
              title == NULL ? "" : " ", title == NULL ? "" : title, detail == NULL ? "" : ": ",
              detail == NULL ? "" : detail);
    if (err != NULL)
        err->retry_after_s = attempt->retry_after_s;
    return false;
}

static bool judge(const Attempt *attempt, Error *err)
{
    const HttpCall *call = attempt->call;
    if (attempt->too_large)
        return error_set(err, ERROR_UPSTREAM, "%s %s: the answer is larger than %zu bytes", method_of(call), call->url,
                         attempt->limit_bytes);
    if (attempt->sink_failed)
        return error_set(err, ERROR_INTERNAL, "%s %s: the answer could not be written: %s", method_of(call), call->url,
                         strerror(errno));
    if (attempt->result != CURLE_OK)
        return error_set(err, code_of_transport(attempt->result), "%s %s: %s", method_of(call), call->url,
                         curl_easy_strerror(attempt->result));
    long status = status_of(attempt);
    return is_success(status) || (call->also_status != 0 && status == call->also_status) ||
           fail_with_problem(attempt, status, err);
}

/* An attempt that failed halfway has left a part of its body there. */
static bool rewind_sink(const Attempt *attempt)
{
    FILE *sink = attempt->call->sink;
    return attempt->sink_start >= 0 && fflush(sink) == 0 && fseeko(sink, attempt->sink_start, SEEK_SET) == 0 &&
           ftruncate(fileno(sink), attempt->sink_start) == 0;
}

/* Only what the far side may do better at the next time; not an answer that could not be kept here. */
static bool may_retry(Attempt *attempt)
{
    if (attempt->too_large || attempt->sink_failed)
        return false;
    if (attempt->result != CURLE_OK) {
        if (code_of_transport(attempt->result) == ERROR_INVALID_ARGUMENT)
            return false;
    } else {
        long status = status_of(attempt);
        if (status != 429 && status != 502 && status != 503 && status != 504)
            return false;
    }
    if (attempt->sunk_bytes > 0 && !rewind_sink(attempt))
        return false;
    attempt->sunk_bytes = 0;
    return true;
}

/* False when the process is stopping. */
static bool sleep_unless_stopping(int ms)
{
    while (ms > 0 && !workers_stopping()) {
        int slice_ms = ms < SLEEP_SLICE_MS ? ms : SLEEP_SLICE_MS;
        nanosleep(&(struct timespec){.tv_nsec = slice_ms * 1000000L}, NULL);
        ms -= slice_ms;
    }
    return !workers_stopping();
}

static int backoff_ms(int attempt_number, unsigned retry_after_s, unsigned *seed)
{
    int ms = BACKOFF_FIRST_MS << (attempt_number < 6 ? attempt_number : 6);
    if (ms > BACKOFF_MAX_MS)
        ms = BACKOFF_MAX_MS;
    ms = ms / 2 + (int)((unsigned)rand_r(seed) % (unsigned)(ms / 2 + 1));
    int asked_ms = (int)retry_after_s * 1000;
    return asked_ms > ms ? asked_ms : ms;
}

static void take_content_type(Attempt *attempt)
{
    const char *type = NULL;
    curl_easy_getinfo(attempt->handle, CURLINFO_CONTENT_TYPE, &type);
    snprintf(attempt->reply->content_type, sizeof(attempt->reply->content_type), "%s", type == NULL ? "" : type);
}

static bool call_until_deadline(Attempt *attempt, struct curl_slist *headers, Error *err)
{
    const HttpCall *call = attempt->call;
    int attempts = call->attempts > 0 ? call->attempts : ATTEMPTS_DEFAULT;
    int64_t end_ms = clock_monotonic_ms() + (call->deadline_ms > 0 ? call->deadline_ms : DEADLINE_DEFAULT_MS);
    unsigned seed = (unsigned)clock_wall() ^ (unsigned)(uintptr_t)attempt;
    for (int number = 0;; number++) {
        int64_t left_ms = end_ms - clock_monotonic_ms();
        run_attempt(attempt, headers, left_ms > 1 ? (int)left_ms : 1);
        if (judge(attempt, err))
            return true;
        int pause_ms = backoff_ms(number, attempt->retry_after_s, &seed);
        if (number + 1 >= attempts || clock_monotonic_ms() + pause_ms >= end_ms || !may_retry(attempt) ||
            !sleep_unless_stopping(pause_ms))
            return false;
    }
}

bool http_call(const HttpCall *call, HttpReply *ret_reply, Error *err)
{
    HTTP_REPLY_SCOPED HttpReply reply = {.status = 0};
    size_t limit_bytes = call->reply_limit_bytes > 0 ? call->reply_limit_bytes : reply_limit_default_bytes;
    buffer_init(&reply.body, limit_bytes);
    Attempt attempt = {.call = call, .reply = &reply, .limit_bytes = limit_bytes};
    attempt.sink_start = call->sink == NULL ? -1 : ftello(call->sink);
    struct curl_slist *headers = headers_of(call);
    bool ok = call_until_deadline(&attempt, headers, err);
    if (ok) {
        reply.status = (int)status_of(&attempt);
        take_content_type(&attempt);
    }
    /* The handle lives on: it must not keep pointers into this frame. */
    curl_easy_reset(attempt.handle);
    curl_slist_free_all(headers);
    if (ok && ret_reply != NULL) {
        *ret_reply = reply;
        reply.body = (Buffer){0};
    }
    return ok;
}

void http_reply_fini(HttpReply *reply)
{
    if (reply != NULL)
        buffer_fini(&reply->body);
}

const char *http_reply_header(const HttpReply *reply, const char *name)
{
    for (size_t i = 0; i < KEPT_HEADERS_MAX; i++) {
        if (strcmp(reply->headers[i][0], name) == 0)
            return reply->headers[i][1];
    }
    return NULL;
}

bool http_get_json(const char *url, const char *token, int deadline_ms, json_t **ret_json, Error *err)
{
    HTTP_REPLY_SCOPED HttpReply reply = {.status = 0};
    if (!http_call(&(HttpCall){.url = url, .token = token, .deadline_ms = deadline_ms}, &reply, err))
        return false;
    if (!json_parse(reply.body.data, reply.body.length_bytes, ret_json, err)) {
        if (err != NULL)
            err->code = ERROR_UPSTREAM;
        return error_prefix(err, "GET %s", url);
    }
    return true;
}

const char *http_escape(Arena *arena, const char *text)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t length_bytes = strlen(text);
    char *out = arena_alloc(arena, 3 * length_bytes + 1);
    size_t used = 0;
    for (size_t i = 0; i < length_bytes; i++) {
        unsigned char c = (unsigned char)text[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
                     c == '_' || c == '.' || c == '~';
        if (plain) {
            out[used++] = (char)c;
        } else {
            out[used++] = '%';
            out[used++] = hex[c >> 4];
            out[used++] = hex[c & 15];
        }
    }
    out[used] = '\0';
    return out;
}
