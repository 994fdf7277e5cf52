/* The inside of a Response: for response.c, which fills it, and http_server.c, which sends it. */
#pragma once

#include "common/response.h"

typedef struct ResponseHeader {
    const char *name, *value;
} ResponseHeader;

struct Response {
    int status;               /* 0: 200 */
    struct MHD_Response *mhd; /* owned unless is_prepared; NULL: no body call yet */
    FILE *spool;              /* becomes the body when the handler has returned */
    const char *spool_type;
    bool is_prepared;
    void (*release)(void *argument);
    void *release_argument;
    size_t headers_count;
    ResponseHeader headers[RESPONSE_HEADERS_MAX];
};

/* Forgets everything and frees what was not sent. */
void response_reset(Response *response);
/* Completes what the handler made (spool file, headers); afterwards `mhd` can be queued with `status`. */
bool response_finish(Response *response, const Request *request, Error *err) MUST_CHECK;
