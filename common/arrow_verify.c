#include "common/arrow_verify.h"

#include <endian.h>
#include <stddef.h>
#include <string.h>

/* Numbers of fields, from Message.fbs and Schema.fbs of the Arrow format; a union's value follows its type. */
enum {
    MESSAGE_HEADER_TYPE = 1,
    MESSAGE_HEADER = 2,
    SCHEMA_FIELDS = 1,
    FIELD_TYPE_TYPE = 2,
    FIELD_TYPE = 3,
    FIELD_CHILDREN = 5,
    HEADER_IS_SCHEMA = 1,
};

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

/* Where a field of a table lies, NULL when it is absent ("Internals" of the FlatBuffers documentation). */
static const uint8_t *field_at(const uint8_t *table, int field)
{
    const uint8_t *vtable = table - (int32_t)read_4(table);
    int entry = 4 + 2 * field;
    if (entry + 2 > read_2(vtable) || read_2(vtable + entry) == 0)
        return NULL;
    return table + read_2(vtable + entry);
}

/* What a field that holds an offset points to. */
static const uint8_t *follow(const uint8_t *field)
{
    return field == NULL ? NULL : field + read_4(field);
}

static bool fields_are_whole(const uint8_t *fields)
{
    uint32_t count = fields == NULL ? 0 : read_4(fields);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *field = follow(fields + 4 + 4 * (size_t)i);
        if (field_at(field, FIELD_TYPE_TYPE) == NULL || field_at(field, FIELD_TYPE) == NULL ||
            !fields_are_whole(follow(field_at(field, FIELD_CHILDREN))))
            return false;
    }
    return true;
}

bool arrow_message_is_whole(const uint8_t *message)
{
    const uint8_t *root = follow(message);
    const uint8_t *type = field_at(root, MESSAGE_HEADER_TYPE), *header = follow(field_at(root, MESSAGE_HEADER));
    if (type == NULL || header == NULL)
        return false;
    return *type != HEADER_IS_SCHEMA || fields_are_whole(follow(field_at(header, SCHEMA_FIELDS)));
}
