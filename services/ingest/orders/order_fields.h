/* Fields of order events that nobody expects, counted: their values are kept with the message, the names are reported.
 * Events without any cost nothing but a comparison of numbers. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <yyjson.h>

enum {
    ORDER_FIELDS_MAX = 64, /* different ones between two reports; the others are counted together as "..." */
    ORDER_FIELD_NAME_MAX_BYTES = 100,
};

typedef struct OrderField {
    char path[ORDER_FIELD_NAME_MAX_BYTES + 16]; /* "tip", "location.floor" */
    const char *type;                           /* "str", static */
    uint64_t hash;                              /* of path and type */
    int64_t times;
} OrderField;

/* A field that is known. */
typedef struct KnownField {
    const char *name; /* NULL ends the table */
    size_t length_bytes;
} KnownField;
#define KNOWN_FIELD(text)                                                                                              \
    {                                                                                                                  \
        text, sizeof text - 1                                                                                          \
    }

/* Zeroed: none. */
typedef struct OrderFields OrderFields;
struct OrderFields {
    OrderField items[ORDER_FIELDS_MAX];
    size_t count;
    int64_t others; /* beyond ORDER_FIELDS_MAX */
};

/* Notes the fields of the object that are not among the `known` ones. `at` is "" or "location.". */
void order_fields_note(OrderFields *fields, yyjson_val *object, const char *at, const KnownField *known);
