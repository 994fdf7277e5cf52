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
    struct sockaddr_storage bound;
    socklen_t bound_bytes = sizeof(bound);
    if (getsockname(fd, (struct sockaddr *)&bound, &bound_bytes) != 0)
        return 0;
    const void *address = &bound;
    return bound.ss_family == AF_INET6 ? ntohs(((const struct sockaddr_in6 *)address)->sin6_port)
                                       : ntohs(((const struct sockaddr_in *)address)->sin_port);
}

static bool bind_and_listen(int fd, const struct addrinfo *info)
{
    int on = 1;
    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
           bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0;
}

bool http_listen(const char *address, uint16_t port, const char *port_variable, int *ret_fd, uint16_t *ret_port,
                 Error *err)
{
    struct addrinfo *info;
    if (!resolve(address, port, &info, err))
        return false;
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool ok = fd >= 0 && bind_and_listen(fd, info);
    int why = errno;
    freeaddrinfo(info);
    if (!ok) {
        if (fd >= 0)
            close(fd);
        return error_set(err, ERROR_UNAVAILABLE, "cannot listen on %s port %u: %s; %s sets another port", address,
                         (unsigned)port, strerror(why), port_variable);
    }
    *ret_fd = fd;
    *ret_port = bound_port(fd);
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
