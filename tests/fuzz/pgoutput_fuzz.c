#include <stdlib.h>
#include <string.h>
#include "services/ingest/sql_source/pgoutput.h"
#include "services/ingest/sql_source/stream_position.h"
#include "tests/fuzz/fuzz.h"

static size_t check_row(PgoutputRow row)
{
    size_t length_bytes = 0;
    for (size_t i = 0; i < row.count; i++)
        length_bytes += row.values[i] == NULL || row.values[i] == pgoutput_unchanged ? 0 : strlen(row.values[i]);
    return length_bytes;
}

static void check_message(const PgoutputMessage *message, size_t length_bytes)
{
    if (check_row(message->old_row) + check_row(message->row) > length_bytes)
        abort();
    if (message->columns_count > PGOUTPUT_COLUMNS_MAX || message->truncated_count > length_bytes)
        abort();
    for (size_t i = 0; i < message->columns_count; i++)
        if (strlen(message->columns[i].name) > PGOUTPUT_NAME_MAX_BYTES)
            abort();
}

/* What was read is written as the same. */
static void check_position(const uint8_t *data, size_t length_bytes)
{
    char text[STREAM_POSITION_TEXT_MAX], out[STREAM_POSITION_TEXT_MAX];
    StreamPosition position, again;
    if (length_bytes >= sizeof text)
        return;
    memcpy(text, data, length_bytes);
    text[length_bytes] = '\0';
    if (!stream_position_parse(text, &position))
        return;
    stream_position_format(&position, out);
    if (!stream_position_parse(out, &again) || again.complete != position.complete || again.partial != position.partial)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length_bytes)
{
    static Arena *arena;
    if (arena == NULL)
        arena = arena_new();
    arena_reset(arena);
    PgoutputMessage message;
    Error err = {0};
    if (pgoutput_read(data, length_bytes, arena, &message, &err))
        check_message(&message, length_bytes);
    else if (err.code != ERROR_MALFORMED)
        abort();
    check_position(data, length_bytes);
    return 0;
}

#define SEED(text)                                                                                                     \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }

void fuzz_seeds(FuzzTake *take)
{
    static const struct {
        const char *bytes;
        size_t length_bytes;
    } seeds[] = {
        SEED("B\0\0\0\1\0\0\0\x10\0\2\xed\x97\x26\x04\xc8\0\0\0\2\xd7"),
        SEED("C\0\0\0\0\1\0\0\0\x10\0\0\0\1\0\0\0\x40\0\0\0\0\0\0\0\1"),
        SEED("R\0\0\x40\1public\0customer\0d\0\2\1id\0\0\0\0\x19\xff\xff\xff\xff\0name\0\0\0\4\x13\0\0\0\x24"),
        SEED("I\0\0\0\7N\0\3t\0\0\0\2abnu"),
        SEED("U\0\0\0\7K\0\1t\0\0\0\1oN\0\1t\0\0\0\1x"),
        SEED("U\0\0\0\7O\0\1nN\0\1t\0\0\0\0"),
        SEED("D\0\0\0\7K\0\2t\0\0\0\1on"),
        SEED("T\0\0\0\2\1\0\0\0\7\0\0\0\x9"),
        SEED("O\0\0\0\0\0\0\0\1origin\0"),
        SEED("I\0\0\0\7N\0\1t\xff\xff\xff\xffx"),
        SEED("0/16B3748"),
        SEED("1/0 2/1 50000"),
    };
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        take(seeds[i].bytes, seeds[i].length_bytes);
}
