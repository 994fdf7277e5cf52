#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/http_body.h"

enum { PART_BYTES = 100000 };

static char part[PART_BYTES];

static void append_parts(HttpBody *body, int count)
{
    for (int i = 0; i < count; i++) {
        memset(part, 'a' + i % 26, sizeof(part));
        Error err;
        cr_assert(http_body_append(body, part, sizeof(part), &err), "%s", err.message);
    }
}

static void expect_parts(HttpBody *body, int count)
{
    const char *data;
    Error err;
    cr_assert(http_body_finish(body, &data, &err), "%s", err.message);
    cr_assert_eq(body->length_bytes, (size_t)count * PART_BYTES);
    for (int i = 0; i < count; i++) {
        memset(part, 'a' + i % 26, sizeof(part));
        cr_assert_eq(memcmp(data + (size_t)i * PART_BYTES, part, PART_BYTES), 0);
    }
}

Test(http_body, small_in_memory_large_in_a_file_one_after_the_other)
{
    HttpBody body;
    http_body_init(&body, "/tmp");
    for (int round = 0; round < 2; round++) {
        http_body_reset(&body, 10 << 20);
        append_parts(&body, 3);
        cr_assert_eq(body.spool_fd, -1);
        expect_parts(&body, 3);
        http_body_reset(&body, 10 << 20);
        append_parts(&body, 35);
        cr_assert_geq(body.spool_fd, 0);
        expect_parts(&body, 35);
    }
    http_body_fini(&body);
}

Test(http_body, an_empty_one_is_empty_text)
{
    HttpBody body;
    http_body_init(&body, "/tmp");
    http_body_reset(&body, 10);
    const char *data;
    cr_assert(http_body_finish(&body, &data, NULL));
    cr_assert_str_eq(data, "");
    http_body_fini(&body);
}

Test(http_body, the_limit_is_exact)
{
    HttpBody body;
    http_body_init(&body, "/tmp");
    http_body_reset(&body, 10);
    Error err;
    cr_assert(http_body_append(&body, "0123456789", 10, &err));
    cr_assert_not(http_body_append(&body, "x", 1, &err));
    cr_assert_eq(err.code, ERROR_TOO_LARGE);
    http_body_fini(&body);
}

Test(http_body, a_missing_directory_is_named)
{
    HttpBody body;
    http_body_init(&body, "/nonexistent");
    http_body_reset(&body, 10 << 20);
    Error err = {0};
    bool ok = true;
    for (int i = 0; ok && i < 20; i++)
        ok = http_body_append(&body, part, sizeof(part), &err);
    cr_assert_not(ok);
    cr_assert_not_null(strstr(err.message, "RUSHCAST_SPOOL_DIR=/nonexistent"));
    http_body_fini(&body);
}
