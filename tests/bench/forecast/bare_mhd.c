/* The fastest that libmicrohttpd can be here: the same bodies and headers for the same geos, held in a hash map as
 * persistent responses; no router, log, metrics or checks. Usage: bare_mhd PORT THREADS <answers.ndjson */
#include <arpa/inet.h>
#include <glib.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECTIONS_MAX = 4096, CONNECTION_MEMORY_BYTES = 32 * 1024 };

static GHashTable *answers;

static enum MHD_Result answer(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload_data, size_t *upload_data_size, void **con_cls)
{
    (void)cls, (void)url, (void)method, (void)version, (void)upload_data, (void)upload_data_size;
    /* An answer at the first call, before the body has been read, would make MHD close the connection. */
    if (*con_cls == NULL) {
        *con_cls = answers;
        return MHD_YES;
    }
    const char *geo = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "geo");
    struct MHD_Response *response = geo != NULL ? g_hash_table_lookup(answers, geo) : NULL;
    return response != NULL ? MHD_queue_response(connection, MHD_HTTP_OK, response) : MHD_NO;
}

static void keep_answer(char *line, size_t length_bytes)
{
    static const char before[] = "{\"geo\":\"";
    const char *geo = line + sizeof before - 1;
    struct MHD_Response *response = MHD_create_response_from_buffer(length_bytes, line, MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, "Content-Type", "application/json");
    MHD_add_response_header(response, "ETag", "\"10002-498807\"");
    MHD_add_response_header(response, "Cache-Control", "max-age=5, stale-if-error=3600");
    g_hash_table_insert(answers, g_strndup(geo, strcspn(geo, "\"")), response);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: bare_mhd PORT THREADS <answers.ndjson\n");
        return 2;
    }
    answers = g_hash_table_new(g_str_hash, g_str_equal);
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    while ((length = getline(&line, &capacity, stdin)) > 0)
        keep_answer(line, (size_t)length - 1);
    free(line);

    sigset_t stop;
    int signal_number;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, NULL, MHD_OPTION_SOCK_ADDR, &address,
                         MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, 60u,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
                         MHD_OPTION_THREAD_POOL_SIZE, (unsigned)atoi(argv[2]), MHD_OPTION_END);
    if (daemon == NULL) {
        fprintf(stderr, "bare_mhd: port %s is in use\n", argv[1]);
        return 1;
    }
    sigwait(&stop, &signal_number);
    MHD_stop_daemon(daemon);
    return 0;
}
