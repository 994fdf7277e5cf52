#include "services/ingest/orders/order_fields.h"

#include <stdio.h>
#include <string.h>
#include "services/ingest/text_hash.h"

static bool is_known(const char *name, size_t length_bytes, const KnownField *known)
{
    for (; known->name; known++) {
        if (known->length_bytes == length_bytes && known->name[0] == name[0] &&
            memcmp(known->name, name, length_bytes) == 0)
            return true;
    }
    return false;
}

/* How much of the name is shown: whole characters. */
static size_t shown_bytes(const char *name, size_t length_bytes)
{
    if (length_bytes <= ORDER_FIELD_NAME_MAX_BYTES)
        return length_bytes;
    size_t shown = ORDER_FIELD_NAME_MAX_BYTES;
    while (shown > 0 && ((unsigned char)name[shown] & 0xc0) == 0x80)
        shown--;
    return shown;
}

static void note(OrderFields *fields, const char *at, const char *name, size_t length_bytes, yyjson_val *value)
{
    size_t shown = shown_bytes(name, length_bytes);
    const char *type = yyjson_get_type_desc(value);
    uint64_t hash = text_hash(name, shown, (uint64_t)(uintptr_t)type ^ (uint64_t)at[0] << 56);
    for (size_t i = 0; i < fields->count; i++) {
        if (fields->items[i].hash == hash) {
            fields->items[i].times++;
            return;
        }
    }
    if (fields->count == ORDER_FIELDS_MAX) {
        fields->others++;
        return;
    }
    OrderField *field = &fields->items[fields->count++];
    *field = (OrderField){.type = type, .hash = hash, .times = 1};
    snprintf(field->path, sizeof field->path, "%s%.*s", at, (int)shown, name);
}

void order_fields_note(OrderFields *fields, yyjson_val *object, const char *at, const KnownField *known)
{
    size_t i, count;
    yyjson_val *key, *value;
    yyjson_obj_foreach(object, i, count, key, value)
    {
        const char *name = yyjson_get_str(key);
        if (!is_known(name, yyjson_get_len(key), known))
            note(fields, at, name, yyjson_get_len(key), value);
    }
}
