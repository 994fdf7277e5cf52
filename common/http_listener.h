/* The listening sockets. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "common/error.h"

/* Makes `count` sockets that listen on the same numeric IPv4 or IPv6 address and port; the kernel spreads new
 * connections over them. When that fails, the message names address and port, and `port_variable` as what changes it.
 * Port 0 takes any free one. */
bool http_listen(const char *address, uint16_t port, const char *port_variable, size_t count, int *ret_fds,
                 uint16_t *ret_port, Error *err) MUST_CHECK;
bool http_address_is_loopback(const char *address);
