#include "tests/integration/services/forecast-api/api_process.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <curl/curl.h>
#include <libgen.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/integration/support/test_servers.h"

enum { START_TRIES = 600, TRY_MS = 50, CALL_DEADLINE_MS = 30000 };

extern char **environ;

static unsigned short free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void set_environment(unsigned short port, const char *now)
{
    char text[8];
    snprintf(text, sizeof text, "%u", port);
    setenv("RUSHCAST_FORECAST_API_PORT", text, 1);
    setenv("RUSHCAST_POSTGRES", test_database(), 1);
    setenv("RUSHCAST_INGEST_URL", "http://127.0.0.1:9", 1);
    setenv("RUSHCAST_LOG_LEVEL", "error", 1);
    setenv("RUSHCAST_NOW", now, 1);
}

/* The program of the same build as this one. */
static void program_path(char *out, size_t out_bytes)
{
    char self[4000];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    cr_assert_gt(length, 0);
    self[length] = '\0';
    snprintf(out, out_bytes, "%s/rushcast-forecast-api", dirname(self));
}

ApiProcess api_process_start(const char *now)
{
    ApiProcess process = {.port = free_port()};
    char path[4096], name[] = "rushcast-forecast-api";
    char *arguments[] = {name, NULL};
    program_path(path, sizeof path);
    set_environment(process.port, now);
    cr_assert_eq(posix_spawn(&process.pid, path, NULL, NULL, arguments, environ), 0, "%s can't be started", path);
    for (int i = 0; i < START_TRIES; i++) {
        ApiReply reply API_REPLY_SCOPED = api_call(&process, "GET", "/healthz", NULL, NULL, 0);
        if (reply.status == 200)
            return process;
        usleep(TRY_MS * 1000);
    }
    cr_assert_fail("%s does not answer", path);
    return process;
}

void api_process_stop(ApiProcess *process)
{
    int status = -1;
    if (process->pid <= 0)
        return;
    kill(process->pid, SIGTERM);
    cr_assert_eq(waitpid(process->pid, &status, 0), process->pid);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "forecast-api ended with status %x", (unsigned)status);
}

static size_t take_body(char *data, size_t size, size_t count, void *reply_)
{
    ApiReply *reply = reply_;
    reply->body = realloc(reply->body, reply->length_bytes + size * count + 1);
    memcpy(reply->body + reply->length_bytes, data, size * count);
    reply->length_bytes += size * count;
    reply->body[reply->length_bytes] = '\0';
    return size * count;
}

static void keep_header(const char *line, const char *name, char *out, size_t out_bytes)
{
    size_t name_bytes = strlen(name);
    if (strncasecmp(line, name, name_bytes) == 0)
        snprintf(out, out_bytes, "%.*s", (int)out_bytes - 1, line + name_bytes);
}

static size_t take_header(char *data, size_t size, size_t count, void *reply_)
{
    ApiReply *reply = reply_;
    char line[512];
    snprintf(line, sizeof line, "%.*s", (int)(size * count), data);
    line[strcspn(line, "\r\n")] = '\0';
    keep_header(line, "ETag: ", reply->etag, sizeof reply->etag);
    keep_header(line, "Retry-After: ", reply->retry_after, sizeof reply->retry_after);
    keep_header(line, "Content-Type: ", reply->content_type, sizeof reply->content_type);
    return size * count;
}

ApiReply api_call(const ApiProcess *process, const char *method, const char *path, const char *header, const void *body,
                  size_t length_bytes)
{
    ApiReply reply = {.body = calloc(1, 1)};
    char url[2048];
    long status = 0;
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", process->port, path);
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = header != NULL ? curl_slist_append(NULL, header) : NULL;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)CALL_DEADLINE_MS);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &reply);
    if (body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length_bytes);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    reply.status = (int)status;
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return reply;
}

void api_reply_fini(ApiReply *reply)
{
    free(reply->body);
}

json_t *api_get_json(const ApiProcess *process, const char *path, int *ret_status)
{
    ApiReply reply API_REPLY_SCOPED = api_call(process, "GET", path, NULL, NULL, 0);
    if (ret_status != NULL)
        *ret_status = reply.status;
    return json_loads(reply.body, 0, NULL);
}
