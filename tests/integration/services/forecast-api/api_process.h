/* The real rushcast-forecast-api, run beside the test on the test's database, and a client for it. */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct ApiProcess {
    pid_t pid;
    unsigned short port;
} ApiProcess;

/* Waits until it answers. `now` is its RUSHCAST_NOW. Ingest is out of its reach. */
ApiProcess api_process_start(const char *now);
/* SIGTERM; its exit status must be 0. */
void api_process_stop(ApiProcess *process);

typedef struct ApiReply {
    int status;
    char etag[64], retry_after[16], content_type[96];
    char *body; /* NUL-terminated */
    size_t length_bytes;
} ApiReply;

/* `header` is one header line or NULL. */
ApiReply api_call(const ApiProcess *process, const char *method, const char *path, const char *header, const void *body,
                  size_t length_bytes);
void api_reply_fini(ApiReply *reply);
#define API_REPLY_SCOPED __attribute__((cleanup(api_reply_fini)))

/* GET, any status; the document, or NULL when it is not JSON. The caller owns it. */
json_t *api_get_json(const ApiProcess *process, const char *path, int *ret_status);
