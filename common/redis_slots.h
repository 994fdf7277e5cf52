/* Which slot of a Redis Cluster a key lies in, and what a node answers that does not have it. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REDIS_SLOTS = 16384, REDIS_ADDRESS_MAX = 280 };

/* CRC16 of the XMODEM variant. */
uint16_t redis_crc16(const void *data, size_t length_bytes);
/* Slot of the key; of what is between its first { and the next } alone, when that is not empty. */
unsigned redis_key_slot(const void *key, size_t length_bytes);

typedef struct RedisRedirect {
    bool ask; /* for this command only; else the slot has moved for good */
    unsigned slot;
    char address[REDIS_ADDRESS_MAX]; /* host:port */
} RedisRedirect;

/* Reads "MOVED 3999 127.0.0.1:6381" and "ASK 3999 127.0.0.1:6381", which `asked` (host:port) answered; without a host
 * the same one is meant. False for any other text. */
bool redis_redirect_read(const char *text, const char *asked, RedisRedirect *ret_redirect);

/* Splits host:port, also [::1]:port and ::1:port. False when it is no address, or the host longer than the room. */
bool redis_address_split(const char *address, char *host, size_t host_size, int *ret_port);
