#include <endian.h>
#include <nanoarrow/nanoarrow.h>
#include <nanoarrow/nanoarrow_ipc.h>
#include <string.h>
#include "common/arrow_table.h"
#include "common/arrow_verify.h"

enum { ALIGNMENT = 8, PREFIX_BYTES = 8 };

static bool best_type(enum ArrowType type, ArrowColumnType *ret_type)
{
    switch (type) {
    case NANOARROW_TYPE_STRING:
    case NANOARROW_TYPE_LARGE_STRING:
        *ret_type = ARROW_COLUMN_TEXT;
        return true;
    case NANOARROW_TYPE_INT8:
    case NANOARROW_TYPE_UINT8:
    case NANOARROW_TYPE_INT16:
    case NANOARROW_TYPE_UINT16:
    case NANOARROW_TYPE_INT32:
    case NANOARROW_TYPE_UINT32:
    case NANOARROW_TYPE_INT64:
    case NANOARROW_TYPE_UINT64:
        *ret_type = ARROW_COLUMN_INT;
        return true;
    case NANOARROW_TYPE_FLOAT:
    case NANOARROW_TYPE_DOUBLE:
        *ret_type = ARROW_COLUMN_REAL;
        return true;
    case NANOARROW_TYPE_BOOL:
        *ret_type = ARROW_COLUMN_BOOL;
        return true;
    case NANOARROW_TYPE_TIMESTAMP:
        *ret_type = ARROW_COLUMN_INSTANT;
        return true;
    default:
        return false;
    }
}

static bool take_columns(const struct ArrowSchema *schema, Arena *arena, ArrowColumn **ret_columns, size_t *ret_count,
                         Error *err)
{
    size_t count = (size_t)schema->n_children;
    ArrowColumn *columns = arena_array(arena, count, sizeof(*columns));
    for (size_t i = 0; i < count; i++) {
        const struct ArrowSchema *child = schema->children[i];
        const char *name = child->name == NULL ? "" : child->name;
        struct ArrowSchemaView view;
        if (ArrowSchemaViewInit(&view, child, NULL) != NANOARROW_OK || child->dictionary != NULL ||
            !best_type(view.type, &columns[i].type))
            return error_set_at(err, ERROR_UNPROCESSABLE, name,
                                "column %.60s is of a type that is not read here: integers, floats, bool, utf8 and "
                                "timestamp are, not dictionary-encoded",
                                name);
        columns[i].name = arena_strdup(arena, name);
        columns[i].nullable = true;
    }
    *ret_columns = columns;
    *ret_count = count;
    return true;
}

static bool decode_schema(struct ArrowIpcDecoder *decoder, struct ArrowBufferView bytes, struct ArrowSchema *ret_schema,
                          struct ArrowError *reason)
{
    uint32_t prefix[2]; /* the mark of a message, and the length of its metadata */
    if (bytes.size_bytes < PREFIX_BYTES)
        return false;
    memcpy(prefix, bytes.data.data, sizeof prefix);
    return le32toh(prefix[0]) == UINT32_MAX && prefix[1] != 0 &&
           le32toh(prefix[1]) <= (uint64_t)bytes.size_bytes - PREFIX_BYTES &&
           ArrowIpcDecoderVerifyHeader(decoder, bytes, reason) == NANOARROW_OK && decoder->body_size_bytes == 0 &&
           decoder->message_type == NANOARROW_IPC_MESSAGE_TYPE_SCHEMA &&
           arrow_message_problem(bytes.data.as_uint8 + PREFIX_BYTES, 0) == NULL &&
           ArrowIpcDecoderDecodeHeader(decoder, bytes, reason) == NANOARROW_OK &&
           ArrowIpcDecoderDecodeSchema(decoder, ret_schema, reason) == NANOARROW_OK;
}

bool arrow_table_columns(const void *data, size_t length_bytes, Arena *arena, ArrowColumn **ret_columns,
                         size_t *ret_count, Error *err)
{
    struct ArrowIpcDecoder decoder;
    struct ArrowSchema schema = {0};
    struct ArrowError reason = {.message = ""};
    const void *bytes = data;
    if ((uintptr_t)bytes % ALIGNMENT != 0) {
        void *copy = arena_alloc(arena, length_bytes);
        memcpy(copy, data, length_bytes);
        bytes = copy;
    }
    if (ArrowIpcDecoderInit(&decoder) != NANOARROW_OK)
        return error_set(err, ERROR_UNAVAILABLE, "out of memory");
    struct ArrowBufferView view = {.data.data = bytes, .size_bytes = (int64_t)length_bytes};
    bool ok =
        decode_schema(&decoder, view, &schema, &reason)
            ? take_columns(&schema, arena, ret_columns, ret_count, err)
            : error_set(err, ERROR_MALFORMED, "not a valid Arrow IPC stream: no schema where it should begin%s%.200s",
                        reason.message[0] == '\0' ? "" : ": ", reason.message);
    if (schema.release != NULL)
        ArrowSchemaRelease(&schema);
    ArrowIpcDecoderReset(&decoder);
    return ok;
}
