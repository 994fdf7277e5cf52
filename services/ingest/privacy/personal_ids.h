/* Ids of customers whose data must not be kept, and where a text mentions one of them. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include "services/ingest/orders/order.h"

/* A set of ids. */
typedef struct PersonalIds {
    bool (*holds)(const void *context, const char *id, size_t length_bytes);
    const void *context;
    bool lengths[ORDER_ID_MAX_BYTES + 1]; /* which lengths its ids have, in bytes */
} PersonalIds;

/* The set of one id, which is kept by reference. */
typedef struct PersonalId {
    const char *id;
    size_t length_bytes;
} PersonalId;
PersonalIds personal_ids_one(const PersonalId *id);

bool personal_ids_hold(const PersonalIds *ids, const char *text, size_t length_bytes);
/* Whether an id occurs in the bytes, as they are or once JSON's escapes are resolved, and does not begin or end inside
 * a word of ASCII letters, digits and "_"; other letters and broken UTF-8 do not hide it. */
bool personal_ids_mentioned(const PersonalIds *ids, const char *text, size_t length_bytes);
