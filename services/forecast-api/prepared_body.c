#include "services/forecast-api/prepared_body.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

/* Dispatch asks in cycles of seconds; an hour-old forecast is better than none. */
const char forecast_cache_control[] = "max-age=5, stale-if-error=3600";

static void prepared_body_destroy(void *object)
{
    PreparedBody *body = object;
    if (body->response != NULL)
        MHD_destroy_response(body->response); /* requests still sending it hold references of their own */
    free(body);
}

bool prepared_body_new(Buffer *buffer, const char *etag, PreparedBody **ret_body, Error *err)
{
    if (!buffer_ok(buffer, err))
        return false;
    PreparedBody *body = calloc(1, sizeof *body);
    if (body == NULL)
        return error_set(err, ERROR_UNAVAILABLE, "not enough memory for an answer");
    shared_init(&body->shared, prepared_body_destroy);
    strncpy(body->etag, etag, sizeof body->etag - 1);
    size_t length_bytes;
    char *text = buffer_steal(buffer, &length_bytes);
    body->response = MHD_create_response_from_buffer(length_bytes, text, MHD_RESPMEM_MUST_FREE);
    if (body->response == NULL) {
        free(text);
        shared_unref(body);
        return error_set(err, ERROR_UNAVAILABLE, "not enough memory for an answer");
    }
    if (MHD_add_response_header(body->response, "Content-Type", "application/json") != MHD_YES ||
        MHD_add_response_header(body->response, "ETag", etag) != MHD_YES ||
        MHD_add_response_header(body->response, "Cache-Control", forecast_cache_control) != MHD_YES) {
        shared_unref(body);
        return error_set(err, ERROR_UNAVAILABLE, "not enough memory for an answer");
    }
    *ret_body = body;
    return true;
}

void prepared_body_ref(PreparedBody *body)
{
    shared_ref(&body->shared);
}
