/* What a handler answers. Exactly one response_* body call; headers before or after it. */
#pragma once

#include <stdio.h>
#include "common/buffer.h"
#include "common/json.h"
#include "common/request.h"

struct MHD_Response;

typedef struct Response Response; /* zero status: 200 */

enum { RESPONSE_HEADERS_MAX = 12 };

void response_status(Response *response, int status);
/* Name and value are copied. */
void response_header(Response *response, Request *request, const char *name, const char *value);
/* Steals the reference. */
void response_json(Response *response, json_t *json);
/* Steals the buffer's memory. */
void response_buffer(Response *response, const char *content_type, Buffer *buffer);
/* Copies. */
void response_text(Response *response, const char *content_type, const char *text);
void response_empty(Response *response, int status);
/* A persistent response, queued as it is (its own headers included); a reference is taken by queueing. `prepared` must
 * stay valid until the handler returns, `release(argument)` is called once it has been queued (may be NULL). */
void response_prepared(Response *response, int status, struct MHD_Response *prepared, void (*release)(void *argument),
                       void *argument);
/* An unlinked file in the spool directory to write a large body to; the response sends it from its start and closes it.
 * Write, then return: nothing is sent before, so an error can still become a problem document. */
bool response_spool(Response *response, Request *request, const char *content_type, FILE **ret_file,
                    Error *err) MUST_CHECK;
/* problem+json (RFC 9457) from the error; also what the router does when a handler returns false. */
void response_problem(Response *response, const Request *request, const Error *err);
