/* 64-bit hash of short texts (ids): multiply-and-fold over 16 bytes at a time, as in wyhash (W. Yi, public domain).
 * Its values are kept in raw.batch_payload.customers: a change of the function needs a migration. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Never 0. `seed` tells texts of different kinds apart. Little-endian machines. */
uint64_t text_hash(const char *text, size_t length_bytes, uint64_t seed);
