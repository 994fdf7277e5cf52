#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include "cli/cli.h"
#include "cli/stack.h"
#include "common/http_client.h"

enum { CALL_DEADLINE_MS = 3000, URL_BYTES = 256, REPLY_LIMIT_BYTES = 1 << 20 };

static const char usage[] =
    "Usage: rushcast status [--json]\n\n"
    "What runs, what it waits for, how fresh data, models and forecasts are. Exit status 0 when all services are "
    "ready,\n"
    "1 otherwise.\n\n"
    "Environment: RUSHCAST_{FORECAST_API,INGEST,FEATURE_STORE,TRAINER}_URL (http://127.0.0.1:8080..8083) or _PORT,\n"
    "RUSHCAST_TOKEN.\n";

static const struct {
    const char *name, *variable;
} services[] = {
    {"ingest", "RUSHCAST_INGEST_URL"},
    {"feature-store", "RUSHCAST_FEATURE_STORE_URL"},
    {"trainer", "RUSHCAST_TRAINER_URL"},
    {"forecast-api", "RUSHCAST_FORECAST_API_URL"},
};

enum { SERVICES = sizeof services / sizeof *services };

/* The figures shown below the services: where they are asked for and what they mean. */
static const struct {
    int service;
    const char *path, *array, *field, *label;
} figures[] = {
    {0, "/watermark", NULL, "orders", "orders in the warehouse"},
    {0, "/watermark", NULL, "watermark", "newest event"},
    {0, "/watermark", NULL, "lag", "events still to ingest"},
    {2, "/runs?limit=1", "runs", "kind", "latest run"},
    {2, "/runs?limit=1", "runs", "status", "its status"},
    {3, "/forecast-sets?limit=1", "sets", "cutoff", "forecasts know data up to"},
    {3, "/forecast-sets?limit=1", "sets", "issued_at", "forecasts issued"},
};

enum { FIGURES = sizeof figures / sizeof *figures };

static void service_url(int service, const char *path, char url[URL_BYTES])
{
    snprintf(url, URL_BYTES, "%s%s", getenv(services[service].variable), path);
}

/* {"ready", "waiting_for", "problem"}: a service that is not ready answers 503, with the same document. */
static json_t *readiness(int service)
{
    char url[URL_BYTES];
    service_url(service, "/readyz", url);
    HTTP_REPLY_SCOPED HttpReply reply = {0};
    Error err = {0};
    HttpCall call = {.url = url,
                     .deadline_ms = CALL_DEADLINE_MS,
                     .attempts = 1,
                     .also_status = 503,
                     .reply_limit_bytes = REPLY_LIMIT_BYTES};
    json_t *document = NULL;
    if (http_call(&call, &reply, &err) && json_parse(reply.body.data, reply.body.length_bytes, &document, &err))
        return document;
    return json_pack("{s:b, s:[{s:s, s:s}]}", "ready", 0, "waiting_for", "name", services[service].name, "problem",
                     err.message);
}

static json_t *figure(int index)
{
    char url[URL_BYTES];
    service_url(figures[index].service, figures[index].path, url);
    JSON_SCOPED json_t *answer = NULL;
    if (!http_get_json(url, getenv("RUSHCAST_TOKEN"), CALL_DEADLINE_MS, &answer, NULL))
        return json_null();
    const json_t *object = answer;
    if (figures[index].array)
        object = json_array_get(json_object_get(answer, figures[index].array), 0);
    json_t *value = json_object_get(object, figures[index].field);
    return value ? json_incref(value) : json_null();
}

static void print_service(int service, const json_t *state)
{
    bool ready = json_is_true(json_object_get(state, "ready"));
    printf("  %-14s %s\n", services[service].name, ready ? "ready" : "not ready");
    size_t index;
    const json_t *item;
    json_array_foreach(json_object_get(state, "waiting_for"), index, item)
        printf("    waits for %s: %s\n", json_string_value(json_object_get(item, "name")),
               json_string_value(json_object_get(item, "problem")));
}

static void print_figure(int index, const json_t *value)
{
    char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);
    printf("  %-28s %s\n", figures[index].label,
           json_is_null(value) ? "not known"
           : text              ? text
                               : json_string_value(value));
    free(text);
}

int cli_status(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
    bool as_json = false, all_ready = true;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option != 'j') {
            fputs(usage, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
        as_json = true;
    }
    if (optind != argc) {
        fputs(usage, stderr);
        return 2;
    }
    stack_set_environment();
    JSON_SCOPED json_t *report = json_object();
    json_t *states = json_object(), *values = json_object();
    json_object_set_new(report, "services", states);
    json_object_set_new(report, "figures", values);
    for (int i = 0; i < SERVICES; i++) {
        json_t *state = readiness(i);
        all_ready = all_ready && json_is_true(json_object_get(state, "ready"));
        if (!as_json)
            print_service(i, state);
        json_object_set_new(states, services[i].name, state);
    }
    for (int i = 0; i < FIGURES; i++) {
        json_t *value = figure(i);
        if (!as_json)
            print_figure(i, value);
        json_object_set_new(values, figures[i].label, value);
    }
    if (as_json) {
        json_dumpf(report, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    return all_ready ? 0 : 1;
}
