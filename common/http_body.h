/* A request's body while it arrives: in memory up to BODY_MEMORY_MAX_BYTES, beyond that in an unlinked file. */
#pragma once

#include "common/buffer.h"

enum { BODY_MEMORY_MAX_BYTES = 1 << 20 };

typedef struct HttpBody {
    Buffer memory;
    const char *spool_dir;
    size_t limit_bytes;
    size_t length_bytes;
    int spool_fd; /* -1: all in memory */
    void *mapped; /* the spool file, once finished */
} HttpBody;

/* `spool_dir` is kept by reference. */
void http_body_init(HttpBody *body, const char *spool_dir);
/* Ready for another body of at most `limit_bytes`. */
void http_body_reset(HttpBody *body, size_t limit_bytes);
void http_body_fini(HttpBody *body);
/* TOO_LARGE beyond the limit. */
bool http_body_append(HttpBody *body, const void *data, size_t length_bytes, Error *err) MUST_CHECK;
/* The whole body; valid until the next reset. */
bool http_body_finish(HttpBody *body, const char **ret_data, Error *err) MUST_CHECK;
bool http_body_fail_too_large(size_t limit_bytes, Error *err);

/* A new file in `dir` that has no name and vanishes when it is closed. */
bool spool_open(const char *dir, int *ret_fd, Error *err) MUST_CHECK;
