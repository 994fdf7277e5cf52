/* TLS of connections to Redis. hiredis' own helper does not check whom the certificate is for, so OpenSSL is set up
 * here. */
#pragma once

#include <openssl/ssl.h>
#include "common/redis_client.h"

/* Reads the files that the options name. INVALID_ARGUMENT names the file that can't be used. */
bool redis_tls_new(const RedisOptions *options, SSL_CTX **ret_tls, Error *err) MUST_CHECK;
/* Shakes hands on a fresh connection, within its timeout; the certificate must be signed by a known authority and for
 * `name`, which is a host or an address. */
bool redis_tls_start(redisContext *handle, SSL_CTX *tls, const char *name, Error *err) MUST_CHECK;
