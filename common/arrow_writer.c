#include <assert.h>
#include <errno.h>
#include <nanoarrow/nanoarrow.h>
#include <nanoarrow/nanoarrow_ipc.h>
#include <stdlib.h>
#include <string.h>
#include "common/arrow_table.h"

enum {
    BATCH_ROWS = 65536,
    BATCH_BYTES = 8 << 20,
    COLUMNS_MAX = 512,
};

struct ArrowWriter {
    struct ArrowIpcWriter ipc;
    struct ArrowSchema schema;
    struct ArrowArray batch; /* its release is NULL between batches */
    size_t count, column;    /* columns, and the one whose value comes next */
    size_t batch_bytes;
    bool failed;
    Error failure;
    ArrowColumnType types[COLUMNS_MAX];
    bool nullable[COLUMNS_MAX];
};

static bool fail(Error *err, int code, const char *reason)
{
    return error_set(err, code == EINVAL ? ERROR_INTERNAL : ERROR_UNAVAILABLE, "can't write an Arrow stream: %s",
                     reason != NULL && reason[0] != '\0' ? reason : strerror(code));
}

/* Remembers the first failure; true when there was none. */
static bool check(ArrowWriter *writer, int code, const struct ArrowError *reason)
{
    if (code != NANOARROW_OK && !writer->failed)
        writer->failed = !fail(&writer->failure, code, reason == NULL ? NULL : reason->message);
    return !writer->failed;
}

static int set_type(struct ArrowSchema *schema, ArrowColumnType type)
{
    switch (type) {
    case ARROW_COLUMN_TEXT:
        return ArrowSchemaSetType(schema, NANOARROW_TYPE_STRING);
    case ARROW_COLUMN_INT:
        return ArrowSchemaSetType(schema, NANOARROW_TYPE_INT64);
    case ARROW_COLUMN_REAL:
        return ArrowSchemaSetType(schema, NANOARROW_TYPE_DOUBLE);
    case ARROW_COLUMN_HOUR:
        return ArrowSchemaSetTypeDateTime(schema, NANOARROW_TYPE_TIMESTAMP, NANOARROW_TIME_UNIT_SECOND, "UTC");
    case ARROW_COLUMN_INSTANT:
        return ArrowSchemaSetTypeDateTime(schema, NANOARROW_TYPE_TIMESTAMP, NANOARROW_TIME_UNIT_MICRO, "UTC");
    case ARROW_COLUMN_BOOL:
        return ArrowSchemaSetType(schema, NANOARROW_TYPE_BOOL);
    case ARROW_COLUMN_REAL_LIST:
        NANOARROW_RETURN_NOT_OK(ArrowSchemaSetType(schema, NANOARROW_TYPE_LIST));
        return ArrowSchemaSetType(schema->children[0], NANOARROW_TYPE_DOUBLE);
    }
    __builtin_unreachable();
}

static int set_metadata(struct ArrowSchema *schema, const ArrowMetadata *metadata)
{
    struct ArrowBuffer encoded;
    NANOARROW_RETURN_NOT_OK(ArrowMetadataBuilderInit(&encoded, NULL));
    int code = NANOARROW_OK;
    for (; code == NANOARROW_OK && metadata->key != NULL; metadata++)
        code = ArrowMetadataBuilderAppend(&encoded, ArrowCharView(metadata->key), ArrowCharView(metadata->value));
    if (code == NANOARROW_OK)
        code = ArrowSchemaSetMetadata(schema, (const char *)encoded.data);
    ArrowBufferReset(&encoded);
    return code;
}

static int make_schema(ArrowWriter *writer, const ArrowColumn *columns, const ArrowMetadata *metadata)
{
    ArrowSchemaInit(&writer->schema);
    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetTypeStruct(&writer->schema, (int64_t)writer->count));
    for (size_t i = 0; i < writer->count; i++) {
        struct ArrowSchema *schema = writer->schema.children[i];
        NANOARROW_RETURN_NOT_OK(set_type(schema, columns[i].type));
        NANOARROW_RETURN_NOT_OK(ArrowSchemaSetName(schema, columns[i].name));
        if (!columns[i].nullable)
            schema->flags &= ~ARROW_FLAG_NULLABLE;
        writer->types[i] = columns[i].type;
        writer->nullable[i] = columns[i].nullable;
    }
    return metadata == NULL || metadata->key == NULL ? NANOARROW_OK : set_metadata(&writer->schema, metadata);
}

static int open_stream(ArrowWriter *writer, FILE *out, struct ArrowError *reason)
{
    struct ArrowIpcOutputStream stream;
    NANOARROW_RETURN_NOT_OK(ArrowIpcOutputStreamInitFile(&stream, out, 0));
    int code = ArrowIpcWriterInit(&writer->ipc, &stream);
    if (code != NANOARROW_OK) {
        stream.release(&stream);
        return code;
    }
    return ArrowIpcWriterWriteSchema(&writer->ipc, &writer->schema, reason);
}

static void writer_free(ArrowWriter *writer)
{
    if (writer->ipc.private_data != NULL)
        ArrowIpcWriterReset(&writer->ipc);
    if (writer->batch.release != NULL)
        ArrowArrayRelease(&writer->batch);
    if (writer->schema.release != NULL)
        ArrowSchemaRelease(&writer->schema);
    free(writer);
}

bool arrow_writer_new(FILE *out, const ArrowColumn *columns, size_t count, const ArrowMetadata *metadata,
                      ArrowWriter **ret_writer, Error *err)
{
    assert(count > 0 && count <= COLUMNS_MAX);
    ArrowWriter *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        abort();
    writer->count = count;
    struct ArrowError reason = {.message = ""};
    int code = make_schema(writer, columns, metadata);
    if (code == NANOARROW_OK)
        code = open_stream(writer, out, &reason);
    if (code != NANOARROW_OK) {
        writer_free(writer);
        return fail(err, code, reason.message);
    }
    *ret_writer = writer;
    return true;
}

/* The array of the column whose value comes next, NULL after a failure. */
static struct ArrowArray *next_column(ArrowWriter *writer)
{
    assert(writer->column < writer->count && "more values than columns");
    size_t column = writer->column++;
    if (writer->failed)
        return NULL;
    if (writer->batch.release == NULL) {
        struct ArrowError reason = {.message = ""};
        if (!check(writer, ArrowArrayInitFromSchema(&writer->batch, &writer->schema, &reason), &reason) ||
            !check(writer, ArrowArrayStartAppending(&writer->batch), NULL))
            return NULL;
    }
    writer->batch_bytes += sizeof(int64_t);
    return writer->batch.children[column];
}

static bool next_is(const ArrowWriter *writer, ArrowColumnType type)
{
    return writer->types[writer->column] == type;
}

void arrow_null(ArrowWriter *writer)
{
    assert(writer->nullable[writer->column]);
    struct ArrowArray *array = next_column(writer);
    if (array != NULL)
        check(writer, ArrowArrayAppendNull(array, 1), NULL);
}

void arrow_text(ArrowWriter *writer, const char *text)
{
    assert(next_is(writer, ARROW_COLUMN_TEXT));
    if (text == NULL) {
        arrow_null(writer);
        return;
    }
    struct ArrowArray *array = next_column(writer);
    if (array == NULL)
        return;
    struct ArrowStringView view = ArrowCharView(text);
    writer->batch_bytes += (size_t)view.size_bytes;
    check(writer, ArrowArrayAppendString(array, view), NULL);
}

void arrow_int(ArrowWriter *writer, int64_t value)
{
    assert(next_is(writer, ARROW_COLUMN_INT) || next_is(writer, ARROW_COLUMN_HOUR) ||
           next_is(writer, ARROW_COLUMN_INSTANT) || next_is(writer, ARROW_COLUMN_BOOL));
    if (next_is(writer, ARROW_COLUMN_HOUR))
        value *= 3600;
    struct ArrowArray *array = next_column(writer);
    if (array != NULL)
        check(writer, ArrowArrayAppendInt(array, value), NULL);
}

void arrow_real(ArrowWriter *writer, double value)
{
    assert(next_is(writer, ARROW_COLUMN_REAL));
    struct ArrowArray *array = next_column(writer);
    if (array != NULL)
        check(writer, ArrowArrayAppendDouble(array, value), NULL);
}

void arrow_reals(ArrowWriter *writer, const double *values, size_t count)
{
    assert(next_is(writer, ARROW_COLUMN_REAL_LIST));
    struct ArrowArray *list = next_column(writer);
    if (list == NULL)
        return;
    struct ArrowArray *items = list->children[0];
    size_t length_bytes = count * sizeof *values;
    writer->batch_bytes += length_bytes;
    if (!check(writer, ArrowBufferAppend(ArrowArrayBuffer(items, 1), values, (int64_t)length_bytes), NULL))
        return;
    items->length += (int64_t)count;
    check(writer, ArrowArrayFinishElement(list), NULL);
}

static void write_batch(ArrowWriter *writer)
{
    struct ArrowError reason = {.message = ""};
    struct ArrowArrayView view;
    if (writer->failed || writer->batch.release == NULL ||
        !check(writer, ArrowArrayFinishBuildingDefault(&writer->batch, &reason), &reason) ||
        !check(writer, ArrowArrayViewInitFromSchema(&view, &writer->schema, &reason), &reason))
        return;
    if (check(writer, ArrowArrayViewSetArray(&view, &writer->batch, &reason), &reason))
        check(writer, ArrowIpcWriterWriteArrayView(&writer->ipc, &view, &reason), &reason);
    ArrowArrayViewReset(&view);
    ArrowArrayRelease(&writer->batch);
    writer->batch_bytes = 0;
}

void arrow_end_row(ArrowWriter *writer)
{
    assert(writer->column == writer->count && "fewer values than columns");
    writer->column = 0;
    if (writer->failed)
        return;
    if (check(writer, ArrowArrayFinishElement(&writer->batch), NULL) &&
        (writer->batch.length == BATCH_ROWS || writer->batch_bytes >= BATCH_BYTES))
        write_batch(writer);
}

bool arrow_writer_end(ArrowWriter *writer, Error *err)
{
    struct ArrowError reason = {.message = ""};
    write_batch(writer);
    if (!writer->failed)
        check(writer, ArrowIpcWriterWriteArrayView(&writer->ipc, NULL, &reason), &reason);
    bool ok = !writer->failed;
    if (!ok && err != NULL)
        *err = writer->failure;
    writer_free(writer);
    return ok;
}
