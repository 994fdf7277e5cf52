/* A serialized answer as a persistent libmicrohttpd response, shared by snapshots and the requests that send it. */
#pragma once

#include "common/buffer.h"
#include "services/forecast-api/shared.h"

struct MHD_Response;

enum { ETAG_TEXT_MAX = 48 };

typedef struct PreparedBody {
    Shared shared;
    struct MHD_Response *response;
    char etag[ETAG_TEXT_MAX]; /* with its quotes */
} PreparedBody;

/* Steals the buffer's memory. UNAVAILABLE when there is no memory. */
bool prepared_body_new(Buffer *body, const char *etag, PreparedBody **ret_body, Error *err) MUST_CHECK;
/* While the snapshot it was found in is held. Let go with shared_unref(). */
void prepared_body_ref(PreparedBody *body);

/* The headers every forecast has: how long it may be used, also when this service can't be reached. */
extern const char forecast_cache_control[];
