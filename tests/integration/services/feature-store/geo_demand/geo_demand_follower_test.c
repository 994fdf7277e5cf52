#include "services/feature-store/geo_demand/geo_demand_follower.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/arrow_table.h"
#include "common/http_server.h"
#include "services/feature-store/geo_demand/feature_progress.h"
#include "tests/integration/services/feature-store/feature_store_fixture.h"

TestSuite(geo_demand_follower, .init = feature_store_set_up, .fini = feature_store_tear_down);

/* What ingest would answer: change i carries cursor i + 1. */
static struct {
    GeoDemandChange changes[16];
    size_t count;
    Hour complete_hour;
    int pages;
} ingest;

static bool answer_watermark(Request *request, Response *response, Error *err)
{
    (void)err;
    char watermark[INSTANT_TEXT_MAX], hour[INSTANT_TEXT_MAX];
    if (ingest.complete_hour == HOUR_NONE) {
        response_json(response,
                      json_pack("{s:n, s:n, s:I}", "watermark", "complete_hour", "cursor", (json_int_t)ingest.count));
        return true;
    }
    instant_format(hour_start(ingest.complete_hour + 1) + INSTANT_PER_SECOND, watermark);
    hour_format(ingest.complete_hour, hour);
    (void)request;
    response_json(response, json_pack("{s:s, s:s, s:I}", "watermark", watermark, "complete_hour", hour, "cursor",
                                      (json_int_t)ingest.count));
    return true;
}

static bool answer_demand(Request *request, Response *response, Error *err)
{
    static const ArrowColumn columns[] = {
        {.name = "geo", .type = ARROW_COLUMN_TEXT},
        {.name = "hour_utc", .type = ARROW_COLUMN_HOUR},
        {.name = "vertical", .type = ARROW_COLUMN_TEXT, .nullable = true},
        {.name = "count", .type = ARROW_COLUMN_INT},
    };
    int64_t since = 0, limit = 0;
    FILE *out = NULL;
    ArrowWriter *writer = NULL;
    if (!request_query_int(request, "changed_since", 0, 1000, 0, &since, err) ||
        !request_query_int(request, "limit", 1, 1000, 1, &limit, err) ||
        !response_spool(response, request, "application/vnd.apache.arrow.stream", &out, err) ||
        !arrow_writer_new(out, columns, 4, NULL, &writer, err))
        return false;
    size_t end = (size_t)(since + limit) < ingest.count ? (size_t)(since + limit) : ingest.count;
    for (size_t i = (size_t)since; i < end; i++) {
        arrow_text(writer, ingest.changes[i].geo);
        arrow_int(writer, ingest.changes[i].hour);
        arrow_text(writer, ingest.changes[i].vertical);
        arrow_int(writer, ingest.changes[i].orders);
        arrow_end_row(writer);
    }
    char cursor[24];
    snprintf(cursor, sizeof(cursor), "%zu", end);
    response_header(response, request, "Rushcast-Cursor", cursor);
    response_header(response, request, "Rushcast-More", end < ingest.count ? "true" : "false");
    ingest.pages++;
    return arrow_writer_end(writer, err);
}

static const Route ingest_routes[] = {
    {"GET", "/watermark", SCOPE_READ, ROUTE_FAST, 0, answer_watermark},
    {"GET", "/demand", SCOPE_READ, ROUTE_BLOCKING, 0, answer_demand},
    {0},
};

static HttpServer *server;
static Auth *auth;
static char ingest_url[64];

static void start_ingest(void)
{
    static const Route *const tables[] = {ingest_routes, NULL};
    Error err;
    cr_assert(auth_load("", &auth, &err), "%s", err.message);
    HttpServerOptions options = {
        .listen = "127.0.0.1",
        .event_loops = 1,
        .blocking_threads = 1,
        .blocking_queue_limit = 8,
        .connection_limit = 16,
        .idle_timeout_s = 10,
        .spool_dir = "/tmp",
        .tables = tables,
        .auth = auth,
    };
    cr_assert(http_server_start(&options, &server, &err), "%s", err.message);
    snprintf(ingest_url, sizeof(ingest_url), "http://127.0.0.1:%u", http_server_port(server));
    fixture.config.common.ingest_url = ingest_url;
    ingest.complete_hour = HOUR_NONE;
}

static void stop_ingest(void)
{
    http_server_stop(server, 2000);
    auth_free(auth);
}

static void add_change(const char *geo, int hour, const char *vertical, int64_t orders)
{
    ingest.changes[ingest.count++] = (GeoDemandChange){geo, fixture_hour(hour), vertical, orders};
}

static void follow(void)
{
    WorkerStep step = {0};
    Error err;
    cr_assert(geo_demand_follower_step(&fixture, &step, &err), "%s", err.message);
    cr_assert_eq(step.rest_ms, 1000);
}

Test(geo_demand_follower, pages_then_features_then_restatements)
{
    int64_t cursor;
    start_ingest();
    for (int hour = 0; hour < 5; hour++)
        add_change("a", hour, hour % 2 == 0 ? "goods" : NULL, hour + 1);
    add_change("b", 4, "restaurant", 9);
    follow();
    cr_assert_eq(ingest.pages, 2, "3 changes a page");
    char *text = fixture_export(0, &cursor);
    cr_assert_eq(fixture_lines(text), 1, "no hour is complete yet");
    free(text);
    ingest.complete_hour = fixture_hour(3);
    follow();
    text = fixture_export(0, &cursor);
    cr_assert_str_eq(text, "geo,hour_utc,orders\na,2026-11-02T00:00:00Z,1\na,2026-11-02T01:00:00Z,2\n"
                           "a,2026-11-02T02:00:00Z,3\na,2026-11-02T03:00:00Z,4\n");
    free(text);
    add_change("a", 3, NULL, 40);
    ingest.complete_hour = fixture_hour(4);
    follow();
    int64_t after;
    text = fixture_export(cursor, &after);
    cr_assert_str_eq(text, "geo,hour_utc,orders\na,2026-11-02T03:00:00Z,40\na,2026-11-02T04:00:00Z,5\n"
                           "b,2026-11-02T04:00:00Z,9\n");
    free(text);
    stop_ingest();
}

Test(geo_demand_follower, another_ingest_is_not_followed)
{
    start_ingest();
    add_change("a", 0, "goods", 1);
    follow();
    ingest.count = 0;
    WorkerStep step = {0};
    Error err;
    cr_assert_not(geo_demand_follower_step(&fixture, &step, &err));
    cr_assert_eq(err.code, ERROR_CONFLICT);
    stop_ingest();
}

Test(geo_demand_follower, an_ingest_that_is_down_is_named)
{
    WorkerStep step = {0};
    Error err;
    cr_assert_not(geo_demand_follower_step(&fixture, &step, &err));
    cr_assert(error_is_transient(&err));
    cr_assert_not_null(strstr(err.message, "127.0.0.1:9"), "%s", err.message);
}
