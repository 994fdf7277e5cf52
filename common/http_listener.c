#include "common/http_listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT_TEXT_MAX_BYTES = 8 };

static bool resolve(const char *address, uint16_t port, struct addrinfo **ret_info, Error *err)
{
    char service[PORT_TEXT_MAX_BYTES];
    snprintf(service, sizeof(service), "%u", (unsigned)port);
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    if (getaddrinfo(address, service, &hints, ret_info) != 0)
        return error_set(err, ERROR_INVALID_ARGUMENT, "RUSHCAST_LISTEN is \"%s\": a numeric IP address is needed",
                         address);
    return true;
}

static uint16_t bound_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } bound = {.v6 = {0}};
    socklen_t bound_bytes = sizeof(bound);
    if (getsockname(fd, &bound.any, &bound_bytes) != 0)
        return 0;
    return ntohs(bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port : bound.v4.sin_port);
}

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
}

/* A bound socket, or -1 with errno set. */
static int bind_socket(const char *address, uint16_t port, bool shares_port, Error *err)
{
    struct addrinfo *info;
    if (!resolve(address, port, &info, err))
        return -1;
    int on = 1;
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
              (!shares_port || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0) &&
              bind(fd, info->ai_addr, info->ai_addrlen) == 0;
    int why = errno;
    freeaddrinfo(info);
    if (ok)
        return fd;
    if (fd >= 0)
        close(fd);
    error_set(err, ERROR_UNAVAILABLE, "cannot listen on %s port %u: %s", address, (unsigned)port, strerror(why));
    return -1;
}

/* Sockets that share a port would also share it with another process: a socket that does not share finds that out. */
static bool port_is_free(const char *address, uint16_t port, Error *err)
{
    int fd = bind_socket(address, port, false, err);
    if (fd < 0)
        return false;
    close(fd);
    return true;
}

bool http_listen(const char *address, uint16_t port, const char *port_variable, size_t count, int *ret_fds,
                 uint16_t *ret_port, Error *err)
{
    Error why = {.code = ERROR_NONE};
    bool ok = port == 0 || port_is_free(address, port, &why);
    size_t made = 0;
    while (ok && made < count) {
        int fd = bind_socket(address, port, count > 1, &why);
        ok = fd >= 0;
        if (!ok)
            break;
        ret_fds[made++] = fd;
        port = bound_port(fd);
        if (listen(fd, SOMAXCONN) != 0)
            ok = error_set(&why, ERROR_UNAVAILABLE, "cannot listen on %s port %u: %s", address, (unsigned)port,
                           strerror(errno));
    }
    if (!ok) {
        close_all(ret_fds, made);
        return error_set(err, why.code, "%s; %s sets another port", why.message, port_variable);
    }
    *ret_port = port;
    return true;
}

bool http_address_is_loopback(const char *address)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, address, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == IN_LOOPBACKNET;
    return inet_pton(AF_INET6, address, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}
