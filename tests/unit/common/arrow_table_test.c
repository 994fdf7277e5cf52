#include "common/arrow_table.h"

#include <criterion/criterion.h>
#include <math.h>
#include <nanoarrow/nanoarrow.h>
#include <nanoarrow/nanoarrow_ipc.h>
#include <stdlib.h>
#include <string.h>

TestSuite(arrow_table);

static const ArrowColumn columns[] = {
    {"geo", ARROW_COLUMN_TEXT, false},     {"vertical", ARROW_COLUMN_TEXT, true}, {"orders", ARROW_COLUMN_INT, true},
    {"mean", ARROW_COLUMN_REAL, true},     {"hour", ARROW_COLUMN_HOUR, false},    {"at", ARROW_COLUMN_INSTANT, true},
    {"p50", ARROW_COLUMN_REAL_LIST, true},
};
enum { COLUMNS = sizeof columns / sizeof columns[0], ITEMS_MAX = 200 };

typedef struct Stream {
    char *bytes;
    size_t length_bytes;
} Stream;

static double item(size_t row, size_t i)
{
    return (double)row + (double)i / 1024;
}

static void write_row(ArrowWriter *writer, size_t row)
{
    double items[ITEMS_MAX];
    size_t count = row % ITEMS_MAX;
    char geo[32];
    snprintf(geo, sizeof geo, "geo-%zu", row / 3);
    for (size_t i = 0; i < count; i++)
        items[i] = item(row, i);
    arrow_text(writer, geo);
    arrow_text(writer, row % 2 == 0 ? NULL : "ñandú");
    if (row % 5 == 0)
        arrow_null(writer);
    else
        arrow_int(writer, -(int64_t)row);
    arrow_real(writer, (double)row / 8);
    arrow_int(writer, (Hour)row - 5);
    arrow_int(writer, (Instant)row * 1000001);
    if (row % 7 == 0)
        arrow_null(writer);
    else
        arrow_reals(writer, items, count);
    arrow_end_row(writer);
}

static Stream written(size_t rows)
{
    static const ArrowMetadata metadata[] = {{"rushcast.cutoff", "2026-11-23T15:00:00Z"}, {"empty", ""}, {NULL, NULL}};
    Stream stream = {NULL, 0};
    Error err;
    ArrowWriter *writer;
    FILE *out = open_memstream(&stream.bytes, &stream.length_bytes);
    cr_assert(arrow_writer_new(out, columns, COLUMNS, metadata, &writer, &err), "%s", err.message);
    for (size_t row = 0; row < rows; row++)
        write_row(writer, row);
    cr_assert(arrow_writer_end(writer, &err), "%s", err.message);
    fclose(out);
    return stream;
}

static void check_rows(const ArrowTable *table, size_t rows)
{
    cr_assert_eq(table->rows, rows);
    for (size_t row = 0; row < rows; row++) {
        char geo[32];
        snprintf(geo, sizeof geo, "geo-%zu", row / 3);
        cr_assert_str_eq(arrow_get_text(table, row, 0), geo);
        if (row % 2 == 0)
            cr_assert_null(arrow_get_text(table, row, 1));
        else
            cr_assert_str_eq(arrow_get_text(table, row, 1), "ñandú");
        cr_assert_eq(arrow_is_null(table, row, 2), row % 5 == 0);
        cr_assert_eq(arrow_get_int(table, row, 2), row % 5 == 0 ? 0 : -(int64_t)row);
        cr_assert_eq(arrow_get_real(table, row, 3), (double)row / 8);
        cr_assert_eq(arrow_get_int(table, row, 4), (Hour)row - 5);
        cr_assert_eq(arrow_get_int(table, row, 5), (Instant)row * 1000001);
        size_t count;
        const double *items = arrow_get_reals(table, row, 6, &count);
        cr_assert_eq(items == NULL, row % 7 == 0);
        cr_assert_eq(count, row % 7 == 0 ? 0 : row % ITEMS_MAX);
        for (size_t i = 0; i < count; i++)
            cr_assert_eq(items[i], item(row, i));
    }
}

Test(arrow_table, what_is_written_is_read_back)
{
    static const size_t rows[] = {0, 1, 2000, 70000}; /* the last in several batches */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ARENA_SCOPED Arena *arena = arena_new();
        Stream stream = written(rows[i]);
        ArrowTable *table;
        Error err;
        cr_assert(arrow_table_read(stream.bytes, stream.length_bytes, columns, COLUMNS, arena, &table, &err), "%s",
                  err.message);
        check_rows(table, rows[i]);
        cr_assert_str_eq(table->metadata(table, "rushcast.cutoff"), "2026-11-23T15:00:00Z");
        cr_assert_str_eq(table->metadata(table, "empty"), "");
        cr_assert_null(table->metadata(table, "missing"));
        free(stream.bytes);
    }
}

Test(arrow_table, an_empty_list_is_not_null)
{
    static const ArrowColumn lists[] = {{"p50", ARROW_COLUMN_REAL_LIST, true}};
    ARENA_SCOPED Arena *arena = arena_new();
    Stream stream = {NULL, 0};
    Error err;
    ArrowWriter *writer;
    ArrowTable *table;
    FILE *out = open_memstream(&stream.bytes, &stream.length_bytes);
    cr_assert(arrow_writer_new(out, lists, 1, NULL, &writer, &err), "%s", err.message);
    arrow_reals(writer, (const double[]){0}, 0);
    arrow_end_row(writer);
    cr_assert(arrow_writer_end(writer, &err), "%s", err.message);
    fclose(out);
    cr_assert(arrow_table_read(stream.bytes, stream.length_bytes, lists, 1, arena, &table, &err), "%s", err.message);
    size_t count = 1;
    cr_assert_not_null(arrow_get_reals(table, 0, 0, &count));
    cr_assert_eq(count, 0);
    free(stream.bytes);
}

Test(arrow_table, bytes_at_any_address)
{
    ARENA_SCOPED Arena *arena = arena_new();
    Stream stream = written(50);
    char *moved = malloc(stream.length_bytes + 3);
    memcpy(moved + 3, stream.bytes, stream.length_bytes);
    ArrowTable *table;
    Error err;
    cr_assert(arrow_table_read(moved + 3, stream.length_bytes, columns, COLUMNS, arena, &table, &err), "%s",
              err.message);
    check_rows(table, 50);
    free(moved);
    free(stream.bytes);
}

Test(arrow_table, a_full_disk_is_reported_at_the_end)
{
    FILE *full = fopen("/dev/full", "w");
    Error err = {0};
    ArrowWriter *writer;
    setvbuf(full, NULL, _IONBF, 0);
    if (arrow_writer_new(full, columns, COLUMNS, NULL, &writer, &err)) {
        for (size_t row = 0; row < 100; row++)
            write_row(writer, row);
        cr_assert_not(arrow_writer_end(writer, &err));
    }
    cr_assert_eq(err.code, ERROR_UNAVAILABLE, "%s", err.message);
    fclose(full);
}

/* A stream of one column of the given type, made with nanoarrow as another program would. */
typedef struct Foreign {
    enum ArrowType type;
    enum ArrowTimeUnit unit;
    ArrowColumnType wanted;
    int64_t value;
    double expected;
    ErrorCode code; /* ERROR_NONE: readable */
} Foreign;

#define HOUR_S INT64_C(1795449600) /* 2026-11-23T16:00:00Z */
static const Foreign foreign[] = {
    {NANOARROW_TYPE_INT8, 0, ARROW_COLUMN_INT, -7, -7, ERROR_NONE},
    {NANOARROW_TYPE_UINT8, 0, ARROW_COLUMN_INT, 200, 200, ERROR_NONE},
    {NANOARROW_TYPE_INT16, 0, ARROW_COLUMN_INT, -300, -300, ERROR_NONE},
    {NANOARROW_TYPE_INT32, 0, ARROW_COLUMN_INT, 70000, 70000, ERROR_NONE},
    {NANOARROW_TYPE_UINT32, 0, ARROW_COLUMN_INT, 4000000000, 4000000000, ERROR_NONE},
    {NANOARROW_TYPE_UINT64, 0, ARROW_COLUMN_INT, 5, 5, ERROR_NONE},
    {NANOARROW_TYPE_UINT64, 0, ARROW_COLUMN_INT, -1, 0, ERROR_UNPROCESSABLE},
    {NANOARROW_TYPE_INT32, 0, ARROW_COLUMN_REAL, -9, -9, ERROR_NONE},
    {NANOARROW_TYPE_FLOAT, 0, ARROW_COLUMN_REAL, 3, 3, ERROR_NONE},
    {NANOARROW_TYPE_DOUBLE, 0, ARROW_COLUMN_INT, 3, 3, ERROR_UNPROCESSABLE},
    {NANOARROW_TYPE_INT64, 0, ARROW_COLUMN_TEXT, 3, 3, ERROR_UNPROCESSABLE},
    {NANOARROW_TYPE_INT64, 0, ARROW_COLUMN_HOUR, 3, 3, ERROR_UNPROCESSABLE},
    {NANOARROW_TYPE_INT64, 0, ARROW_COLUMN_REAL_LIST, 3, 3, ERROR_UNPROCESSABLE},
    {NANOARROW_TYPE_TIMESTAMP, NANOARROW_TIME_UNIT_SECOND, ARROW_COLUMN_HOUR, HOUR_S, HOUR_S / 3600, ERROR_NONE},
    {NANOARROW_TYPE_TIMESTAMP, NANOARROW_TIME_UNIT_MILLI, ARROW_COLUMN_HOUR, HOUR_S * 1000, HOUR_S / 3600, ERROR_NONE},
    {NANOARROW_TYPE_TIMESTAMP, NANOARROW_TIME_UNIT_MICRO, ARROW_COLUMN_HOUR, HOUR_S * 1000000, HOUR_S / 3600,
     ERROR_NONE},
    {NANOARROW_TYPE_TIMESTAMP, NANOARROW_TIME_UNIT_NANO, ARROW_COLUMN_HOUR, HOUR_S * 1000000000, HOUR_S / 3600,
     ERROR_NONE},
    {NANOARROW_TYPE_TIMESTAMP, NANOARROW_TIME_UNIT_SECOND, ARROW_COLUMN_HOUR, HOUR_S + 1, 0, ERROR_UNPROCESSABLE},
    {NANOARROW_TYPE_TIMESTAMP, NANOARROW_TIME_UNIT_SECOND, ARROW_COLUMN_HOUR, INT64_MAX, 0, ERROR_UNPROCESSABLE},
    {NANOARROW_TYPE_TIMESTAMP, NANOARROW_TIME_UNIT_SECOND, ARROW_COLUMN_HOUR, INT64_C(3600) << 33, 0,
     ERROR_UNPROCESSABLE},
    {NANOARROW_TYPE_TIMESTAMP, NANOARROW_TIME_UNIT_NANO, ARROW_COLUMN_INSTANT, -1, -1, ERROR_NONE},
    {NANOARROW_TYPE_TIMESTAMP, NANOARROW_TIME_UNIT_MILLI, ARROW_COLUMN_INSTANT, 12, 12000, ERROR_NONE},
};

static Stream foreign_stream(const Foreign *column)
{
    Stream stream = {NULL, 0};
    struct ArrowSchema schema;
    struct ArrowArray array;
    struct ArrowArrayView view;
    struct ArrowIpcOutputStream output;
    struct ArrowIpcWriter writer;
    FILE *out = open_memstream(&stream.bytes, &stream.length_bytes);
    ArrowSchemaInit(&schema);
    cr_assert_eq(ArrowSchemaSetTypeStruct(&schema, 1), NANOARROW_OK);
    cr_assert_eq(column->type == NANOARROW_TYPE_TIMESTAMP
                     ? ArrowSchemaSetTypeDateTime(schema.children[0], column->type, column->unit, NULL)
                     : ArrowSchemaSetType(schema.children[0], column->type),
                 NANOARROW_OK);
    cr_assert_eq(ArrowSchemaSetName(schema.children[0], "x"), NANOARROW_OK);
    cr_assert_eq(ArrowArrayInitFromSchema(&array, &schema, NULL), NANOARROW_OK);
    cr_assert_eq(ArrowArrayStartAppending(&array), NANOARROW_OK);
    cr_assert_eq(column->type == NANOARROW_TYPE_UINT64
                     ? ArrowArrayAppendUInt(array.children[0], (uint64_t)column->value)
                     : ArrowArrayAppendInt(array.children[0], column->value),
                 NANOARROW_OK);
    cr_assert_eq(ArrowArrayFinishElement(&array), NANOARROW_OK);
    cr_assert_eq(ArrowArrayFinishBuildingDefault(&array, NULL), NANOARROW_OK);
    cr_assert_eq(ArrowArrayViewInitFromSchema(&view, &schema, NULL), NANOARROW_OK);
    cr_assert_eq(ArrowArrayViewSetArray(&view, &array, NULL), NANOARROW_OK);
    cr_assert_eq(ArrowIpcOutputStreamInitFile(&output, out, 0), NANOARROW_OK);
    cr_assert_eq(ArrowIpcWriterInit(&writer, &output), NANOARROW_OK);
    cr_assert_eq(ArrowIpcWriterWriteSchema(&writer, &schema, NULL), NANOARROW_OK);
    cr_assert_eq(ArrowIpcWriterWriteArrayView(&writer, &view, NULL), NANOARROW_OK);
    cr_assert_eq(ArrowIpcWriterWriteArrayView(&writer, NULL, NULL), NANOARROW_OK);
    ArrowIpcWriterReset(&writer);
    ArrowArrayViewReset(&view);
    ArrowArrayRelease(&array);
    ArrowSchemaRelease(&schema);
    fclose(out);
    return stream;
}

Test(arrow_table, other_programs_types)
{
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        ARENA_SCOPED Arena *arena = arena_new();
        Stream stream = foreign_stream(&foreign[i]);
        const ArrowColumn wanted = {"x", foreign[i].wanted, false};
        ArrowTable *table;
        Error err = {0};
        bool ok = arrow_table_read(stream.bytes, stream.length_bytes, &wanted, 1, arena, &table, &err);
        cr_assert_eq(err.code, foreign[i].code, "%zu: %s", i, err.message);
        cr_assert_eq(ok, foreign[i].code == ERROR_NONE);
        if (!ok)
            cr_assert_str_eq(err.pointer, "x");
        else if (foreign[i].wanted == ARROW_COLUMN_REAL)
            cr_assert_eq(arrow_get_real(table, 0, 0), foreign[i].expected);
        else
            cr_assert_eq(arrow_get_int(table, 0, 0), (int64_t)foreign[i].expected);
        free(stream.bytes);
    }
}

Test(arrow_table, wrong_columns_are_named)
{
    static const ArrowColumn missing = {"nowhere", ARROW_COLUMN_INT, true},
                             not_null = {"orders", ARROW_COLUMN_INT, false};
    ARENA_SCOPED Arena *arena = arena_new();
    Stream stream = written(20);
    ArrowTable *table;
    Error err = {0};
    cr_assert_not(arrow_table_read(stream.bytes, stream.length_bytes, &missing, 1, arena, &table, &err));
    cr_assert_eq(err.code, ERROR_UNPROCESSABLE);
    cr_assert_str_eq(err.pointer, "nowhere");
    cr_assert_not(arrow_table_read(stream.bytes, stream.length_bytes, &not_null, 1, arena, &table, &err));
    cr_assert_eq(err.code, ERROR_UNPROCESSABLE);
    cr_assert_str_eq(err.pointer, "orders");
    cr_assert_not_null(strstr(err.message, "row 0"));
    free(stream.bytes);
}

Test(arrow_table, cut_off_anywhere_it_is_malformed)
{
    Stream stream = written(30);
    for (size_t length = 0; length < stream.length_bytes; length++) {
        ARENA_SCOPED Arena *arena = arena_new();
        char *copy = malloc(length + 1); /* of just that size, so that sanitizers see a read beyond it */
        ArrowTable *table;
        Error err = {0};
        memcpy(copy, stream.bytes, length);
        cr_assert_not(arrow_table_read(copy, length, columns, COLUMNS, arena, &table, &err), "%zu", length);
        cr_assert_eq(err.code, ERROR_MALFORMED, "%zu: %s", length, err.message);
        free(copy);
    }
    free(stream.bytes);
}

/* Touches everything that was read. */
static double use(const ArrowTable *table)
{
    double sum = 0;
    for (size_t row = 0; row < table->rows; row++) {
        const char *geo = arrow_get_text(table, row, 0), *vertical = arrow_get_text(table, row, 1);
        size_t count;
        const double *items = arrow_get_reals(table, row, 6, &count);
        sum += (double)strlen(geo) + (vertical == NULL ? 0 : (double)strlen(vertical)) + arrow_get_real(table, row, 3) +
               (double)arrow_get_int(table, row, 2);
        for (size_t i = 0; i < count; i++)
            sum += items[i];
    }
    return sum;
}

Test(arrow_table, damaged_streams_do_no_harm)
{
    enum { CASES = 2000 };
    Stream stream = written(60);
    uint64_t state = 20261123;
    int read = 0;
    for (int i = 0; i < CASES; i++) {
        ARENA_SCOPED Arena *arena = arena_new();
        char *copy = malloc(stream.length_bytes);
        memcpy(copy, stream.bytes, stream.length_bytes);
        for (int flips = 1 + i % 4; flips > 0; flips--) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            size_t limit = i % 2 == 0 ? 2048 : stream.length_bytes; /* half of them in the schema's and first header */
            size_t at = (size_t)(state >> 33) % (limit < stream.length_bytes ? limit : stream.length_bytes);
            if (i % 3 == 0)
                copy[at] = (char)(state >> 20);
            else
                copy[at] = (char)(copy[at] ^ (1 << (state >> 20 & 7)));
        }
        ArrowTable *table;
        Error err = {0};
        if (arrow_table_read(copy, stream.length_bytes, columns, COLUMNS, arena, &table, &err)) {
            read++;
            cr_assert(isnan(use(table)) || true);
        } else {
            cr_assert(err.code == ERROR_MALFORMED || err.code == ERROR_UNPROCESSABLE, "%s", err.message);
        }
        free(copy);
    }
    cr_assert(read > 0 && read < CASES);
    free(stream.bytes);
}
