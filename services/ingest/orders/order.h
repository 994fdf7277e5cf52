/* One raw order event: what it must look like, and its fields. Pure. */
#pragma once

#include <stddef.h>
#include "common/arena.h"
#include "common/hour.h"

enum {
    ORDER_MESSAGE_MAX_BYTES = 1 << 20,
    ORDER_ID_MAX_BYTES = 200, /* of each id */
    ORDER_AMOUNT_INTEGER_DIGITS_MAX = 12,
    ORDER_AMOUNT_FRACTION_DIGITS_MAX = 6,
    ORDER_FUTURE_MAX_S = 300,   /* clocks of senders may be ahead by this much */
    ORDER_EARLIEST_YEAR = 2000, /* before it a sender's clock was not set */
};

#define ORDER_EVENT_TYPES(X)                                                                                           \
    X(CREATED, "order_created")                                                                                        \
    X(ACCEPTED, "order_accepted")                                                                                      \
    X(PICKED_UP, "order_picked_up")                                                                                    \
    X(DELIVERED, "order_delivered")                                                                                    \
    X(CANCELLED, "order_cancelled")

typedef enum OrderEventType {
#define X(name, text) ORDER_EVENT_##name,
    ORDER_EVENT_TYPES(X)
#undef X
        ORDER_EVENT_TYPES_COUNT
} OrderEventType;

typedef enum OrderVertical { VERTICAL_RESTAURANT, VERTICAL_GOODS, VERTICAL_UNKNOWN, VERTICALS_COUNT } OrderVertical;

/* Why an event can't be used: raw.dead_letter.reason. */
#define ORDER_FAULTS(X)                                                                                                \
    X(EMPTY, "empty")                                                                                                  \
    X(TOO_LARGE, "too_large")                                                                                          \
    X(NOT_UTF8, "not_utf8")                                                                                            \
    X(NOT_JSON, "not_json")                                                                                            \
    X(NOT_AN_OBJECT, "not_an_object")                                                                                  \
    X(FIELD_MISSING, "field_missing")                                                                                  \
    X(WRONG_TYPE, "wrong_type")                                                                                        \
    X(BAD_VALUE, "bad_value")                                                                                          \
    X(TIME_OUT_OF_RANGE, "time_out_of_range")                                                                          \
    X(NO_PLACE, "no_place")                                                                                            \
    X(REFUSED, "refused")

typedef enum OrderFault {
#define X(name, text) ORDER_FAULT_##name,
    ORDER_FAULTS(X)
#undef X
        ORDER_FAULTS_COUNT
} OrderFault;

/* NUL-terminated, and without NUL inside; `data` is NULL when the event has no such field. */
typedef struct OrderText {
    const char *data;
    uint32_t length_bytes;
} OrderText;

typedef struct Order {
    OrderText order_id, event_id, branch_id, customer_id;
    OrderText amount; /* plain decimal, checked */
    OrderText currency;
    Instant occurred_at;
    double lat, lon; /* degrees; when has_location */
    OrderEventType event_type;
    OrderVertical vertical;
    bool has_location;
} Order;

/* Scratch memory of a parser, for one thread. */
typedef struct OrderParser OrderParser;
OrderParser *order_parser_new(void);
void order_parser_free(OrderParser *parser); /* accepts NULL */
/* Fields of the good events read so far that nobody expects; to be cleared by whoever reports them. */
struct OrderFields *order_parser_unknown(OrderParser *parser);

/* Checks and reads one event. Texts live in the arena. Events that occurred after `latest` are faulty. On failure
 * `err` says what is wrong and where (JSON pointer), *ret_fault what kind of fault it is. */
bool order_parse(OrderParser *parser, const char *json, size_t length_bytes, Instant latest, Arena *arena,
                 Order *ret_order, OrderFault *ret_fault, Error *err) MUST_CHECK;

const char *order_event_type_name(OrderEventType type);
const char *order_vertical_name(OrderVertical vertical);
/* False when there is no such vertical. */
bool order_vertical_find(const char *name, OrderVertical *ret_vertical);
const char *order_fault_name(OrderFault fault);
/* Hash of the event's identity: (order_id, event_type). */
uint64_t order_key_hash(OrderText order_id, OrderEventType type);
/* Hash of a customer's id, as in raw.batch_payload.customers. */
uint64_t order_customer_hash(OrderText customer_id);
