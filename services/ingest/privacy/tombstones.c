#include "services/ingest/privacy/tombstones.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_MIN = 64, COMPARED_BYTES = 16 };

typedef uint8_t Hmac[COMPARED_BYTES]; /* the beginning of one */

/* The hashes lie by themselves: a customer that is not there, as nearly all are not, costs one look into them. */
struct Tombstones {
    TombstoneKeys keys;
    uint64_t *hashes; /* 0: free */
    Hmac *hmacs;
    size_t capacity; /* a power of two; at most half of it is used */
    size_t count;
    bool lengths[ORDER_ID_MAX_BYTES + 1];
};

/* Never 0. */
static uint64_t slot_hash(uint64_t lookup_hash)
{
    return lookup_hash ? lookup_hash : 1;
}

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

static void *must_allocate(size_t count, size_t item_bytes)
{
    void *memory = calloc(count, item_bytes);
    if (!memory)
        abort();
    return memory;
}

static void make_room(Tombstones *tombstones, size_t capacity)
{
    tombstones->capacity = capacity;
    tombstones->hashes = must_allocate(capacity, sizeof *tombstones->hashes);
    tombstones->hmacs = must_allocate(capacity, sizeof *tombstones->hmacs);
}

Tombstones *tombstones_new(const TombstoneKeys *keys)
{
    Tombstones *tombstones = must_allocate(1, sizeof *tombstones);
    tombstones->keys = *keys;
    make_room(tombstones, CAPACITY_MIN);
    return tombstones;
}

void tombstones_free(Tombstones *tombstones)
{
    if (!tombstones)
        return;
    free(tombstones->hashes);
    free(tombstones->hmacs);
    free(tombstones);
}

static void insert(Tombstones *tombstones, uint64_t hash, const uint8_t *hmac)
{
    size_t at = hash & (tombstones->capacity - 1);
    while (tombstones->hashes[at])
        at = (at + 1) & (tombstones->capacity - 1);
    tombstones->hashes[at] = hash;
    memcpy(tombstones->hmacs[at], hmac, COMPARED_BYTES);
}

static void grow(Tombstones *tombstones)
{
    Tombstones before = *tombstones;
    make_room(tombstones, 2 * before.capacity);
    for (size_t i = 0; i < before.capacity; i++) {
        if (before.hashes[i])
            insert(tombstones, before.hashes[i], before.hmacs[i]);
    }
    free(before.hashes);
    free(before.hmacs);
}

void tombstones_add(Tombstones *tombstones, const Tombstone *tombstone)
{
    if (2 * (tombstones->count + 1) > tombstones->capacity)
        grow(tombstones);
    insert(tombstones, slot_hash(tombstone->lookup_hash), tombstone->hmac);
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
    uint64_t hash = slot_hash(sip_hash(tombstones->keys.lookup_key, id, length_bytes));
    uint8_t hmac[TOMBSTONE_HMAC_BYTES];
    bool computed = false;
    for (size_t at = hash & (tombstones->capacity - 1); tombstones->hashes[at];
         at = (at + 1) & (tombstones->capacity - 1)) {
        if (tombstones->hashes[at] != hash)
            continue;
        if (!computed)
            compute_hmac(&tombstones->keys, id, length_bytes, hmac);
        computed = true;
        if (memcmp(tombstones->hmacs[at], hmac, COMPARED_BYTES) == 0)
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
