#include "services/ingest/privacy/order_strip.h"

#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

enum { KEPT_TEXT_MAX_BYTES = ORDER_ID_MAX_BYTES, CURRENCY_CHARS = 3 };

typedef struct Field Field;

typedef enum FieldKind {
    FIELD_ID,     /* text that names a thing of the company: stays, whatever it is */
    FIELD_NUMBER, /* stays */
    FIELD_SCALAR, /* anything without parts; a text that mentions a customer does not stay */
    FIELD_OBJECT,
    FIELD_ARRAY, /* of objects */
} FieldKind;

struct Field {
    const char *name; /* NULL ends the table */
    FieldKind kind;
    const Field *fields; /* of FIELD_OBJECT and FIELD_ARRAY */
};

static const Field location_fields[] = {{"lat", FIELD_NUMBER, NULL}, {"lon", FIELD_NUMBER, NULL}, {0}};
static const Field item_fields[] = {{"sku", FIELD_SCALAR, NULL},
                                    {"name", FIELD_SCALAR, NULL},
                                    {"quantity", FIELD_SCALAR, NULL},
                                    {"unit_price", FIELD_SCALAR, NULL},
                                    {0}};
static const Field total_fields[] = {{"amount", FIELD_SCALAR, NULL}, {"currency", FIELD_SCALAR, NULL}, {0}};
/* The contract of an order event, without customer_id. */
static const Field order_fields[] = {{"event_id", FIELD_ID, NULL},
                                     {"order_id", FIELD_ID, NULL},
                                     {"event_type", FIELD_SCALAR, NULL},
                                     {"occurred_at", FIELD_ID, NULL},
                                     {"branch_id", FIELD_ID, NULL},
                                     {"vertical", FIELD_SCALAR, NULL},
                                     {"location", FIELD_OBJECT, location_fields},
                                     {"items", FIELD_ARRAY, item_fields},
                                     {"total", FIELD_OBJECT, total_fields},
                                     {0}};

static yyjson_doc *read_json(const char *message, size_t length_bytes)
{
    yyjson_read_err problem;
    /* Without YYJSON_READ_INSITU the text is copied, not changed. */
    return yyjson_read_opts((char *)(uintptr_t)message, length_bytes, YYJSON_READ_NUMBER_AS_RAW, NULL, &problem);
}

static const Field *find_field(const Field *fields, yyjson_val *key)
{
    for (; fields->name; fields++) {
        if (yyjson_equals_str(key, fields->name))
            return fields;
    }
    return NULL;
}

static bool text_mentions(const PersonalIds *ids, yyjson_val *text)
{
    return personal_ids_mentioned(ids, yyjson_get_str(text), yyjson_get_len(text));
}

/* A decimal, a currency, or a word that the contract knows: an id that looks like one is still not meant. */
static bool is_code(const char *text, size_t length_bytes)
{
    OrderVertical vertical;
    if (strspn(text, "0123456789.") == length_bytes ||
        (length_bytes == CURRENCY_CHARS && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == length_bytes))
        return true;
    for (int type = 0; type < ORDER_EVENT_TYPES_COUNT; type++) {
        if (strcmp(order_event_type_name((OrderEventType)type), text) == 0)
            return true;
    }
    return order_vertical_find(text, &vertical);
}

/* Whether the value is of its kind, and so stays. Parts of objects are looked at on their own. */
static bool stays(const PersonalIds *ids, const Field *field, yyjson_val *value)
{
    if (yyjson_is_null(value))
        return true;
    bool text = yyjson_is_str(value) && yyjson_get_len(value) <= KEPT_TEXT_MAX_BYTES;
    switch (field->kind) {
    case FIELD_ID:
        return text;
    case FIELD_NUMBER:
        return yyjson_is_raw(value);
    case FIELD_SCALAR:
        return yyjson_is_raw(value) || yyjson_is_bool(value) ||
               (text && (is_code(yyjson_get_str(value), yyjson_get_len(value)) || !text_mentions(ids, value)));
    case FIELD_OBJECT:
        return yyjson_is_obj(value);
    case FIELD_ARRAY:
        return yyjson_is_arr(value);
    }
    return false;
}

/* Whether a value that does not stay mentions a customer: as a text, a field's name, or a whole number. Values may be
 * nested deeply: they lie one after another in memory, parts after the whole. */
static bool mentions(const PersonalIds *ids, yyjson_val *value)
{
    yyjson_val *end = unsafe_yyjson_get_next(value);
    for (yyjson_val *part = value; part < end; part++) {
        if (yyjson_is_str(part)
                ? text_mentions(ids, part)
                : yyjson_is_raw(part) && personal_ids_hold(ids, yyjson_get_raw(part), yyjson_get_len(part)))
            return true;
    }
    return false;
}

static bool rest_mentions(const PersonalIds *ids, const Field *fields, yyjson_val *object);

static bool items_mention(const PersonalIds *ids, const Field *field, yyjson_val *items)
{
    size_t i, count;
    yyjson_val *item;
    yyjson_arr_foreach(items, i, count, item)
    {
        if (yyjson_is_obj(item) ? rest_mentions(ids, field->fields, item) : mentions(ids, item))
            return true;
    }
    return false;
}

/* Whether what rewriting takes out mentions a customer. */
static bool rest_mentions(const PersonalIds *ids, const Field *fields, yyjson_val *object)
{
    size_t i, count;
    yyjson_val *key, *value;
    yyjson_obj_foreach(object, i, count, key, value)
    {
        const Field *field = find_field(fields, key);
        if (!field || !stays(ids, field, value)) {
            if (text_mentions(ids, key) || mentions(ids, value))
                return true;
        } else if (field->kind == FIELD_OBJECT && yyjson_is_obj(value)) {
            if (rest_mentions(ids, field->fields, value))
                return true;
        } else if (field->kind == FIELD_ARRAY && yyjson_is_arr(value)) {
            if (items_mention(ids, field, value))
                return true;
        }
    }
    return false;
}

static void write_object(const PersonalIds *ids, const Field *fields, yyjson_val *object, Buffer *out);

static void write_items(const PersonalIds *ids, const Field *field, yyjson_val *items, Buffer *out)
{
    size_t i, count;
    yyjson_val *item;
    bool first = true;
    buffer_append_char(out, '[');
    yyjson_arr_foreach(items, i, count, item)
    {
        if (!yyjson_is_obj(item))
            continue;
        if (!first)
            buffer_append_char(out, ',');
        first = false;
        write_object(ids, field->fields, item, out);
    }
    buffer_append_char(out, ']');
}

static void write_value(const PersonalIds *ids, const Field *field, yyjson_val *value, Buffer *out)
{
    if (yyjson_is_obj(value))
        write_object(ids, field->fields, value, out);
    else if (yyjson_is_arr(value))
        write_items(ids, field, value, out);
    else if (yyjson_is_str(value))
        buffer_append_json_string_n(out, yyjson_get_str(value), yyjson_get_len(value));
    else if (yyjson_is_raw(value))
        buffer_append(out, yyjson_get_raw(value), yyjson_get_len(value));
    else
        buffer_append_text(out, yyjson_is_null(value) ? "null" : yyjson_get_bool(value) ? "true" : "false");
}

/* Of a field that is there twice only the first counts when an event is read, so only that stays. */
static void write_object(const PersonalIds *ids, const Field *fields, yyjson_val *object, Buffer *out)
{
    size_t i, count;
    yyjson_val *key, *value;
    bool first = true;
    buffer_append_char(out, '{');
    yyjson_obj_foreach(object, i, count, key, value)
    {
        const Field *field = find_field(fields, key);
        if (!field || !stays(ids, field, value) || yyjson_obj_get(object, field->name) != value)
            continue;
        if (!first)
            buffer_append_char(out, ',');
        first = false;
        buffer_append_json_string(out, field->name);
        buffer_append_char(out, ':');
        write_value(ids, field, value, out);
    }
    buffer_append_char(out, '}');
}

/* NULL: it names none. */
static yyjson_val *named_customer(yyjson_val *object)
{
    yyjson_val *customer = yyjson_obj_get(object, "customer_id");
    return yyjson_is_str(customer) && yyjson_get_len(customer) > 0 ? customer : NULL;
}

static StripOutcome strip_object(const PersonalIds *ids, yyjson_val *object, Buffer *out)
{
    yyjson_val *customer = named_customer(object);
    bool theirs = customer ? personal_ids_hold(ids, yyjson_get_str(customer), yyjson_get_len(customer))
                           : rest_mentions(ids, order_fields, object);
    if (!theirs)
        return STRIP_NOTHING;
    buffer_clear(out);
    write_object(ids, order_fields, object, out);
    return STRIP_REWRITTEN;
}

StripOutcome order_strip(const PersonalIds *ids, const char *message, size_t length_bytes, Buffer *out)
{
    yyjson_doc *doc = length_bytes > 0 ? read_json(message, length_bytes) : NULL;
    StripOutcome outcome = STRIP_NOTHING;
    if (doc && yyjson_is_obj(yyjson_doc_get_root(doc))) {
        outcome = strip_object(ids, yyjson_doc_get_root(doc), out);
    } else if (personal_ids_mentioned(ids, message, length_bytes)) {
        buffer_clear(out);
        outcome = STRIP_EMPTIED;
    }
    yyjson_doc_free(doc);
    return outcome;
}

bool order_names_customer(const char *message, size_t length_bytes, uint64_t *ret_customer_hash)
{
    yyjson_doc *doc = length_bytes > 0 ? read_json(message, length_bytes) : NULL;
    yyjson_val *root = doc ? yyjson_doc_get_root(doc) : NULL;
    yyjson_val *customer = yyjson_is_obj(root) ? named_customer(root) : NULL;
    if (customer)
        *ret_customer_hash = order_customer_hash(
            (OrderText){.data = yyjson_get_str(customer), .length_bytes = (uint32_t)yyjson_get_len(customer)});
    yyjson_doc_free(doc);
    return customer != NULL;
}
