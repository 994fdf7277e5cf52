#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/http_listener.h"
#include "common/service.h"

/* Each test runs a service in a process of its own, since a service owns its process: signals, log, exit status. */

enum { WAIT_MAX_MS = 10000, OUTPUT_MAX_BYTES = 64 * 1024 };

typedef struct TestConfig {
    CommonConfig common;
    int64_t port;
} TestConfig;

static TestConfig config;
static int state;
static char output[OUTPUT_MAX_BYTES];
static char url_prefix[64];

static const ConfigEntry entries[] = {
    {"RUSHCAST_TEST_SERVICE_PORT", CONFIG_INT, offsetof(TestConfig, port), "1", 1, 65535, "Port of the test service."},
    {0},
};

static bool handle_state(Request *request, Response *response, Error *err)
{
    (void)err;
    response_json(response, json_pack("{s:b}", "same", request->service == &state));
    return true;
}

static bool handle_hint(Request *request, Response *response, Error *err)
{
    (void)request;
    (void)err;
    workers_wake(service_workers(), "puller");
    response_empty(response, 202);
    return true;
}

static const Route routes[] = {
    {"GET", "/state", SCOPE_READ, ROUTE_FAST, 0, handle_state},
    {"POST", "/hint", SCOPE_READ, ROUTE_FAST, 10, handle_hint},
    {0},
};

static atomic_int pulls;

static bool pull(void *service, WorkerStep *step, Error *err)
{
    step->rest_ms = 60000;
    if (service != &state)
        return error_set(err, ERROR_INTERNAL, "another state");
    if (atomic_fetch_add(&pulls, 1) == 0)
        return true;
    return error_set(err, ERROR_UNAVAILABLE, "the source is down");
}

static const WorkerDefinition workers[] = {{"puller", pull, true}, {0}};

static bool start_state(void *service, Error *err)
{
    (void)service;
    if (getenv("RUSHCAST_TEST_FAIL_START") != NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT, "there is no model file");
    return true;
}

static void stop_state(void *service)
{
    (void)service;
    fputs("freed\n", stderr);
}

static const ServiceDefinition definition = {
    .name = "test",
    .summary = "A service for tests.",
    .config = entries,
    .config_target = &config,
    .port_offset = offsetof(TestConfig, port),
    .port_variable = "RUSHCAST_TEST_SERVICE_PORT",
    .routes = routes,
    .workers = workers,
    .state = &state,
    .start = start_state,
    .stop = stop_state,
};

typedef struct Child {
    pid_t pid;
    int output_fd; /* of both standard streams */
} Child;

static Child run(const char *argument)
{
    int pipe_fds[2];
    cr_assert_eq(pipe(pipe_fds), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(pipe_fds[1], STDOUT_FILENO);
        dup2(pipe_fds[1], STDERR_FILENO);
        char name[] = "test", text[32];
        snprintf(text, sizeof(text), "%s", argument == NULL ? "" : argument);
        char *argv[] = {name, argument == NULL ? NULL : text, NULL};
        int status = service_main(argument == NULL ? 1 : 2, argv, &definition);
        fflush(stdout);
        _exit(status);
    }
    close(pipe_fds[1]);
    return (Child){pid, pipe_fds[0]};
}

/* Waits for the end; what was printed is in output[]. */
static int finish(Child child)
{
    size_t used = 0;
    ssize_t got;
    while ((got = read(child.output_fd, output + used, sizeof(output) - 1 - used)) > 0)
        used += (size_t)got;
    output[used] = '\0';
    close(child.output_fd);
    int status;
    cr_assert_eq(waitpid(child.pid, &status, 0), child.pid);
    cr_assert(WIFEXITED(status), "%s", output);
    return WEXITSTATUS(status);
}

static void expect_output(const char *part)
{
    cr_assert_not_null(strstr(output, part), "no %s in %s", part, output);
}

/* A port that was free a moment ago. */
static void choose_port(void)
{
    int fd;
    uint16_t port;
    Error err;
    cr_assert(http_listen("127.0.0.1", 0, "none", 1, &fd, &port, &err), "%s", err.message);
    close(fd);
    char text[16];
    snprintf(text, sizeof(text), "%u", (unsigned)port);
    setenv("RUSHCAST_TEST_SERVICE_PORT", text, 1);
    snprintf(url_prefix, sizeof(url_prefix), "http://127.0.0.1:%u", (unsigned)port);
}

static void prepare(void)
{
    choose_port();
    unsetenv("RUSHCAST_TOKENS_FILE");
}

TestSuite(service, .init = prepare, .timeout = 60);

static bool call(const char *method, const char *path, HttpReply *reply, Error *err)
{
    char url[128];
    snprintf(url, sizeof(url), "%s%s", url_prefix, path);
    return http_call(&(HttpCall){.method = method, .url = url, .attempts = 1, .accept = "*/*"}, reply, err);
}

/* The whole answer, whatever its status, as text in output[]. */
static void read_answer(const char *path)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(strrchr(url_prefix, ':') + 1))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    dprintf(fd, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
    size_t used = 0;
    ssize_t got;
    while ((got = read(fd, output + used, sizeof(output) - 1 - used)) > 0)
        used += (size_t)got;
    output[used] = '\0';
    close(fd);
}

static void wait_until(const char *path, bool ok, const char *message)
{
    Error err = {0};
    for (int i = 0; i < WAIT_MAX_MS / 10; i++) {
        bool answered = call("GET", path, NULL, &err);
        if (answered == ok && (ok || strstr(err.message, message) != NULL))
            return;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    cr_assert_fail("%s: %s", path, err.message);
}

Test(service, lives_from_start_to_sigterm)
{
    Child child = run(NULL);
    wait_until("/readyz", true, "");
    HTTP_REPLY_SCOPED HttpReply reply = {0};
    Error err;
    cr_assert(call("GET", "/healthz", &reply, &err), "%s", err.message);
    cr_assert_str_eq(reply.body.data, "{\"status\":\"ok\"}");
    http_reply_fini(&reply);
    cr_assert(call("GET", "/state", &reply, &err), "%s", err.message);
    cr_assert_str_eq(reply.body.data, "{\"same\":true}");
    http_reply_fini(&reply);
    cr_assert(call("GET", "/metrics", &reply, &err), "%s", err.message);
    cr_assert_not_null(
        strstr(reply.body.data, "rushcast_http_requests_total{route=\"GET /state\",status=\"200\"} 1\n"));
    cr_assert_not_null(strstr(reply.body.data, "rushcast_worker_runs_total{worker=\"puller\",result=\"ok\"} 1\n"));
    kill(child.pid, SIGTERM);
    cr_assert_eq(finish(child), 0);
    expect_output("\"event\":\"service.started\",\"address\":\"127.0.0.1\",\"port\":");
    expect_output("\"event\":\"service.stopping\",\"reason\":\"SIGTERM\"");
    expect_output("freed\n");
}

Test(service, says_what_it_waits_for)
{
    Child child = run(NULL);
    wait_until("/readyz", true, "");
    Error err;
    cr_assert(call("POST", "/hint", NULL, &err), "%s", err.message);
    wait_until("/readyz", false, "503");
    read_answer("/readyz");
    expect_output("HTTP/1.1 503 ");
    expect_output("{\"ready\":false,\"waiting_for\":[{\"name\":\"puller\",\"problem\":\"the source is down\"}]}");
    kill(child.pid, SIGINT);
    cr_assert_eq(finish(child), 0);
    expect_output("\"event\":\"worker.failed\",\"worker\":\"puller\",\"error\":\"the source is down\"");
    expect_output("\"reason\":\"SIGINT\"");
}

Test(service, help_and_version)
{
    cr_assert_eq(finish(run("--help")), 0);
    expect_output("A service for tests.\n");
    expect_output("RUSHCAST_TEST_SERVICE_PORT=1  (1..65535)\n      Port of the test service.\n");
    expect_output("RUSHCAST_LISTEN=127.0.0.1\n");
    cr_assert_eq(finish(run("--version")), 0);
    expect_output("rushcast-test ");
    cr_assert_eq(finish(run("--nonsense")), 2);
    expect_output("unknown argument --nonsense");
}

Test(service, a_start_that_fails_says_why_and_frees)
{
    setenv("RUSHCAST_TEST_FAIL_START", "1", 1);
    cr_assert_eq(finish(run(NULL)), 1);
    expect_output("there is no model file");
    expect_output("freed\n");
}

Test(service, bad_configuration_ends_it)
{
    setenv("RUSHCAST_HTTP_THREADS", "many", 1);
    cr_assert_eq(finish(run(NULL)), 1);
    expect_output("RUSHCAST_HTTP_THREADS is \\\"many\\\": a whole number from 1 to 64 is needed");
}

Test(service, a_port_in_use_names_its_variable)
{
    int fd;
    uint16_t port;
    Error err;
    cr_assert(http_listen("127.0.0.1", 0, "none", 1, &fd, &port, &err));
    char text[16];
    snprintf(text, sizeof(text), "%u", (unsigned)port);
    setenv("RUSHCAST_TEST_SERVICE_PORT", text, 1);
    cr_assert_eq(finish(run(NULL)), 1);
    expect_output("Address already in use; RUSHCAST_TEST_SERVICE_PORT sets another port");
    close(fd);
}

Test(service, others_need_tokens)
{
    setenv("RUSHCAST_LISTEN", "0.0.0.0", 1);
    cr_assert_eq(finish(run(NULL)), 1);
    expect_output("RUSHCAST_TOKENS_FILE is needed");
}
