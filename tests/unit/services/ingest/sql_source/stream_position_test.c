#include "services/ingest/sql_source/stream_position.h"

#include <criterion/criterion.h>

static void check(StreamPosition position, const char *text)
{
    char out[STREAM_POSITION_TEXT_MAX];
    StreamPosition again;
    stream_position_format(&position, out);
    cr_assert_str_eq(out, text);
    cr_assert(stream_position_parse(out, &again));
    cr_assert_eq(again.complete, position.complete);
    cr_assert_eq(again.partial, position.partial);
    cr_assert_eq(again.changes, position.changes);
}

Test(stream_position, is_read_as_it_is_written)
{
    check((StreamPosition){.complete = 0x16b3748}, "0/16B3748");
    check((StreamPosition){.complete = UINT64_C(0x100000000), .partial = UINT64_C(0x200000001), .changes = 50000},
          "1/0 2/1 50000");
}

Test(stream_position, refuses_other_texts)
{
    static const char *const bad[] = {"", "begun", "0/1 ", "0/1 0/2", "0/1 0/2 ", "0/1 0/2 x", "0/1 0/2 -1", "0/1x"};
    StreamPosition position;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_not(stream_position_parse(bad[i], &position), "\"%s\"", bad[i]);
}
