#include "common/redis_client.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/clock.h"
#include "common/redis_batch.h"

enum { ARGUMENTS_MAX = 64 };

struct RedisClient {
    RedisTopology topology;
    int timeout_ms;
};

static char *copy(const char *text)
{
    char *copied = strdup(text == NULL ? "" : text);
    if (copied == NULL)
        abort();
    return copied;
}

static bool add_seed(RedisTopology *topology, const char *address, size_t length, Error *err)
{
    char text[REDIS_ADDRESS_MAX], host[REDIS_ADDRESS_MAX];
    int port;
    int written = snprintf(text, sizeof(text), "%.*s", (int)length, address);
    if (written <= 0 || (size_t)written >= sizeof(text) ||
        (text[0] != '/' && !redis_address_split(text, host, sizeof(host), &port)))
        return error_set(err, ERROR_INVALID_ARGUMENT,
                         "'%.*s' is no address of Redis: host:port or the path of a socket is needed", (int)length,
                         address);
    if (text[0] == '/' && topology->access.tls != NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT, "'%s': Redis has no TLS on a unix socket", text);
    if (topology->seeds_count == REDIS_NODES_MAX)
        return error_set(err, ERROR_INVALID_ARGUMENT, "more than %d addresses of Redis", REDIS_NODES_MAX);
    topology->seeds[topology->seeds_count++] = redis_node_new(text, &topology->access, topology->connections);
    return true;
}

static bool add_seeds(RedisTopology *topology, const char *addresses, Error *err)
{
    for (const char *at = addresses;;) {
        at += strspn(at, " ");
        size_t length = strcspn(at, ", ");
        if (!add_seed(topology, at, length, err))
            return false;
        at += length;
        at += strspn(at, " ");
        if (*at != ',')
            return *at == '\0' || error_set(err, ERROR_INVALID_ARGUMENT,
                                            "addresses of Redis are separated by commas: '%s'", addresses);
        at++;
    }
}

bool redis_client_new(const RedisOptions *options, RedisClient **ret_client, Error *err)
{
    assert(options->connections > 0 && options->timeout_ms > 0);
    RedisClient *client = calloc(1, sizeof(*client));
    if (client == NULL)
        abort();
    RedisTopology *topology = &client->topology;
    redis_topology_init(topology);
    client->timeout_ms = options->timeout_ms;
    topology->connections = options->connections;
    topology->access = (RedisAccess){
        .user = copy(options->user),
        .password = copy(options->password),
        .server_name = copy(options->server_name),
    };
    if ((options->tls && !redis_tls_new(options, &topology->access.tls, err)) ||
        !add_seeds(topology, options->address, err)) {
        redis_client_free(client);
        return false;
    }
    *ret_client = client;
    return true;
}

void redis_client_free(RedisClient *client)
{
    if (client == NULL)
        return;
    redis_topology_fini(&client->topology);
    SSL_CTX_free(client->topology.access.tls);
    free(client->topology.access.user);
    free(client->topology.access.password);
    free(client->topology.access.server_name);
    free(client);
}

bool redis_run_batch(RedisClient *client, RedisCommand *commands, size_t count, Error *err)
{
    assert(count <= REDIS_BATCH_MAX);
    return count == 0 ||
           redis_batch_run(&client->topology, commands, count, clock_monotonic_ms() + client->timeout_ms, err);
}

void redis_commands_free(RedisCommand *commands, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        redis_reply_cleanup(&commands[i].reply);
        commands[i].reply = NULL;
    }
}

/* The arguments of "*2\r\n$3\r\nGET\r\n$1\r\na\r\n", as hiredis formats a command. */
static int split_command(char *formatted, const char **argv, size_t *lengths_bytes)
{
    char *at = formatted;
    int argc = (int)strtol(at + 1, &at, 10);
    assert(argc > 0 && argc <= ARGUMENTS_MAX);
    at += 2;
    for (int i = 0; i < argc; i++) {
        lengths_bytes[i] = strtoul(at + 1, &at, 10);
        argv[i] = at + 2;
        at += 2 + lengths_bytes[i] + 2;
    }
    return argc;
}

bool redis_run(RedisClient *client, redisReply **ret_reply, Error *err, const char *format, ...)
{
    va_list args;
    char *formatted = NULL;
    va_start(args, format);
    int length = redisvFormatCommand(&formatted, format, args);
    va_end(args);
    assert(length > 0);
    const char *argv[ARGUMENTS_MAX];
    size_t lengths_bytes[ARGUMENTS_MAX];
    RedisCommand command = {.argv = argv, .lengths_bytes = lengths_bytes};
    command.argc = split_command(formatted, argv, lengths_bytes);
    command.key = command.argc > 1 ? 1 : 0;
    bool ok = redis_run_batch(client, &command, 1, err) && redis_reply_check(command.reply, err);
    redisFreeCommand(formatted);
    if (ok && ret_reply != NULL) {
        *ret_reply = command.reply;
        command.reply = NULL;
    }
    redis_commands_free(&command, 1);
    return ok;
}
