#include "common/response_parts.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

#include "common/http_body.h"

enum { PROBLEM_MAX_BYTES = 8192 };

static void add_header(struct MHD_Response *mhd, const char *name, const char *value)
{
    enum MHD_Result added = MHD_add_response_header(mhd, name, value);
    assert(added == MHD_YES); /* names and values are ours: no line breaks in them */
    (void)added;
}

static void set_body(Response *response, struct MHD_Response *mhd, const char *content_type)
{
    assert(response->mhd == NULL && response->spool == NULL);
    if (mhd == NULL)
        abort();
    response->mhd = mhd;
    if (content_type != NULL)
        add_header(mhd, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
}

static void set_owned_text(Response *response, char *text, size_t length_bytes, const char *content_type)
{
    set_body(response, MHD_create_response_from_buffer(length_bytes, text, MHD_RESPMEM_MUST_FREE), content_type);
}

void response_reset(Response *response)
{
    if (response->spool != NULL)
        fclose(response->spool);
    if (response->is_prepared) {
        if (response->release != NULL)
            response->release(response->release_argument);
    } else if (response->mhd != NULL) {
        MHD_destroy_response(response->mhd);
    }
    response->status = 0;
    response->mhd = NULL;
    response->spool_type = NULL;
    response->spool = NULL;
    response->is_prepared = false;
    response->release = NULL;
    response->headers_count = 0;
}

void response_status(Response *response, int status)
{
    response->status = status;
}

void response_header(Response *response, Request *request, const char *name, const char *value)
{
    assert(response->headers_count < RESPONSE_HEADERS_MAX);
    Arena *arena = request_arena(request);
    response->headers[response->headers_count++] =
        (ResponseHeader){arena_strdup(arena, name), arena_strdup(arena, value)};
}

void response_json(Response *response, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (text == NULL)
        abort();
    set_owned_text(response, text, strlen(text), "application/json");
}

void response_buffer(Response *response, const char *content_type, Buffer *buffer)
{
    size_t length_bytes;
    char *data = buffer_steal(buffer, &length_bytes);
    if (data == NULL)
        response_text(response, content_type, "");
    else
        set_owned_text(response, data, length_bytes, content_type);
}

static struct MHD_Response *copy_of(const char *text, size_t length_bytes)
{
    /* MHD_RESPMEM_MUST_COPY never writes to it; the parameter is not const for its other modes. */
    union {
        const char *text;
        void *memory;
    } unconst = {.text = text};
    return MHD_create_response_from_buffer(length_bytes, unconst.memory, MHD_RESPMEM_MUST_COPY);
}

void response_text(Response *response, const char *content_type, const char *text)
{
    set_body(response, copy_of(text, strlen(text)), content_type);
}

void response_empty(Response *response, int status)
{
    set_body(response, copy_of("", 0), NULL);
    response->status = status;
}

void response_prepared(Response *response, int status, struct MHD_Response *prepared, void (*release)(void *argument),
                       void *argument)
{
    set_body(response, prepared, NULL);
    response->status = status;
    response->is_prepared = true;
    response->release = release;
    response->release_argument = argument;
}

bool response_spool(Response *response, Request *request, const char *content_type, FILE **ret_file, Error *err)
{
    assert(response->mhd == NULL && response->spool == NULL);
    int fd;
    if (!spool_open(request->spool_dir, &fd, err))
        return false;
    response->spool = fdopen(fd, "w+");
    if (response->spool == NULL)
        abort();
    response->spool_type = arena_strdup(request_arena(request), content_type);
    *ret_file = response->spool;
    return true;
}

void response_problem(Response *response, const Request *request, const Error *err)
{
    Buffer body;
    buffer_init(&body, PROBLEM_MAX_BYTES);
    int status = error_http_status(err->code);
    buffer_printf(&body, "{\"type\":\"urn:rushcast:problem:%s\",\"title\":\"%s\",\"status\":%d,\"detail\":",
                  error_name(err->code), error_title(err->code), status);
    buffer_append_json_string_n(&body, err->message, strnlen(err->message, sizeof(err->message)));
    if (err->pointer[0] != '\0') {
        buffer_append_text(&body, ",\"pointer\":");
        buffer_append_json_string_n(&body, err->pointer, strnlen(err->pointer, sizeof(err->pointer)));
    }
    if (request->request_id != NULL) {
        buffer_append_text(&body, ",\"request_id\":");
        buffer_append_json_string(&body, request->request_id);
    }
    buffer_append_char(&body, '}');
    response_buffer(response, "application/problem+json", &body);
    response->status = status;
    if (err->retry_after_s > 0) {
        char seconds[16];
        snprintf(seconds, sizeof(seconds), "%u", err->retry_after_s);
        add_header(response->mhd, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    }
}

/* MHD reads from a descriptor of its own, since closing the FILE closes the first one. */
static bool finish_spool(Response *response, Error *err)
{
    FILE *file = response->spool;
    off_t length_bytes = fflush(file) == 0 ? ftello(file) : -1;
    int fd = length_bytes < 0 ? -1 : fcntl(fileno(file), F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return error_set(err, ERROR_INTERNAL, "the answer could not be written to the spool file: %s", strerror(errno));
    response->spool = NULL;
    fclose(file);
    set_body(response, MHD_create_response_from_fd((size_t)length_bytes, fd), response->spool_type);
    return true;
}

bool response_finish(Response *response, const Request *request, Error *err)
{
    if (response->spool != NULL && !finish_spool(response, err))
        return false;
    assert(response->mhd != NULL); /* each handler makes one body call */
    if (response->status == 0)
        response->status = MHD_HTTP_OK;
    if (response->is_prepared)
        return true;
    if (request->request_id != NULL)
        add_header(response->mhd, "X-Request-Id", request->request_id);
    for (size_t i = 0; i < response->headers_count; i++)
        add_header(response->mhd, response->headers[i].name, response->headers[i].value);
    return true;
}
