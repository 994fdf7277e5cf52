/* The listening socket. */
#pragma once

#include <stdint.h>
#include "common/error.h"

/* Binds to a numeric IPv4 or IPv6 address and listens. When that fails, the message names address and port, and
 * `port_variable` as what changes it. Port 0 takes any free one. */
bool http_listen(const char *address, uint16_t port, const char *port_variable, int *ret_fd, uint16_t *ret_port,
                 Error *err) MUST_CHECK;
bool http_address_is_loopback(const char *address);
