/* What a handler sees of a request. Everything lives until the response is queued. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "common/arena.h"
#include "common/hour.h"
#include "common/json.h"

struct MHD_Connection;
struct Route;

typedef struct Request {
    struct MHD_Connection *connection;
    const struct Route *route;
    void *service; /* the service's own state (ServiceDefinition.state) */
    Arena *arena;  /* NULL until first used: take it with request_arena() */
    const char *method;
    const char *path;           /* as sent, without query */
    const char *request_id;     /* the client's, or a new one; NULL on a ROUTE_FAST whose client sent none */
    const char *path_values[4]; /* values of the {parts} of the route's pattern, decoded, in order */
    const char *body;           /* whole body; large ones are mapped from a spool file */
    size_t body_length_bytes;
    const char *spool_dir;
    bool may_wait;  /* not on the event loop */
    bool must_wait; /* by request_must_wait() */
} Request;

Arena *request_arena(Request *request);
/* For handlers of ROUTE_FAST_OR_BLOCKING while may_wait is false: `return request_must_wait(request);` (false, without
 * an error) forgets the answer so far and has the handler called again on the bounded pool, where may_wait is true.
 * Waking a thread costs more than a short answer does; waiting on the event loop would hold up the other connections.
 */
bool request_must_wait(Request *request) MUST_CHECK;
/* Decoded value of {name} in the route's pattern. Aborts when the pattern has none. */
const char *request_path(const Request *request, const char *name);
/* The same as a number from 1 on; INVALID_ARGUMENT. */
bool request_path_id(const Request *request, const char *name, int64_t *ret_id, Error *err) MUST_CHECK;
/* Query parameter or NULL; decoded. */
const char *request_query(const Request *request, const char *name);
const char *request_header(const Request *request, const char *name);

/* Typed query parameters: absent -> fallback; bad -> INVALID_ARGUMENT naming the parameter, value and what is allowed.
 */
bool request_query_int(const Request *request, const char *name, int64_t minimum, int64_t maximum, int64_t fallback,
                       int64_t *ret_value, Error *err) MUST_CHECK;
bool request_query_real(const Request *request, const char *name, double minimum, double maximum, double fallback,
                        double *ret_value, Error *err) MUST_CHECK;
bool request_query_hour(const Request *request, const char *name, Hour fallback, Hour *ret_hour, Error *err) MUST_CHECK;
bool request_query_instant(const Request *request, const char *name, Instant fallback, Instant *ret_instant,
                           Error *err) MUST_CHECK;
bool request_query_bool(const Request *request, const char *name, bool fallback, bool *ret_value,
                        Error *err) MUST_CHECK;
/* One of the NULL-terminated words; *ret_index is its index, `fallback` when absent. */
bool request_query_word(const Request *request, const char *name, const char *const *words, int fallback,
                        int *ret_index, Error *err) MUST_CHECK;
/* INVALID_ARGUMENT when there is a query parameter that is not among the NULL-terminated `names`, which the message
 * lists: a misspelt filter would be taken for none. */
bool request_query_only(const Request *request, const char *const *names, Error *err) MUST_CHECK;
/* UNPROCESSABLE/MALFORMED unless the body is a JSON object. The caller owns *ret_json. */
bool request_json(const Request *request, json_t **ret_json, Error *err) MUST_CHECK;

/* Best of the NULL-terminated media types for the Accept header (RFC 9110 12.5.1); the first when absent.
 * NOT_ACCEPTABLE lists them. */
bool request_accepts(const Request *request, const char *const *types, int *ret_index, Error *err) MUST_CHECK;
