/* SipHash-2-4 (Aumasson, Bernstein, 2012): a keyed hash of short texts that nobody without the key can aim at. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { SIP_KEY_BYTES = 16 };

/* Little-endian machines. */
uint64_t sip_hash(const uint8_t key[SIP_KEY_BYTES], const void *data, size_t length_bytes);
