#include "services/ingest/privacy/tombstones.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_MIN = 64, COMPARED_BYTES = 16 };

typedef struct Slot {
    uint64_t lookup_hash;
    uint8_t hmac[COMPARED_BYTES]; /* the beginning of it */
    bool used;
} Slot;

struct Tombstones {
    TombstoneKeys keys;
    Slot *slots;
    size_t capacity; /* a power of two; at most half of it is used */
    size_t count;
    bool lengths[ORDER_ID_MAX_BYTES + 1];
};

static void compute_hmac(const TombstoneKeys *keys, const char *text, size_t length_bytes,
                         uint8_t hmac[TOMBSTONE_HMAC_BYTES])
{
    gsize hmac_bytes = TOMBSTONE_HMAC_BYTES;
    GHmac *computed = g_hmac_new(G_CHECKSUM_SHA256, keys->hmac_key, sizeof keys->hmac_key);
    g_hmac_update(computed, (const guchar *)text, (gssize)length_bytes);
    g_hmac_get_digest(computed, hmac, &hmac_bytes);
    g_hmac_unref(computed);
}

Tombstone tombstone_of(const TombstoneKeys *keys, const char *customer_id, size_t length_bytes)
{
    Tombstone tombstone = {.lookup_hash = sip_hash(keys->lookup_key, customer_id, length_bytes),
                           .id_bytes = length_bytes};
    compute_hmac(keys, customer_id, length_bytes, tombstone.hmac);
    return tombstone;
}

static Slot *new_slots(size_t capacity)
{
    Slot *slots = calloc(capacity, sizeof *slots);
    if (!slots)
        abort();
    return slots;
}

Tombstones *tombstones_new(const TombstoneKeys *keys)
{
    Tombstones *tombstones = calloc(1, sizeof *tombstones);
    if (!tombstones)
        abort();
    tombstones->keys = *keys;
    tombstones->capacity = CAPACITY_MIN;
    tombstones->slots = new_slots(CAPACITY_MIN);
    return tombstones;
}

void tombstones_free(Tombstones *tombstones)
{
    if (!tombstones)
        return;
    free(tombstones->slots);
    free(tombstones);
}

static void insert(Slot *slots, size_t capacity, const Slot *slot)
{
    size_t at = slot->lookup_hash & (capacity - 1);
    while (slots[at].used)
        at = (at + 1) & (capacity - 1);
    slots[at] = *slot;
}

static void grow(Tombstones *tombstones)
{
    size_t capacity = 2 * tombstones->capacity;
    Slot *slots = new_slots(capacity);
    for (size_t i = 0; i < tombstones->capacity; i++) {
        if (tombstones->slots[i].used)
            insert(slots, capacity, &tombstones->slots[i]);
    }
    free(tombstones->slots);
    tombstones->slots = slots;
    tombstones->capacity = capacity;
}

void tombstones_add(Tombstones *tombstones, const Tombstone *tombstone)
{
    if (2 * (tombstones->count + 1) > tombstones->capacity)
        grow(tombstones);
    Slot slot = {.lookup_hash = tombstone->lookup_hash, .used = true};
    memcpy(slot.hmac, tombstone->hmac, sizeof slot.hmac);
    insert(tombstones->slots, tombstones->capacity, &slot);
    tombstones->count++;
    if (tombstone->id_bytes <= ORDER_ID_MAX_BYTES)
        tombstones->lengths[tombstone->id_bytes] = true;
}

size_t tombstones_count(const Tombstones *tombstones)
{
    return tombstones->count;
}

static bool is_buried(const void *context, const char *id, size_t length_bytes)
{
    const Tombstones *tombstones = context;
    uint64_t hash = sip_hash(tombstones->keys.lookup_key, id, length_bytes);
    uint8_t hmac[TOMBSTONE_HMAC_BYTES];
    bool computed = false;
    for (size_t at = hash & (tombstones->capacity - 1); tombstones->slots[at].used;
         at = (at + 1) & (tombstones->capacity - 1)) {
        const Slot *slot = &tombstones->slots[at];
        if (slot->lookup_hash != hash)
            continue;
        if (!computed)
            compute_hmac(&tombstones->keys, id, length_bytes, hmac);
        computed = true;
        if (memcmp(slot->hmac, hmac, COMPARED_BYTES) == 0)
            return true;
    }
    return false;
}

PersonalIds tombstones_ids(const Tombstones *tombstones)
{
    PersonalIds ids = {.holds = is_buried, .context = tombstones};
    memcpy(ids.lengths, tombstones->lengths, sizeof ids.lengths);
    return ids;
}
