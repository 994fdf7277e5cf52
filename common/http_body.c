#include "common/http_body.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BODY_KEPT_MAX_BYTES = 64 * 1024, SPOOL_PATH_MAX_BYTES = 4096 };

bool spool_open(const char *dir, int *ret_fd, Error *err)
{
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
        /* File systems without O_TMPFILE */
        char path[SPOOL_PATH_MAX_BYTES];
        snprintf(path, sizeof(path), "%s/rushcast-XXXXXX", dir);
        fd = mkostemp(path, O_CLOEXEC);
        if (fd >= 0)
            unlink(path);
    }
    if (fd < 0)
        return error_set(err, ERROR_INTERNAL, "no file can be made in RUSHCAST_SPOOL_DIR=%s: %s", dir, strerror(errno));
    *ret_fd = fd;
    return true;
}

void http_body_init(HttpBody *body, const char *spool_dir)
{
    *body = (HttpBody){.spool_dir = spool_dir, .spool_fd = -1};
    buffer_init(&body->memory, BODY_MEMORY_MAX_BYTES);
}

void http_body_reset(HttpBody *body, size_t limit_bytes)
{
    if (body->mapped != NULL)
        munmap(body->mapped, body->length_bytes);
    if (body->spool_fd >= 0)
        close(body->spool_fd);
    if (body->memory.capacity_bytes > BODY_KEPT_MAX_BYTES)
        buffer_fini(&body->memory);
    buffer_clear(&body->memory);
    body->mapped = NULL;
    body->spool_fd = -1;
    body->length_bytes = 0;
    body->limit_bytes = limit_bytes;
}

void http_body_fini(HttpBody *body)
{
    http_body_reset(body, 0);
    buffer_fini(&body->memory);
}

bool http_body_fail_too_large(size_t limit_bytes, Error *err)
{
    return error_set(err, ERROR_TOO_LARGE, "the body is larger than the %zu bytes this route takes", limit_bytes);
}

static bool spool_write(HttpBody *body, const char *data, size_t length_bytes, Error *err)
{
    while (length_bytes > 0) {
        ssize_t written = write(body->spool_fd, data, length_bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return error_set(err, ERROR_INTERNAL, "the body could not be written to RUSHCAST_SPOOL_DIR=%s: %s",
                             body->spool_dir, strerror(errno));
        data += written;
        length_bytes -= (size_t)written;
    }
    return true;
}

bool http_body_append(HttpBody *body, const void *data, size_t length_bytes, Error *err)
{
    if (length_bytes > body->limit_bytes - body->length_bytes)
        return http_body_fail_too_large(body->limit_bytes, err);
    if (body->spool_fd < 0 && body->length_bytes + length_bytes <= BODY_MEMORY_MAX_BYTES) {
        buffer_append(&body->memory, data, length_bytes);
        if (!buffer_ok(&body->memory, err))
            return false;
        body->length_bytes += length_bytes;
        return true;
    }
    if (body->spool_fd < 0) {
        if (!spool_open(body->spool_dir, &body->spool_fd, err) ||
            !spool_write(body, body->memory.data, body->memory.length_bytes, err))
            return false;
        buffer_fini(&body->memory);
    }
    if (!spool_write(body, data, length_bytes, err))
        return false;
    body->length_bytes += length_bytes;
    return true;
}

bool http_body_finish(HttpBody *body, const char **ret_data, Error *err)
{
    if (body->spool_fd < 0) {
        *ret_data = body->length_bytes == 0 ? "" : body->memory.data;
        return true;
    }
    void *mapped = mmap(NULL, body->length_bytes, PROT_READ, MAP_PRIVATE, body->spool_fd, 0);
    if (mapped == MAP_FAILED)
        return error_set(err, ERROR_INTERNAL, "the spooled body could not be mapped: %s", strerror(errno));
    body->mapped = mapped;
    *ret_data = mapped;
    return true;
}
