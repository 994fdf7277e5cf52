#include <stdlib.h>
#include <string.h>
#include "common/arrow_table.h"
#include "tests/fuzz/fuzz.h"

static const ArrowColumn columns[] = {
    {"geo", ARROW_COLUMN_TEXT, false},     {"vertical", ARROW_COLUMN_TEXT, true}, {"orders", ARROW_COLUMN_INT, true},
    {"mean", ARROW_COLUMN_REAL, true},     {"hour", ARROW_COLUMN_HOUR, false},    {"at", ARROW_COLUMN_INSTANT, true},
    {"p50", ARROW_COLUMN_REAL_LIST, true},
};
enum { COLUMNS = sizeof columns / sizeof columns[0], ROWS_LOOKED_AT_MAX = 10000 };

/* Touches each byte of the value, so that ASan sees what lies outside. */
static double touch(const ArrowTable *table, size_t row, size_t column)
{
    size_t count = 0;
    double sum = arrow_is_null(table, row, column);
    const char *text;
    const double *items;
    switch (columns[column].type) {
    case ARROW_COLUMN_TEXT:
        text = arrow_get_text(table, row, column);
        return text == NULL ? sum : (double)strlen(text);
    case ARROW_COLUMN_REAL:
        return arrow_get_real(table, row, column);
    case ARROW_COLUMN_REAL_LIST:
        items = arrow_get_reals(table, row, column, &count);
        for (size_t i = 0; i < count; i++)
            sum += items[i];
        return sum;
    case ARROW_COLUMN_INT:
    case ARROW_COLUMN_BOOL:
    case ARROW_COLUMN_HOUR:
    case ARROW_COLUMN_INSTANT:
        return (double)arrow_get_int(table, row, column);
    }
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length_bytes)
{
    ARENA_SCOPED Arena *arena = arena_new();
    ArrowTable *table;
    Error err = {0};
    if (!arrow_table_read(data, length_bytes, columns, COLUMNS, arena, &table, &err)) {
        if (err.code != ERROR_MALFORMED && err.code != ERROR_UNPROCESSABLE)
            abort();
        return 0;
    }
    volatile double sum = 0;
    for (size_t row = 0; row < table->rows && row < ROWS_LOOKED_AT_MAX; row++)
        for (size_t column = 0; column < COLUMNS; column++)
            sum += touch(table, row, column);
    return 0;
}

static void write_row(ArrowWriter *writer, size_t row)
{
    const double items[] = {0.5, 1, (double)row};
    arrow_text(writer, row == 0 ? "87c2e3020ffffff" : "");
    arrow_text(writer, row % 2 ? NULL : "goods");
    arrow_int(writer, (int64_t)row - 1);
    arrow_real(writer, 1.5);
    arrow_int(writer, 495000);
    arrow_null(writer);
    arrow_reals(writer, items, row % 4);
    arrow_end_row(writer);
}

void fuzz_seeds(FuzzTake *take)
{
    static const ArrowMetadata metadata[] = {{"rushcast.cutoff", "2026-11-23T15:00:00Z"}, {NULL, NULL}};
    static const size_t rows[] = {0, 1, 20};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *bytes = NULL;
        size_t length_bytes;
        Error err;
        ArrowWriter *writer;
        FILE *out = open_memstream(&bytes, &length_bytes);
        if (!arrow_writer_new(out, columns, COLUMNS, metadata, &writer, &err))
            abort();
        for (size_t row = 0; row < rows[i]; row++)
            write_row(writer, row);
        if (!arrow_writer_end(writer, &err) || fclose(out) != 0)
            abort();
        take(bytes, length_bytes);
        free(bytes);
    }
}
