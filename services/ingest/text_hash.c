#include "services/ingest/text_hash.h"

#include <string.h>

static const uint64_t SECRET[3] = {0xa0761d6478bd642fULL, 0xe7037ed1a0b428dbULL, 0x8ebc6af09c88c6e3ULL};

static uint64_t fold(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t read_tail(const char *text, size_t length_bytes)
{
    uint64_t word = 0;
    memcpy(&word, text, length_bytes < 8 ? length_bytes : 8);
    return word;
}

uint64_t text_hash(const char *text, size_t length_bytes, uint64_t seed)
{
    uint64_t hash = seed ^ SECRET[0];
    size_t left = length_bytes;
    for (; left >= 16; left -= 16, text += 16)
        hash = fold(read_tail(text, 8) ^ SECRET[1], read_tail(text + 8, 8) ^ hash);
    uint64_t first = read_tail(text, left);
    uint64_t second = left > 8 ? read_tail(text + 8, left - 8) : 0;
    hash = fold(first ^ SECRET[1], second ^ hash);
    hash = fold(hash ^ SECRET[2], length_bytes ^ SECRET[1]);
    return hash ? hash : 1;
}
