#include "services/ingest/privacy/sip_hash.h"

#include <string.h>

typedef struct State {
    uint64_t v[4];
} State;

static uint64_t rotate(uint64_t word, int bits)
{
    return word << bits | word >> (64 - bits);
}

static void mix(State *state, int rounds)
{
    uint64_t *v = state->v;
    for (int i = 0; i < rounds; i++) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32) + v[3];
        v[2] += v[1];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[2] = rotate(v[2], 32);
    }
}

static void take_word(State *state, uint64_t word)
{
    state->v[3] ^= word;
    mix(state, 2);
    state->v[0] ^= word;
}

uint64_t sip_hash(const uint8_t key[SIP_KEY_BYTES], const void *data, size_t length_bytes)
{
    uint64_t k[2], word;
    memcpy(k, key, sizeof k);
    State state = {{k[0] ^ UINT64_C(0x736f6d6570736575), k[1] ^ UINT64_C(0x646f72616e646f6d),
                    k[0] ^ UINT64_C(0x6c7967656e657261), k[1] ^ UINT64_C(0x7465646279746573)}};
    const uint8_t *bytes = data;
    size_t left = length_bytes;
    for (; left >= sizeof word; left -= sizeof word, bytes += sizeof word) {
        memcpy(&word, bytes, sizeof word);
        take_word(&state, word);
    }
    word = 0;
    if (left > 0)
        memcpy(&word, bytes, left);
    take_word(&state, word | (uint64_t)length_bytes << 56);
    state.v[2] ^= 0xff;
    mix(&state, 4);
    return state.v[0] ^ state.v[1] ^ state.v[2] ^ state.v[3];
}
