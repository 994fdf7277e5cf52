#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "common/arrow_table.h"
#include "common/http_client.h"
#include "common/http_server.h"
#include "services/feature-store/feast/feast_handlers.h"
#include "services/feature-store/online/online_writer.h"
#include "services/feature-store/view_handlers.h"
#include "tests/integration/services/feature-store/feature_store_fixture.h"

static const Route routes[] = {
    {"GET", "/feature-views/{name}", SCOPE_READ, ROUTE_FAST, 0, view_handle_get},
    {"GET", "/feature-views/{name}/export", SCOPE_READ, ROUTE_BLOCKING, 0, view_handle_export},
    {"POST", "/get-online-features", SCOPE_READ, ROUTE_BLOCKING, FEAST_BODY_LIMIT_BYTES, feast_handle_online_features},
    {0},
};

static HttpServer *server;
static Auth *auth;
static char address[64];

static void start_server(void)
{
    static const Route *const tables[] = {routes, NULL};
    Error err;
    feature_store_set_up();
    cr_assert(auth_load("", &auth, &err), "%s", err.message);
    HttpServerOptions options = {
        .listen = "127.0.0.1",
        .event_loops = 1,
        .blocking_threads = 2,
        .blocking_queue_limit = 8,
        .connection_limit = 16,
        .idle_timeout_s = 10,
        .spool_dir = "/tmp",
        .tables = tables,
        .service = &fixture,
        .auth = auth,
    };
    cr_assert(http_server_start(&options, &server, &err), "%s", err.message);
    snprintf(address, sizeof(address), "http://127.0.0.1:%u", http_server_port(server));
    GeoDemandChange changes[] = {{"a", fixture_hour(0), "goods", 3}, {"b", fixture_hour(1), "restaurant", 8}};
    fixture_apply(0, changes, 2);
    fixture_record(fixture_hour(1));
}

static void stop_server(void)
{
    http_server_stop(server, 2000);
    auth_free(auth);
    feature_store_tear_down();
}

TestSuite(feature_handlers, .init = start_server, .fini = stop_server);

static bool call(const char *path, const char *accept, const char *body, HttpReply *ret_reply, Error *err)
{
    char url[1024];
    snprintf(url, sizeof(url), "%s%s", address, path);
    HttpCall options = {
        .method = body == NULL ? NULL : "POST",
        .url = url,
        .accept = accept,
        .content_type = "application/json",
        .body = body,
        .body_length_bytes = body == NULL ? 0 : strlen(body),
        .attempts = 1,
    };
    return http_call(&options, ret_reply, err);
}

Test(feature_handlers, export_as_csv_with_its_moment)
{
    HTTP_REPLY_SCOPED HttpReply reply = {0};
    Error err;
    cr_assert(call("/feature-views/geo_demand/export?features=goods,orders&geo=a", "text/csv", NULL, &reply, &err),
              "%s", err.message);
    cr_assert_str_eq(reply.body.data,
                     "geo,hour_utc,goods,orders\na,2026-11-02T00:00:00Z,3,3\na,2026-11-02T01:00:00Z,0,0\n");
    cr_assert_str_eq(http_reply_header(&reply, "rushcast-cursor"), "1");
    cr_assert_str_eq(http_reply_header(&reply, "rushcast-complete-hour"), "2026-11-02T01:00:00Z");
    cr_assert_str_eq(http_reply_header(&reply, "rushcast-watermark"), "2026-11-02T02:00:05Z");
}

Test(feature_handlers, export_as_arrow_keeps_nulls)
{
    static const ArrowColumn columns[] = {
        {.name = "geo", .type = ARROW_COLUMN_TEXT},
        {.name = "hour_utc", .type = ARROW_COLUMN_HOUR},
        {.name = "orders", .type = ARROW_COLUMN_INT, .nullable = true},
        {.name = "trend", .type = ARROW_COLUMN_REAL, .nullable = true},
    };
    HTTP_REPLY_SCOPED HttpReply reply = {0};
    ARENA_SCOPED Arena *arena = arena_new();
    ArrowTable *table = NULL;
    Error err;
    cr_assert(call("/feature-views/geo_demand/export?from=2026-11-02T01:00:00Z", "application/vnd.apache.arrow.stream",
                   NULL, &reply, &err),
              "%s", err.message);
    cr_assert(arrow_table_read(reply.body.data, reply.body.length_bytes, columns, 4, arena, &table, &err), "%s",
              err.message);
    cr_assert_eq(table->rows, 2);
    cr_assert_str_eq(arrow_get_text(table, 1, 0), "b");
    cr_assert_eq(arrow_get_int(table, 1, 1), fixture_hour(1));
    cr_assert_eq(arrow_get_int(table, 1, 2), 8);
    cr_assert(arrow_is_null(table, 1, 3));
}

static const struct {
    char path[80];
    char word[32];
    ErrorCode code;
} bad[] = {
    {"/feature-views/nothing", "GET /feature-views", ERROR_NOT_FOUND},
    {"/feature-views/geo_demand?version=7", "version", ERROR_NOT_FOUND},
    {"/feature-views/geo_demand/export?features=orders,nothing", "nothing", ERROR_INVALID_ARGUMENT},
    {"/feature-views/geo_demand/export?features=orders,orders", "twice", ERROR_INVALID_ARGUMENT},
    {"/feature-views/geo_demand/export?geo=nowhere", "nowhere", ERROR_NOT_FOUND},
    {"/feature-views/geo_demand/export?from=2026-11-02T00:30:00Z", "from", ERROR_INVALID_ARGUMENT},
    {"/feature-views/geo_demand/export?recorded_since=-1", "recorded_since", ERROR_INVALID_ARGUMENT},
};

Test(feature_handlers, bad_questions_are_answered_with_what_is_wrong)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        Error err;
        cr_assert_not(call(bad[i].path, "text/csv, application/json", NULL, NULL, &err), "%s", bad[i].path);
        cr_assert_eq(err.code, bad[i].code, "%s: %s", bad[i].path, err.message);
        cr_assert_not_null(strstr(err.message, bad[i].word), "%s: %s", bad[i].path, err.message);
    }
}

#define QUESTION "{\"features\": [\"geo_demand:orders\"], \"entities\": {\"geo\": [\"b\", \"nowhere\"]}}"

Test(feature_handlers, online_values_expire)
{
    HTTP_REPLY_SCOPED HttpReply reply = {0};
    size_t rows = 0;
    Error err;
    cr_assert(online_writer_sync(fixture_connection(), fixture.redis, fixture_view(), &rows, &err), "%s", err.message);
    cr_assert(call("/get-online-features", NULL, QUESTION, &reply, &err), "%s", err.message);
    cr_assert_not_null(strstr(reply.body.data,
                              "{\"values\":[null,null],\"statuses\":[\"OUTSIDE_MAX_AGE\",\"NOT_FOUND\"],"
                              "\"event_timestamps\":[\"2026-11-02T02:00:00Z\""),
                       "now is past the ttl: %s", reply.body.data);
}

Test(feature_handlers, unknown_view_in_the_form_of_the_sdk)
{
    HTTP_REPLY_SCOPED HttpReply reply = {0};
    Error err;
    cr_assert_not(call("/get-online-features", NULL,
                       "{\"features\": [\"zzz:orders\"], \"entities\": {\"geo\": [\"a\"]}}", &reply, &err));
    cr_assert_eq(err.code, ERROR_NOT_FOUND);
}

Test(feature_handlers, a_redis_that_is_down_is_unavailable_and_offline_goes_on)
{
    HTTP_REPLY_SCOPED HttpReply reply = {0};
    Error err = {0};
    feature_store_use_redis("127.0.0.1:9", 500);
    cr_assert_not(call("/get-online-features", NULL, QUESTION, NULL, &err));
    cr_assert(error_is_transient(&err), "%s", err.message);
    cr_assert_not_null(strstr(err.message, "503"), "%s", err.message);
    cr_assert(call("/feature-views/geo_demand/export", "text/csv", NULL, &reply, &err), "%s", err.message);
}
