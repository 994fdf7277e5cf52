#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <math.h>
#include <nanoarrow/nanoarrow.h>
#include <nanoarrow/nanoarrow_ipc.h>
#include <string.h>
#include "common/arrow_table.h"
#include "common/arrow_verify.h"

enum { ALIGNMENT = 8 };

/* A column as its readers see it: one array over all batches. */
typedef struct ReadColumn {
    ArrowColumn wanted;
    size_t index; /* in the stream's schema */
    struct ArrowSchemaView schema;
    bool *nulls;
    const char **texts;
    int64_t *integers; /* also the ends of the lists */
    double *reals;     /* of lists: all their items */
    size_t items, items_capacity;
} ReadColumn;

typedef struct TableData {
    ArrowTable table;
    Arena *arena;
    ReadColumn *columns;
    size_t count, capacity;
    ArrowMetadata *metadata;
    /* While reading: */
    struct ArrowSchema schema;
    struct ArrowIpcDecoder decoder;
    struct ArrowError reason;
    Error *err;
} TableData;

static bool fail_stream(TableData *data, const char *what)
{
    return error_set(data->err, ERROR_MALFORMED, "not a valid Arrow IPC stream: %s%s%.200s", what,
                     data->reason.message[0] == '\0' ? "" : ": ", data->reason.message);
}

static bool fail_column(TableData *data, const ReadColumn *column, const char *what)
{
    return error_set_at(data->err, ERROR_UNPROCESSABLE, column->wanted.name, "column %s %s", column->wanted.name, what);
}

static bool fail_cell(TableData *data, const ReadColumn *column, size_t row, const char *what)
{
    return error_set_at(data->err, ERROR_UNPROCESSABLE, column->wanted.name, "column %s, row %zu: %s",
                        column->wanted.name, row, what);
}

static const char *metadata_of(const ArrowTable *table, const char *key)
{
    const TableData *data = table->internal;
    for (const ArrowMetadata *item = data->metadata; item->key != NULL; item++)
        if (strcmp(item->key, key) == 0)
            return item->value;
    return NULL;
}

static bool is_integer(enum ArrowType type)
{
    switch (type) {
    case NANOARROW_TYPE_INT8:
    case NANOARROW_TYPE_UINT8:
    case NANOARROW_TYPE_INT16:
    case NANOARROW_TYPE_UINT16:
    case NANOARROW_TYPE_INT32:
    case NANOARROW_TYPE_UINT32:
    case NANOARROW_TYPE_INT64:
    case NANOARROW_TYPE_UINT64:
        return true;
    default:
        return false;
    }
}

static bool is_real(enum ArrowType type)
{
    return type == NANOARROW_TYPE_DOUBLE || type == NANOARROW_TYPE_FLOAT || is_integer(type);
}

/* What each type of column accepts. */
static bool check_type(TableData *data, const ReadColumn *column, const struct ArrowSchema *schema)
{
    static const char *const needed[] = {
        [ARROW_COLUMN_TEXT] = "must be utf8 or large_utf8",
        [ARROW_COLUMN_INT] = "must be of an integer type",
        [ARROW_COLUMN_REAL] = "must be of a floating-point or integer type",
        [ARROW_COLUMN_HOUR] = "must be a timestamp in UTC",
        [ARROW_COLUMN_INSTANT] = "must be a timestamp in UTC",
        [ARROW_COLUMN_BOOL] = "must be a bool",
        [ARROW_COLUMN_REAL_LIST] = "must be a list or large_list of float64 or float32",
    };
    enum ArrowType type = column->schema.type;
    struct ArrowSchemaView item;
    bool right = false;
    switch (column->wanted.type) {
    case ARROW_COLUMN_TEXT:
        right = type == NANOARROW_TYPE_STRING || type == NANOARROW_TYPE_LARGE_STRING;
        break;
    case ARROW_COLUMN_INT:
        right = is_integer(type);
        break;
    case ARROW_COLUMN_REAL:
        right = is_real(type);
        break;
    case ARROW_COLUMN_HOUR:
    case ARROW_COLUMN_INSTANT:
        right = type == NANOARROW_TYPE_TIMESTAMP;
        break;
    case ARROW_COLUMN_BOOL:
        right = type == NANOARROW_TYPE_BOOL;
        break;
    case ARROW_COLUMN_REAL_LIST:
        right = (type == NANOARROW_TYPE_LIST || type == NANOARROW_TYPE_LARGE_LIST) &&
                ArrowSchemaViewInit(&item, schema->children[0], NULL) == NANOARROW_OK &&
                (item.type == NANOARROW_TYPE_DOUBLE || item.type == NANOARROW_TYPE_FLOAT);
        break;
    }
    return right || fail_column(data, column, needed[column->wanted.type]);
}

static bool find_column(TableData *data, ReadColumn *column)
{
    for (int64_t i = 0; i < data->schema.n_children; i++) {
        const struct ArrowSchema *schema = data->schema.children[i];
        if (schema->name == NULL || strcmp(schema->name, column->wanted.name) != 0)
            continue;
        column->index = (size_t)i;
        if (ArrowSchemaViewInit(&column->schema, schema, &data->reason) != NANOARROW_OK)
            return fail_stream(data, column->wanted.name);
        return check_type(data, column, schema);
    }
    return fail_column(data, column, "is missing");
}

static bool read_metadata(TableData *data)
{
    struct ArrowMetadataReader reader;
    struct ArrowStringView key, value;
    if (ArrowMetadataReaderInit(&reader, data->schema.metadata) != NANOARROW_OK)
        return fail_stream(data, "broken metadata");
    data->metadata = arena_array(data->arena, (size_t)reader.remaining_keys + 1, sizeof *data->metadata);
    for (size_t i = 0; reader.remaining_keys > 0; i++) {
        if (ArrowMetadataReaderRead(&reader, &key, &value) != NANOARROW_OK)
            return fail_stream(data, "broken metadata");
        data->metadata[i].key = arena_strndup(data->arena, key.data, (size_t)key.size_bytes);
        data->metadata[i].value = arena_strndup(data->arena, value.data, (size_t)value.size_bytes);
    }
    return true;
}

static bool read_schema(TableData *data)
{
    if (data->schema.release != NULL)
        return fail_stream(data, "a second schema");
    if (ArrowIpcDecoderSetEndianness(&data->decoder, data->decoder.endianness) != NANOARROW_OK ||
        ArrowIpcDecoderDecodeSchema(&data->decoder, &data->schema, &data->reason) != NANOARROW_OK)
        return fail_stream(data, "broken schema");
    for (int64_t i = 0; i < data->schema.n_children; i++)
        if (data->schema.children[i]->dictionary != NULL)
            return error_set(data->err, ERROR_UNPROCESSABLE,
                             "column %.60s is dictionary-encoded, which is not read here: send the plain values",
                             data->schema.children[i]->name);
    if (ArrowIpcDecoderSetSchema(&data->decoder, &data->schema, &data->reason) != NANOARROW_OK)
        return fail_stream(data, "broken schema");
    for (size_t i = 0; i < data->count; i++)
        if (!find_column(data, &data->columns[i]))
            return false;
    return read_metadata(data);
}

/* Room for `needed` items in an array that holds `used`. */
static void *grown(Arena *arena, const void *items, size_t used, size_t needed, size_t item_size_bytes)
{
    void *larger = arena_array(arena, needed, item_size_bytes);
    if (used > 0)
        memcpy(larger, items, used * item_size_bytes);
    return larger;
}

static void make_room(TableData *data, size_t rows)
{
    size_t used = data->table.rows;
    if (used + rows <= data->capacity)
        return;
    size_t capacity = used + rows > 2 * data->capacity ? used + rows : 2 * data->capacity;
    for (size_t i = 0; i < data->count; i++) {
        ReadColumn *column = &data->columns[i];
        column->nulls = grown(data->arena, column->nulls, used, capacity, sizeof *column->nulls);
        if (column->wanted.type == ARROW_COLUMN_TEXT)
            column->texts = grown(data->arena, column->texts, used, capacity, sizeof *column->texts);
        else if (column->wanted.type == ARROW_COLUMN_REAL)
            column->reals = grown(data->arena, column->reals, used, capacity, sizeof *column->reals);
        else
            column->integers = grown(data->arena, column->integers, used, capacity, sizeof *column->integers);
    }
    data->capacity = capacity;
}

/* Equal neighbours share their text: tables are mostly sorted by it. */
static bool read_text(TableData *data, ReadColumn *column, const struct ArrowArrayView *view, int64_t i, size_t row)
{
    struct ArrowStringView text = ArrowArrayViewGetStringUnsafe(view, i);
    size_t length = (size_t)text.size_bytes;
    if (length > 0 && memchr(text.data, '\0', length) != NULL)
        return fail_cell(data, column, row, "a text must not hold a NUL");
    const char *before = row > 0 ? column->texts[row - 1] : NULL;
    if (length == 0)
        column->texts[row] = "";
    else if (before != NULL && strncmp(before, text.data, length) == 0 && before[length] == '\0')
        column->texts[row] = before;
    else
        column->texts[row] = arena_strndup(data->arena, text.data, length);
    return true;
}

/* To `unit` per second, towards the past. */
static bool scaled(int64_t value, enum ArrowTimeUnit unit, int64_t per_second, int64_t *ret_value)
{
    static const int64_t units[] = {
        [NANOARROW_TIME_UNIT_SECOND] = 1,
        [NANOARROW_TIME_UNIT_MILLI] = 1000,
        [NANOARROW_TIME_UNIT_MICRO] = 1000000,
        [NANOARROW_TIME_UNIT_NANO] = 1000000000,
    };
    if (per_second >= units[unit])
        return !__builtin_mul_overflow(value, per_second / units[unit], ret_value);
    int64_t divisor = units[unit] / per_second;
    *ret_value = value / divisor - (value % divisor < 0);
    return true;
}

static bool read_time(TableData *data, const ReadColumn *column, int64_t value, size_t row, int64_t *ret_value)
{
    Instant instant;
    if (!scaled(value, column->schema.time_unit, INSTANT_PER_SECOND, &instant))
        return fail_cell(data, column, row, "no such time");
    if (column->wanted.type == ARROW_COLUMN_INSTANT) {
        *ret_value = instant;
        return true;
    }
    Instant hour = instant / INSTANT_PER_HOUR;
    if (instant % INSTANT_PER_HOUR != 0 || hour <= INT32_MIN || hour > INT32_MAX)
        return fail_cell(data, column, row, "not a whole hour");
    *ret_value = hour;
    return true;
}

static bool read_integer(TableData *data, const ReadColumn *column, const struct ArrowArrayView *view, int64_t i,
                         size_t row, int64_t *ret_value)
{
    if (view->storage_type == NANOARROW_TYPE_UINT64 && ArrowArrayViewGetUIntUnsafe(view, i) > INT64_MAX)
        return fail_cell(data, column, row, "larger than 2^63 - 1");
    *ret_value = ArrowArrayViewGetIntUnsafe(view, i);
    return true;
}

/* The items of all the batch's lists at once; integers[] gets where each list ends. */
static void read_lists(TableData *data, ReadColumn *column, const struct ArrowArrayView *view)
{
    const struct ArrowArrayView *items = view->children[0];
    int64_t begin = view->length == 0 ? 0 : ArrowArrayViewListChildOffset(view, 0);
    int64_t end = view->length == 0 ? 0 : ArrowArrayViewListChildOffset(view, view->length);
    size_t count = (size_t)(end - begin);
    if (column->items + count > column->items_capacity) {
        size_t needed = column->items + count;
        size_t capacity = needed > 2 * column->items_capacity ? needed : 2 * column->items_capacity;
        column->reals = grown(data->arena, column->reals, column->items, capacity, sizeof *column->reals);
        column->items_capacity = capacity;
    }
    for (int64_t i = begin; i < end; i++)
        column->reals[column->items + (size_t)(i - begin)] =
            ArrowArrayViewIsNull(items, i) ? NAN : ArrowArrayViewGetDoubleUnsafe(items, i);
    for (int64_t row = 0; row < view->length; row++)
        column->integers[data->table.rows + (size_t)row] =
            (int64_t)column->items + ArrowArrayViewListChildOffset(view, row + 1) - begin;
    column->items += count;
}

static bool read_value(TableData *data, ReadColumn *column, const struct ArrowArrayView *view, int64_t i, size_t row)
{
    int64_t value = 0;
    switch (column->wanted.type) {
    case ARROW_COLUMN_TEXT:
        return read_text(data, column, view, i, row);
    case ARROW_COLUMN_REAL:
        column->reals[row] = ArrowArrayViewGetDoubleUnsafe(view, i);
        return true;
    case ARROW_COLUMN_INT:
        return read_integer(data, column, view, i, row, &column->integers[row]);
    case ARROW_COLUMN_HOUR:
    case ARROW_COLUMN_INSTANT:
        value = ArrowArrayViewGetIntUnsafe(view, i);
        return read_time(data, column, value, row, &column->integers[row]);
    case ARROW_COLUMN_BOOL:
        column->integers[row] = ArrowArrayViewGetIntUnsafe(view, i);
        return true;
    case ARROW_COLUMN_REAL_LIST:
        return true;
    }
    __builtin_unreachable();
}

static bool read_column(TableData *data, ReadColumn *column, const struct ArrowArrayView *view)
{
    if (column->wanted.type == ARROW_COLUMN_REAL_LIST)
        read_lists(data, column, view);
    for (int64_t i = 0; i < view->length; i++) {
        size_t row = data->table.rows + (size_t)i;
        column->nulls[row] = ArrowArrayViewIsNull(view, i);
        if (!column->nulls[row]) {
            if (!read_value(data, column, view, i, row))
                return false;
        } else if (!column->wanted.nullable) {
            return fail_cell(data, column, row, "null is not allowed");
        } else if (column->wanted.type == ARROW_COLUMN_TEXT) {
            column->texts[row] = NULL;
        } else if (column->wanted.type == ARROW_COLUMN_REAL) {
            column->reals[row] = NAN;
        }
    }
    return true;
}

/* A stream may place a buffer anywhere in a body; numbers are read in place, so they must lie where numbers may. */
static bool is_aligned(const struct ArrowArrayView *view)
{
    for (int i = 0; i < NANOARROW_MAX_FIXED_BUFFERS; i++) {
        int64_t size_bytes = view->layout.element_size_bits[i] / 8;
        uintptr_t address = (uintptr_t)view->buffer_views[i].data.data;
        if ((size_bytes == 2 || size_bytes == 4 || size_bytes == 8) && address % (uintptr_t)size_bytes != 0)
            return false;
    }
    for (int64_t i = 0; i < view->n_children; i++)
        if (!is_aligned(view->children[i]))
            return false;
    return true;
}

static bool read_batch(TableData *data, struct ArrowBufferView body)
{
    struct ArrowArrayView *view;
    if (data->schema.release == NULL)
        return fail_stream(data, "data before the schema");
    if (data->decoder.codec != NANOARROW_IPC_COMPRESSION_TYPE_NONE) /* its size would be whatever it says */
        return error_set(data->err, ERROR_UNPROCESSABLE,
                         "the Arrow stream is compressed, which is not read here: "
                         "send it plain");
    int code = ArrowIpcDecoderDecodeArrayView(&data->decoder, body, -1, &view, &data->reason);
    if (code == ENOTSUP)
        return error_set(data->err, ERROR_UNPROCESSABLE, "this kind of Arrow stream is not read here: %.200s",
                         data->reason.message);
    if (code != NANOARROW_OK || !is_aligned(view) ||
        ArrowArrayViewValidate(view, NANOARROW_VALIDATION_LEVEL_FULL, &data->reason) != NANOARROW_OK)
        return fail_stream(data, "broken record batch");
    for (size_t i = 0; i < data->count; i++)
        if (view->children[data->columns[i].index]->length != view->length)
            return fail_stream(data, "columns of different lengths");
    make_room(data, (size_t)view->length);
    for (size_t i = 0; i < data->count; i++)
        if (!read_column(data, &data->columns[i], view->children[data->columns[i].index]))
            return false;
    data->table.rows += (size_t)view->length;
    return true;
}

/* One message after the other, to the mark of the end. */
static bool read_messages(TableData *data, const uint8_t *bytes, size_t length_bytes)
{
    for (size_t at = 0;;) {
        struct ArrowBufferView rest = {.data.as_uint8 = bytes + at, .size_bytes = (int64_t)(length_bytes - at)};
        uint32_t prefix[2]; /* the mark of a message, and the length of its metadata: none at the end */
        if (rest.size_bytes < (int64_t)sizeof prefix)
            return fail_stream(data, "cut off");
        memcpy(prefix, rest.data.data, sizeof prefix);
        if (le32toh(prefix[0]) != UINT32_MAX)
            return fail_stream(data, "no Arrow message where one should begin");
        if (prefix[1] == 0 && data->schema.release != NULL)
            return true;
        if (le32toh(prefix[1]) > (uint64_t)rest.size_bytes - sizeof prefix)
            return fail_stream(data, "cut off");
        if (at % ALIGNMENT != 0 || ArrowIpcDecoderVerifyHeader(&data->decoder, rest, &data->reason) != NANOARROW_OK)
            return fail_stream(data, "broken message");
        int64_t header_bytes = data->decoder.header_size_bytes, body_bytes = data->decoder.body_size_bytes;
        if (header_bytes <= 0 || header_bytes > rest.size_bytes || body_bytes < 0 ||
            body_bytes > rest.size_bytes - header_bytes)
            return fail_stream(data, "cut off");
        const char *problem = arrow_message_problem(rest.data.as_uint8 + sizeof prefix, body_bytes);
        if (problem != NULL)
            return fail_stream(data, problem);
        if (ArrowIpcDecoderDecodeHeader(&data->decoder, rest, &data->reason) != NANOARROW_OK)
            return fail_stream(data, "broken message");
        struct ArrowBufferView body = {.data.as_uint8 = rest.data.as_uint8 + header_bytes, .size_bytes = body_bytes};
        bool ok = data->decoder.message_type == NANOARROW_IPC_MESSAGE_TYPE_SCHEMA ? read_schema(data)
                                                                                  : read_batch(data, body);
        if (!ok)
            return false;
        at += (size_t)(header_bytes + body_bytes);
    }
}

bool arrow_table_read(const void *data, size_t length_bytes, const ArrowColumn *columns, size_t count, Arena *arena,
                      ArrowTable **ret_table, Error *err)
{
    TableData *table = arena_zalloc(arena, sizeof *table);
    table->table = (ArrowTable){.metadata = metadata_of, .internal = table};
    table->arena = arena;
    table->err = err;
    table->count = count;
    table->columns = arena_array(arena, count, sizeof *table->columns);
    for (size_t i = 0; i < count; i++)
        table->columns[i].wanted = columns[i];
    const uint8_t *bytes = data;
    if ((uintptr_t)bytes % ALIGNMENT != 0) {
        uint8_t *copy = arena_alloc(arena, length_bytes);
        memcpy(copy, data, length_bytes);
        bytes = copy;
    }
    if (ArrowIpcDecoderInit(&table->decoder) != NANOARROW_OK)
        return error_set(err, ERROR_UNAVAILABLE, "out of memory");
    bool ok = read_messages(table, bytes, length_bytes);
    if (table->schema.release != NULL)
        ArrowSchemaRelease(&table->schema);
    ArrowIpcDecoderReset(&table->decoder);
    if (ok)
        *ret_table = &table->table;
    return ok;
}

static const ReadColumn *column_at(const ArrowTable *table, size_t row, size_t column)
{
    const TableData *data = table->internal;
    assert(row < table->rows && column < data->count);
    (void)row;
    return &data->columns[column];
}

bool arrow_is_null(const ArrowTable *table, size_t row, size_t column)
{
    return column_at(table, row, column)->nulls[row];
}

const char *arrow_get_text(const ArrowTable *table, size_t row, size_t column)
{
    const ReadColumn *read = column_at(table, row, column);
    assert(read->wanted.type == ARROW_COLUMN_TEXT);
    return read->texts[row];
}

int64_t arrow_get_int(const ArrowTable *table, size_t row, size_t column)
{
    const ReadColumn *read = column_at(table, row, column);
    assert(read->wanted.type == ARROW_COLUMN_INT || read->wanted.type == ARROW_COLUMN_HOUR ||
           read->wanted.type == ARROW_COLUMN_INSTANT || read->wanted.type == ARROW_COLUMN_BOOL);
    return read->integers[row];
}

double arrow_get_real(const ArrowTable *table, size_t row, size_t column)
{
    const ReadColumn *read = column_at(table, row, column);
    assert(read->wanted.type == ARROW_COLUMN_REAL);
    return read->reals[row];
}

const double *arrow_get_reals(const ArrowTable *table, size_t row, size_t column, size_t *ret_count)
{
    const ReadColumn *read = column_at(table, row, column);
    assert(read->wanted.type == ARROW_COLUMN_REAL_LIST);
    if (read->nulls[row]) {
        *ret_count = 0;
        return NULL;
    }
    int64_t begin = row == 0 ? 0 : read->integers[row - 1];
    *ret_count = (size_t)(read->integers[row] - begin);
    static const double no_item;
    return read->reals == NULL ? &no_item : read->reals + begin;
}
