#include <criterion/criterion.h>
#include "services/ingest/privacy/sip_hash.h"

/* From the reference implementation: key 00 01 .. 0f, messages 00 01 .. of the length. */
static const struct {
    size_t length_bytes;
    uint64_t hash;
} vectors[] = {
    {0, UINT64_C(0x726fdb47dd0e0e31)}, {1, UINT64_C(0x74f839c593dc67fd)},  {7, UINT64_C(0xab0200f58b01d137)},
    {8, UINT64_C(0x93f5f5799a932462)}, {15, UINT64_C(0xa129ca6149be45e5)},
};

Test(sip_hash, is_that_of_the_reference)
{
    uint8_t key[SIP_KEY_BYTES], message[16];
    for (int i = 0; i < 16; i++)
        key[i] = message[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        cr_expect_eq(sip_hash(key, message, vectors[i].length_bytes), vectors[i].hash, "%zu bytes: %llx",
                     vectors[i].length_bytes, (unsigned long long)sip_hash(key, message, vectors[i].length_bytes));
}
