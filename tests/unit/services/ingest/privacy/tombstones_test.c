#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "services/ingest/privacy/tombstones.h"

static const TombstoneKeys keys = {.hmac_key = {1, 2, 3}, .lookup_key = {4, 5, 6}};

static bool holds(const Tombstones *tombstones, const char *id)
{
    PersonalIds ids = tombstones_ids(tombstones);
    return personal_ids_hold(&ids, id, strlen(id));
}

Test(tombstones, know_whom_they_were_given_and_nobody_else)
{
    Tombstones *tombstones = tombstones_new(&keys);
    cr_assert_not(holds(tombstones, "c1"));
    for (int i = 0; i < 1000; i += 2) {
        char id[32];
        snprintf(id, sizeof id, "c%d", i);
        Tombstone tombstone = tombstone_of(&keys, id, strlen(id));
        tombstones_add(tombstones, &tombstone);
    }
    cr_assert_eq(tombstones_count(tombstones), 500);
    for (int i = 0; i < 1000; i++) {
        char id[32];
        snprintf(id, sizeof id, "c%d", i);
        cr_assert_eq(holds(tombstones, id), i % 2 == 0, "%s", id);
    }
    tombstones_free(tombstones);
}

Test(tombstones, tell_ids_of_the_same_short_hash_apart)
{
    Tombstones *tombstones = tombstones_new(&keys);
    Tombstone erased = tombstone_of(&keys, "erased", 6), other = tombstone_of(&keys, "others", 6);
    cr_assert_neq(memcmp(erased.hmac, other.hmac, sizeof erased.hmac), 0);
    erased.lookup_hash = other.lookup_hash;
    tombstones_add(tombstones, &erased);
    cr_assert_not(holds(tombstones, "others"));
    tombstones_add(tombstones, &other);
    cr_assert(holds(tombstones, "others"), "behind one of the same hash");
    tombstones_free(tombstones);
}

Test(tombstones, depend_on_the_keys)
{
    TombstoneKeys elsewhere = keys;
    elsewhere.hmac_key[31] = elsewhere.lookup_key[15] = 1;
    Tombstone here = tombstone_of(&keys, "c", 1), there = tombstone_of(&elsewhere, "c", 1);
    cr_assert_neq(here.lookup_hash, there.lookup_hash);
    cr_assert_neq(memcmp(here.hmac, there.hmac, sizeof here.hmac), 0);
}
