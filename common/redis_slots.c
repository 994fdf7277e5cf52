#include "common/redis_slots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint16_t redis_crc16(const void *data, size_t length_bytes)
{
    const uint8_t *bytes = data;
    unsigned crc = 0;
    for (size_t i = 0; i < length_bytes; i++) {
        crc ^= (unsigned)bytes[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1;
        crc &= 0xffff;
    }
    return (uint16_t)crc;
}

unsigned redis_key_slot(const void *key, size_t length_bytes)
{
    const char *open = memchr(key, '{', length_bytes);
    if (open != NULL) {
        const char *tag = open + 1, *end = (const char *)key + length_bytes;
        const char *close = memchr(tag, '}', (size_t)(end - tag));
        if (close != NULL && close > tag)
            return redis_crc16(tag, (size_t)(close - tag)) % REDIS_SLOTS;
    }
    return redis_crc16(key, length_bytes) % REDIS_SLOTS;
}

bool redis_redirect_read(const char *text, const char *asked, RedisRedirect *ret_redirect)
{
    RedisRedirect redirect = {.ask = strncmp(text, "ASK ", 4) == 0};
    char word[8], address[256];
    if ((!redirect.ask && strncmp(text, "MOVED ", 6) != 0) ||
        sscanf(text, "%7s %u %255s", word, &redirect.slot, address) != 3 || redirect.slot >= REDIS_SLOTS ||
        strchr(address, ':') == NULL)
        return false;
    const char *colon = strrchr(asked, ':');
    bool no_host = strrchr(address, ':') == address; /* unlike ::1:6381 */
    int host_length = !no_host ? 0 : colon == NULL ? -1 : (int)(colon - asked);
    if (host_length < 0)
        return false;
    int length = snprintf(redirect.address, sizeof(redirect.address), "%.*s%s", host_length, asked, address);
    if (length < 0 || (size_t)length >= sizeof(redirect.address))
        return false;
    *ret_redirect = redirect;
    return true;
}

bool redis_address_split(const char *address, char *host, size_t host_size, int *ret_port)
{
    const char *colon = strrchr(address, ':');
    if (colon == NULL || colon == address)
        return false;
    char *rest;
    long port = strtol(colon + 1, &rest, 10);
    if (rest == colon + 1 || *rest != '\0' || port <= 0 || port > 65535)
        return false;
    size_t length = (size_t)(colon - address);
    if (length > 2 && address[0] == '[' && colon[-1] == ']') {
        address++;
        length -= 2;
    }
    if (length >= host_size)
        return false;
    snprintf(host, host_size, "%.*s", (int)length, address);
    *ret_port = (int)port;
    return true;
}
