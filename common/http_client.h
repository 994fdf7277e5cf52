/* Calls to other services (libcurl): a deadline for the whole call, bounded retry with backoff and jitter for what may
 * be repeated (transport errors, 429, 502, 503, 504; Retry-After honoured), the request id and token passed on. */
#pragma once

#include <stdio.h>
#include "common/buffer.h"
#include "common/json.h"

typedef struct HttpCall {
    const char *method; /* NULL: GET */
    const char *url;
    const char *accept;       /* NULL: application/json */
    const char *content_type; /* of the body */
    const char *token;        /* NULL or empty: none */
    const void *body;
    size_t body_length_bytes;
    int deadline_ms;          /* for all attempts together; 0: 10,000 */
    int attempts;             /* 0: 3. Calls must be idempotent for more than 1. */
    int also_status;          /* beside 2xx this one is an answer too, not an error; 0: none */
    size_t reply_limit_bytes; /* 0: 64 MiB */
    FILE *sink;               /* when given, a 2xx body is written there instead of `body` of the reply */
} HttpCall;

typedef struct HttpReply {
    int status;
    Buffer body;
    char content_type[96];
    char headers[8][2][128]; /* those starting with "Rushcast-" and "ETag", lower-cased names */
} HttpReply;

void http_reply_fini(HttpReply *reply);
#define HTTP_REPLY_SCOPED __attribute__((cleanup(http_reply_fini)))

/* True for any 2xx and also_status. Otherwise the error carries URL, status and the problem's title and detail: 4xx
 * keep their meaning (NOT_FOUND, CONFLICT, ...; others INVALID_ARGUMENT), 5xx and transport errors are UPSTREAM,
 * UNAVAILABLE or DEADLINE. ret_reply may be NULL. */
bool http_call(const HttpCall *call, HttpReply *ret_reply, Error *err) MUST_CHECK;
/* Header of the reply by lower-case name, or NULL. */
const char *http_reply_header(const HttpReply *reply, const char *name);
/* GET that must answer a JSON document. The caller owns *ret_json. */
bool http_get_json(const char *url, const char *token, int deadline_ms, json_t **ret_json, Error *err) MUST_CHECK;
/* `text` percent-encoded for a query or path part, in the arena. */
const char *http_escape(Arena *arena, const char *text);
