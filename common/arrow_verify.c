#include "common/arrow_verify.h"

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Numbers of fields, from Message.fbs and Schema.fbs of the Arrow format; a union's value follows its type. */
enum {
    MESSAGE_HEADER_TYPE = 1,
    MESSAGE_HEADER = 2,
    SCHEMA_FIELDS = 1,
    SCHEMA_METADATA = 2,
    FIELD_TYPE_TYPE = 2,
    FIELD_TYPE = 3,
    FIELD_CHILDREN = 5,
    FIELD_METADATA = 6,
    KEY_VALUE_KEY = 0,
    KEY_VALUE_VALUE = 1,
    BATCH_LENGTH = 0,
    BATCH_NODES = 1,
    BATCH_BUFFERS = 2,
};
enum { HEADER_IS_SCHEMA = 1, HEADER_IS_RECORD_BATCH = 3 };
enum { NODE_BYTES = 16, BUFFER_BYTES = 16 }; /* of the structs FieldNode and Buffer */

static uint16_t read_2(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return le16toh(value);
}

static uint32_t read_4(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return le32toh(value);
}

static int64_t read_8(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return (int64_t)le64toh(value);
}

/* Where a field of a table lies, NULL when it is absent ("Internals" of the FlatBuffers documentation). */
static const uint8_t *field_at(const uint8_t *table, int field)
{
    const uint8_t *vtable = table - (int32_t)read_4(table);
    int entry = 4 + 2 * field;
    if (entry + 2 > read_2(vtable) || read_2(vtable + entry) == 0)
        return NULL;
    return table + read_2(vtable + entry);
}

/* What an offset points to. */
static const uint8_t *target(const uint8_t *offset)
{
    return offset + read_4(offset);
}

/* What a field that holds an offset points to, NULL when it is absent. */
static const uint8_t *follow(const uint8_t *table, int field)
{
    const uint8_t *offset = field_at(table, field);
    return offset == NULL ? NULL : target(offset);
}

/* Items of the vector that a field points to; an absent one has none. */
static const uint8_t *vector_of(const uint8_t *table, int field, uint32_t *ret_count)
{
    const uint8_t *vector = follow(table, field);
    *ret_count = vector == NULL ? 0 : read_4(vector);
    return vector == NULL ? NULL : vector + 4;
}

static bool metadata_is_whole(const uint8_t *table, int field)
{
    uint32_t count;
    const uint8_t *items = vector_of(table, field, &count);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *item = target(items + 4 * (size_t)i);
        if (field_at(item, KEY_VALUE_KEY) == NULL || field_at(item, KEY_VALUE_VALUE) == NULL)
            return false;
    }
    return true;
}

static bool fields_are_whole(const uint8_t *table, int vector)
{
    uint32_t count;
    const uint8_t *items = vector_of(table, vector, &count);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *field = target(items + 4 * (size_t)i);
        if (field_at(field, FIELD_TYPE_TYPE) == NULL || field_at(field, FIELD_TYPE) == NULL ||
            !metadata_is_whole(field, FIELD_METADATA) || !fields_are_whole(field, FIELD_CHILDREN))
            return false;
    }
    return true;
}

static const char *schema_problem(const uint8_t *schema)
{
    if (!fields_are_whole(schema, SCHEMA_FIELDS))
        return "a field without a type";
    if (!metadata_is_whole(schema, SCHEMA_METADATA))
        return "metadata without a key or a value";
    return NULL;
}

static const char *batch_problem(const uint8_t *batch, int64_t body_bytes)
{
    uint32_t count;
    const uint8_t *length = field_at(batch, BATCH_LENGTH);
    int64_t length_max = body_bytes > INT64_MAX / 8 ? INT64_MAX / 8 : body_bytes * 8; /* a bit a row */
    if (length != NULL && (read_8(length) < 0 || read_8(length) > length_max))
        return "an impossible number of rows";
    const uint8_t *nodes = vector_of(batch, BATCH_NODES, &count);
    for (uint32_t i = 0; i < count; i++) {
        int64_t rows = read_8(nodes + NODE_BYTES * (size_t)i);
        if (rows < 0 || rows > length_max)
            return "an impossible number of values";
    }
    const uint8_t *buffers = vector_of(batch, BATCH_BUFFERS, &count);
    for (uint32_t i = 0; i < count; i++) {
        int64_t at = read_8(buffers + BUFFER_BYTES * (size_t)i), size = read_8(buffers + BUFFER_BYTES * (size_t)i + 8);
        if (at < 0 || size < 0 || at > body_bytes || size > body_bytes - at)
            return "a buffer outside its body";
    }
    return NULL;
}

const char *arrow_message_problem(const uint8_t *message, int64_t body_bytes)
{
    const uint8_t *root = target(message);
    const uint8_t *type = field_at(root, MESSAGE_HEADER_TYPE), *header = follow(root, MESSAGE_HEADER);
    if (type == NULL || header == NULL)
        return "a message without a header";
    switch (*type) {
    case HEADER_IS_SCHEMA:
        return schema_problem(header);
    case HEADER_IS_RECORD_BATCH:
        return batch_problem(header, body_bytes);
    default:
        return "a message that is neither schema nor record batch";
    }
}
