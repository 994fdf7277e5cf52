#include "common/redis_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <hiredis/hiredis_ssl.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

static bool given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static bool fail_file(const char *what, const char *file, Error *err)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return error_set(err, ERROR_INVALID_ARGUMENT, "%s '%s' for TLS to Redis can't be used: %s", what, file,
                     reason == NULL ? "unknown error" : reason);
}

static bool load_files(SSL_CTX *tls, const RedisOptions *options, Error *err)
{
    ERR_clear_error();
    if (given(options->ca_file) ? SSL_CTX_load_verify_locations(tls, options->ca_file, NULL) != 1
                                : SSL_CTX_set_default_verify_paths(tls) != 1)
        return fail_file("the authorities' file", given(options->ca_file) ? options->ca_file : "of the system", err);
    if (given(options->certificate_file) != given(options->key_file))
        return error_set(err, ERROR_INVALID_ARGUMENT,
                         "TLS to Redis needs the client's certificate and its key, or neither");
    if (!given(options->certificate_file))
        return true;
    if (SSL_CTX_use_certificate_chain_file(tls, options->certificate_file) != 1)
        return fail_file("the certificate", options->certificate_file, err);
    if (SSL_CTX_use_PrivateKey_file(tls, options->key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(tls) != 1)
        return fail_file("the key", options->key_file, err);
    return true;
}

bool redis_tls_new(const RedisOptions *options, SSL_CTX **ret_tls, Error *err)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    if (tls == NULL)
        abort();
    SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    if (!load_files(tls, options, err)) {
        SSL_CTX_free(tls);
        return false;
    }
    *ret_tls = tls;
    return true;
}

static bool expect_name(SSL *ssl, const char *name)
{
    struct in6_addr address;
    if (inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    return SSL_set_tlsext_host_name(ssl, name) == 1 && SSL_set1_host(ssl, name) == 1;
}

bool redis_tls_start(redisContext *handle, SSL_CTX *tls, const char *name, Error *err)
{
    SSL *ssl = SSL_new(tls);
    if (ssl == NULL || !expect_name(ssl, name))
        abort();
    errno = 0;
    if (redisInitiateSSL(handle, ssl) == REDIS_OK)
        return true;
    int failed_errno = errno;
    long verified = SSL_get_verify_result(ssl);
    SSL_free(ssl); /* not the connection's when it failed */
    if (verified != X509_V_OK)
        return error_set(err, ERROR_UNAVAILABLE, "certificate of %s: %s", name,
                         X509_verify_cert_error_string(verified));
    if (failed_errno == EAGAIN)
        return error_set(err, ERROR_DEADLINE, "%s did not complete the TLS handshake in time", name);
    return error_set(err, ERROR_UNAVAILABLE, "TLS with %s: %s", name, handle->errstr);
}
