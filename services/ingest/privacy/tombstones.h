/* The customers that were erased, in memory: keyed hashes of their ids. Pure; not thread-safe. */
#pragma once

#include "services/ingest/privacy/personal_ids.h"
#include "services/ingest/privacy/sip_hash.h"

enum { TOMBSTONE_HMAC_BYTES = 32, TOMBSTONE_KEY_BYTES = 32 };

/* The installation's keys: personal.salt. */
typedef struct TombstoneKeys {
    uint8_t hmac_key[TOMBSTONE_KEY_BYTES];
    uint8_t lookup_key[SIP_KEY_BYTES];
} TombstoneKeys;

/* A row of personal.tombstone. */
typedef struct Tombstone {
    uint8_t hmac[TOMBSTONE_HMAC_BYTES];
    uint64_t lookup_hash;
    size_t id_bytes;
} Tombstone;

typedef struct Tombstones Tombstones;

Tombstone tombstone_of(const TombstoneKeys *keys, const char *customer_id, size_t length_bytes);

Tombstones *tombstones_new(const TombstoneKeys *keys); /* the keys are copied */
void tombstones_free(Tombstones *tombstones);          /* accepts NULL */
/* About 50 MB for a million of them. */
void tombstones_add(Tombstones *tombstones, const Tombstone *tombstone);
size_t tombstones_count(const Tombstones *tombstones);
/* The set of ids that were erased, as long as the tombstones live and none is added: one look-up by the short hash, and
 * only when that is there the long one, so that nobody is taken for somebody else. */
PersonalIds tombstones_ids(const Tombstones *tombstones);
