#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "services/ingest/backfill/backfill_file.h"

static const struct {
    const char *body;
    int format;
    BackfillFormat expected;
    ErrorCode code; /* 0: it can be opened */
} files[] = {
    {"{\"event_id\":1}\n", -1, BACKFILL_JSONL, ERROR_NONE},
    {"\n  {}", -1, BACKFILL_JSONL, ERROR_NONE},
    {"  {}", -1, BACKFILL_JSONL, ERROR_NONE},
    {"\xef\xbb\xbf{}", -1, BACKFILL_JSONL, ERROR_NONE},
    {"\xef\xbb\xbf"
     "event_id,ts_utc,branch_id\r\n1,2,3",
     -1, BACKFILL_CSV, ERROR_NONE},
    {"junk", BACKFILL_JSONL, BACKFILL_JSONL, ERROR_NONE},
    {"junk", -1, BACKFILL_CSV, ERROR_UNPROCESSABLE},
    {"", -1, BACKFILL_JSONL, ERROR_UNPROCESSABLE},
    {"\x1f\x8bjunk", -1, BACKFILL_JSONL, ERROR_MALFORMED},
};

Test(backfill_file, tells_what_a_file_is)
{
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        Error err = {0};
        BackfillFile *file = NULL;
        bool opened = backfill_file_open(files[i].body, strlen(files[i].body), files[i].format, &file, &err);
        cr_assert_eq(opened, files[i].code == ERROR_NONE, "%zu: %s", i, err.message);
        cr_assert_eq(err.code, files[i].code, "%zu: %s", i, err.message);
        cr_assert(!opened || backfill_file_format(file) == files[i].expected, "%zu", i);
        backfill_file_close(file);
    }
}

Test(backfill_file, a_line_without_end_is_refused)
{
    Error err;
    BackfillFile *file;
    size_t length_bytes = (size_t)BACKFILL_LINE_MAX_BYTES + 2 * BACKFILL_CHUNK_BYTES;
    char *body = malloc(length_bytes);
    memset(body, '{', length_bytes);
    cr_assert_not(backfill_file_open(body, length_bytes, -1, &file, &err));
    cr_assert_eq(err.code, ERROR_TOO_LARGE, "%s", err.message);
    free(body);
}
