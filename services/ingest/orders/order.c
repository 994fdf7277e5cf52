#include "services/ingest/orders/order.h"

#include <stdlib.h>
#include <string.h>
#include <yyjson.h>
#include "services/ingest/text_hash.h"

enum {
    POOL_BYTES = 256 * 1024,
    POOL_MESSAGE_MAX_BYTES = 8 * 1024, /* larger messages are rare and take their memory from malloc */
    SHOWN_MAX_BYTES = 60,
};

static const uint64_t HASH_SEED_CUSTOMER = 1000;
static const uint64_t STEP_OF_HASH = 0x9e3779b97f4a7c15ULL;              /* odd, bits spread: 2^64 / the golden ratio */
static const Instant EARLIEST = INT64_C(946684800) * INSTANT_PER_SECOND; /* start of ORDER_EARLIEST_YEAR */

static const char *const event_type_names[] = {
#define X(name, text) [ORDER_EVENT_##name] = text,
    ORDER_EVENT_TYPES(X)
#undef X
};
static const char *const vertical_names[] = {"restaurant", "goods", "unknown"};
static const char *const fault_names[] = {
#define X(name, text) [ORDER_FAULT_##name] = text,
    ORDER_FAULTS(X)
#undef X
};

struct OrderParser {
    char pool[POOL_BYTES];
};

/* One event while it is read. */
typedef struct Reading {
    yyjson_val *object;
    OrderFault fault;
    Error *err;
} Reading;

OrderParser *order_parser_new(void)
{
    OrderParser *parser = malloc(sizeof *parser);
    if (!parser)
        abort();
    return parser;
}

void order_parser_free(OrderParser *parser)
{
    free(parser);
}

#define FAULT(reading, kind, pointer, ...)                                                                             \
    ((reading)->fault = ORDER_FAULT_##kind, error_set_at((reading)->err, ERROR_UNPROCESSABLE, pointer, __VA_ARGS__))

/* The text of a field. `pointer` is "/" + its name, or "/<object>/<name>" when it is inside another one. */
static bool read_text(Reading *reading, yyjson_val *object, const char *pointer, size_t limit_bytes, bool required,
                      OrderText *ret_text)
{
    yyjson_val *value = yyjson_obj_get(object, strrchr(pointer, '/') + 1);
    if (!value || yyjson_is_null(value)) {
        if (required)
            return FAULT(reading, FIELD_MISSING, pointer, "%s is required", pointer + 1);
        *ret_text = (OrderText){0};
        return true;
    }
    if (!yyjson_is_str(value))
        return FAULT(reading, WRONG_TYPE, pointer, "%s must be a string, not %s", pointer + 1,
                     yyjson_get_type_desc(value));
    size_t length_bytes = yyjson_get_len(value);
    const char *text = yyjson_get_str(value);
    if (length_bytes == 0 || length_bytes > limit_bytes)
        return FAULT(reading, BAD_VALUE, pointer, "%s must have 1 to %zu bytes, not %zu", pointer + 1, limit_bytes,
                     length_bytes);
    if (memchr(text, '\0', length_bytes))
        return FAULT(reading, BAD_VALUE, pointer, "%s must not hold the character U+0000", pointer + 1);
    *ret_text = (OrderText){.data = text, .length_bytes = (uint32_t)length_bytes};
    return true;
}

static bool text_is(OrderText text, const char *word)
{
    return strlen(word) == text.length_bytes && memcmp(text.data, word, text.length_bytes) == 0;
}

/* How much of the text a message shows: whole characters, since Postgres takes no others. */
static int shown(OrderText text)
{
    if (text.length_bytes <= SHOWN_MAX_BYTES)
        return (int)text.length_bytes;
    int length_bytes = SHOWN_MAX_BYTES;
    while (length_bytes > 0 && ((unsigned char)text.data[length_bytes] & 0xc0) == 0x80)
        length_bytes--;
    return length_bytes;
}

static bool read_ids(Reading *reading, Order *order)
{
    return read_text(reading, reading->object, "/event_id", ORDER_ID_MAX_BYTES, true, &order->event_id) &&
           read_text(reading, reading->object, "/order_id", ORDER_ID_MAX_BYTES, true, &order->order_id) &&
           read_text(reading, reading->object, "/branch_id", ORDER_ID_MAX_BYTES, false, &order->branch_id) &&
           read_text(reading, reading->object, "/customer_id", ORDER_ID_MAX_BYTES, false, &order->customer_id);
}

static bool read_event_type(Reading *reading, Order *order)
{
    OrderText text;
    if (!read_text(reading, reading->object, "/event_type", ORDER_ID_MAX_BYTES, true, &text))
        return false;
    for (int i = 0; i < ORDER_EVENT_TYPES_COUNT; i++) {
        if (text_is(text, event_type_names[i])) {
            order->event_type = (OrderEventType)i;
            return true;
        }
    }
    return FAULT(reading, BAD_VALUE, "/event_type", "'%.*s' is not a kind of order event", shown(text), text.data);
}

static bool read_occurred_at(Reading *reading, Instant latest, Order *order)
{
    OrderText text;
    if (!read_text(reading, reading->object, "/occurred_at", ORDER_ID_MAX_BYTES, true, &text))
        return false;
    if (!instant_parse_n(text.data, text.length_bytes, &order->occurred_at, reading->err))
        return FAULT(reading, BAD_VALUE, "/occurred_at", "'%.*s' is not an RFC 3339 time", shown(text), text.data);
    if (order->occurred_at > latest)
        return FAULT(reading, TIME_OUT_OF_RANGE, "/occurred_at", "'%.*s' is more than %d s in the future", shown(text),
                     text.data, ORDER_FUTURE_MAX_S);
    if (order->occurred_at < EARLIEST)
        return FAULT(reading, TIME_OUT_OF_RANGE, "/occurred_at", "'%.*s' is before the year %d", shown(text), text.data,
                     ORDER_EARLIEST_YEAR);
    return true;
}

static bool read_vertical(Reading *reading, Order *order)
{
    OrderText text;
    if (!read_text(reading, reading->object, "/vertical", ORDER_ID_MAX_BYTES, false, &text))
        return false;
    order->vertical = VERTICAL_UNKNOWN;
    if (!text.data)
        return true;
    for (int i = 0; i < VERTICAL_UNKNOWN; i++) {
        if (text_is(text, vertical_names[i])) {
            order->vertical = (OrderVertical)i;
            return true;
        }
    }
    return FAULT(reading, BAD_VALUE, "/vertical", "'%.*s' is neither restaurant nor goods", shown(text), text.data);
}

static bool read_degrees(Reading *reading, yyjson_val *location, const char *pointer, double limit, double *ret_degrees)
{
    yyjson_val *value = yyjson_obj_get(location, strrchr(pointer, '/') + 1);
    if (!value || yyjson_is_null(value))
        return FAULT(reading, FIELD_MISSING, pointer, "a location needs lat and lon");
    if (!yyjson_is_num(value))
        return FAULT(reading, WRONG_TYPE, pointer, "%s must be a number, not %s", pointer + 1,
                     yyjson_get_type_desc(value));
    double degrees = yyjson_get_num(value);
    if (!(degrees >= -limit && degrees <= limit))
        return FAULT(reading, BAD_VALUE, pointer, "%s must be between -%.0f and %.0f degrees", pointer + 1, limit,
                     limit);
    *ret_degrees = degrees;
    return true;
}

static bool read_place(Reading *reading, Order *order)
{
    yyjson_val *location = yyjson_obj_get(reading->object, "location");
    order->has_location = location && !yyjson_is_null(location);
    if (!order->has_location) {
        if (!order->branch_id.data)
            return FAULT(reading, NO_PLACE, "", "neither location nor branch_id says where the order is picked up");
        return true;
    }
    if (!yyjson_is_obj(location))
        return FAULT(reading, WRONG_TYPE, "/location", "location must be an object, not %s",
                     yyjson_get_type_desc(location));
    return read_degrees(reading, location, "/location/lat", 90, &order->lat) &&
           read_degrees(reading, location, "/location/lon", 180, &order->lon);
}

static size_t count_digits(const char *text, size_t length_bytes)
{
    size_t count = 0;
    while (count < length_bytes && text[count] >= '0' && text[count] <= '9')
        count++;
    return count;
}

static bool is_amount(OrderText text)
{
    size_t whole = count_digits(text.data, text.length_bytes);
    if (whole == 0 || whole > ORDER_AMOUNT_INTEGER_DIGITS_MAX)
        return false;
    if (whole == text.length_bytes)
        return true;
    size_t fraction = count_digits(text.data + whole + 1, text.length_bytes - whole - 1);
    return text.data[whole] == '.' && fraction > 0 && fraction <= ORDER_AMOUNT_FRACTION_DIGITS_MAX &&
           whole + 1 + fraction == text.length_bytes;
}

static bool is_currency(OrderText text)
{
    if (text.length_bytes != 3)
        return false;
    for (int i = 0; i < 3; i++) {
        if (text.data[i] < 'A' || text.data[i] > 'Z')
            return false;
    }
    return true;
}

static bool read_total(Reading *reading, Order *order)
{
    yyjson_val *total = yyjson_obj_get(reading->object, "total");
    order->amount = order->currency = (OrderText){0};
    if (!total || yyjson_is_null(total))
        return true;
    if (!yyjson_is_obj(total))
        return FAULT(reading, WRONG_TYPE, "/total", "total must be an object, not %s", yyjson_get_type_desc(total));
    if (!read_text(reading, total, "/total/amount", ORDER_ID_MAX_BYTES, true, &order->amount) ||
        !read_text(reading, total, "/total/currency", ORDER_ID_MAX_BYTES, true, &order->currency))
        return false;
    if (!is_amount(order->amount))
        return FAULT(reading, BAD_VALUE, "/total/amount", "'%.*s' is not a decimal of up to %d and %d digits",
                     shown(order->amount), order->amount.data, ORDER_AMOUNT_INTEGER_DIGITS_MAX,
                     ORDER_AMOUNT_FRACTION_DIGITS_MAX);
    if (!is_currency(order->currency))
        return FAULT(reading, BAD_VALUE, "/total/currency", "'%.*s' is not an ISO 4217 code", shown(order->currency),
                     order->currency.data);
    return true;
}

static bool read_order(Reading *reading, Instant latest, Order *order)
{
    if (!yyjson_is_obj(reading->object))
        return FAULT(reading, NOT_AN_OBJECT, "", "an event is a JSON object, not %s",
                     yyjson_get_type_desc(reading->object));
    return read_ids(reading, order) && read_event_type(reading, order) && read_occurred_at(reading, latest, order) &&
           read_vertical(reading, order) && read_place(reading, order) && read_total(reading, order);
}

bool order_parse(OrderParser *parser, const char *json, size_t length_bytes, Instant latest, Arena *arena,
                 Order *ret_order, OrderFault *ret_fault, Error *err)
{
    Reading reading = {.err = err};
    yyjson_doc *doc = NULL;
    bool ok = false;
    if (length_bytes == 0) {
        FAULT(&reading, EMPTY, "", "the message is empty");
        goto done;
    }
    if (length_bytes > ORDER_MESSAGE_MAX_BYTES) {
        FAULT(&reading, TOO_LARGE, "", "the message has %zu bytes; %d are allowed", length_bytes,
              ORDER_MESSAGE_MAX_BYTES);
        goto done;
    }
    /* Parsed in place, so that the texts stay in the arena without another copy. */
    char *copy = arena_alloc(arena, length_bytes + YYJSON_PADDING_SIZE);
    memcpy(copy, json, length_bytes);
    memset(copy + length_bytes, 0, YYJSON_PADDING_SIZE);
    yyjson_alc pool;
    bool pooled = length_bytes <= POOL_MESSAGE_MAX_BYTES && yyjson_alc_pool_init(&pool, parser->pool, POOL_BYTES);
    yyjson_read_err problem;
    doc = yyjson_read_opts(copy, length_bytes, YYJSON_READ_INSITU, pooled ? &pool : NULL, &problem);
    if (!doc) {
        bool utf8 = problem.code == YYJSON_READ_ERROR_INVALID_STRING && strstr(problem.msg, "UTF-8");
        (void)(utf8 ? FAULT(&reading, NOT_UTF8, "", "invalid UTF-8 at byte %zu", problem.pos)
                    : FAULT(&reading, NOT_JSON, "", "not JSON at byte %zu: %s", problem.pos, problem.msg));
        goto done;
    }
    reading.object = yyjson_doc_get_root(doc);
    Order order = {0};
    ok = read_order(&reading, latest, &order);
    if (ok)
        *ret_order = order;
done:
    if (!ok)
        *ret_fault = reading.fault;
    yyjson_doc_free(doc);
    return ok;
}

const char *order_event_type_name(OrderEventType type)
{
    return event_type_names[type];
}

const char *order_vertical_name(OrderVertical vertical)
{
    return vertical_names[vertical];
}

bool order_vertical_find(const char *name, OrderVertical *ret_vertical)
{
    for (int i = 0; i < VERTICALS_COUNT; i++) {
        if (strcmp(name, vertical_names[i]) == 0) {
            *ret_vertical = (OrderVertical)i;
            return true;
        }
    }
    return false;
}

const char *order_fault_name(OrderFault fault)
{
    return fault_names[fault];
}

uint64_t order_key_hash(OrderText order_id, OrderEventType type)
{
    /* The step is added afterwards: as a seed it would be mixed with the last bytes of the id, and ids that differ in
     * their last digit would share keys. */
    uint64_t hash = text_hash(order_id.data, order_id.length_bytes, 0) + STEP_OF_HASH * (uint64_t)type;
    return hash ? hash : 1;
}

uint64_t order_customer_hash(OrderText customer_id)
{
    return text_hash(customer_id.data, customer_id.length_bytes, HASH_SEED_CUSTOMER);
}
