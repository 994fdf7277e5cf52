#include "services/feature-store/feast/feast_response.h"
#include "services/feature-store/feast/feast_error.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

TestSuite(feast_messages);

#define FEATURES(a, b)                                                                                                 \
    "\"features\": [{\"name\": \"" a "\", \"type\": \"int64\", \"description\": \"d\"},"                               \
    " {\"name\": \"" b "\", \"type\": \"float64\", \"description\": \"d\"}]}"
#define VIEW(name, version, key, a, b)                                                                                 \
    "{\"name\": \"" name "\", \"version\": " version ", \"description\": \"d\", \"owner\": \"o\", \"ttl_s\": 3600,"    \
    " \"source\": {\"kind\": \"push\", \"name\": \"pushed\"},"                                                         \
    " \"entity\": {\"name\": \"" key "\", \"join_key\": \"" key "\"}, " FEATURES(a, b)

static const char *const declarations[] = {
    VIEW("demand", "1", "geo", "orders", "trend"),
    VIEW("demand", "2", "geo", "orders", "share"),
    VIEW("load", "1", "branch", "queue", "wait"),
    "{\"name\": \"pair\", \"version\": 1, \"description\": \"d\", \"owner\": \"o\", \"ttl_s\": 0, \"entities\": ["
    "{\"name\": \"courier\", \"join_key\": \"courier_id\", \"type\": \"int64\"},"
    "{\"name\": \"geo\", \"join_key\": \"geo\"}], \"source\": {\"kind\": \"push\", \"name\": \"pairs\"}, \"features\": "
    "["
    "{\"name\": \"label\", \"type\": \"string\", \"description\": \"d\"},"
    "{\"name\": \"active\", \"type\": \"bool\", \"description\": \"d\"},"
    "{\"name\": \"since\", \"type\": \"timestamp\", \"description\": \"d\"}]}",
};
enum { DECLARATIONS = sizeof(declarations) / sizeof(declarations[0]) };

static const char *const service_declarations[] = {
    "{\"name\": \"dispatch\", \"description\": \"d\", \"owner\": \"o\","
    " \"features\": [\"demand:share\", \"load:wait\"]}",
};

static FeatureViews views;
static FeatureServices services;
static Arena *arena;

static void set_up(void)
{
    Error err;
    cr_assert(feature_views_load(declarations, DECLARATIONS, &views, &err), "%s", err.message);
    cr_assert(feature_services_load(service_declarations, 1, &views, &services, &err), "%s", err.message);
    arena = arena_new();
}

static void tear_down(void)
{
    arena_free(arena);
    feature_services_fini(&services);
    feature_views_fini(&views);
}

static bool read_text(const char *text, FeastRequest *request, Error *err)
{
    yyjson_doc *body = yyjson_read(text, strlen(text), 0);
    cr_assert_not_null(body, "%s", text);
    bool ok = feast_request_read(yyjson_doc_get_root(body), &views, &services, FEAST_ENTITIES_MAX, arena, request, err);
    yyjson_doc_free(body);
    return ok;
}

Test(feast_messages, columns_in_the_order_of_the_request, .init = set_up, .fini = tear_down)
{
    FeastRequest request;
    Error err;
    cr_assert(read_text("{\"features\": [\"load:wait\", \"demand@v1:trend\", \"load:queue\", \"demand:share\"],"
                        " \"entities\": {\"geo\": [\"a\", 7], \"branch\": [\"x\", \"y\"], \"unknown\": [1, 2]},"
                        " \"full_feature_names\": true, \"extra\": 1}",
                        &request, &err),
              "%s", err.message);
    cr_assert_eq(request.entities_count, 2);
    cr_assert_eq(request.views_count, 3);
    cr_assert_eq(request.views[0].view, &views.items[2]);
    cr_assert_eq(request.views[1].view->version, 1);
    cr_assert_eq(request.views[2].view->version, 2, "the newest");
    cr_assert_eq(request.join_keys_count, 2);
    cr_assert_str_eq(request.join_keys[0].name, "branch");
    cr_assert_str_eq(request.join_keys[1].values[1], "7");
    cr_assert_eq(request.columns_count, 4);
    cr_assert_str_eq(request.columns[0].name, "load__wait");
    cr_assert_str_eq(request.columns[1].name, "demand__trend");
    cr_assert_eq(request.columns[2].view, 0);
    cr_assert_eq(request.columns[2].feature, 0);
}

static const struct {
    char body[200];
    char pointer[24];
    ErrorCode code;
} bad[] = {
    {"{\"entities\": {\"geo\": [\"a\"]}}", "features", ERROR_UNPROCESSABLE},
    {"{\"features\": \"demand:orders\", \"entities\": {\"geo\": [\"a\"]}}", "features", ERROR_UNPROCESSABLE},
    {"{\"features\": [1], \"entities\": {\"geo\": [\"a\"]}}", "features", ERROR_UNPROCESSABLE},
    {"{\"features\": [\"orders\"], \"entities\": {\"geo\": [\"a\"]}}", "features", ERROR_UNPROCESSABLE},
    {"{\"features\": [\":orders\"], \"entities\": {\"geo\": [\"a\"]}}", "features", ERROR_UNPROCESSABLE},
    {"{\"features\": [\"demand@2:orders\"], \"entities\": {\"geo\": [\"a\"]}}", "features", ERROR_UNPROCESSABLE},
    {"{\"features\": [\"demand@v2x:orders\"], \"entities\": {\"geo\": [\"a\"]}}", "features", ERROR_UNPROCESSABLE},
    {"{\"features\": [\"demand@v3:orders\"], \"entities\": {\"geo\": [\"a\"]}}", "features", ERROR_NOT_FOUND},
    {"{\"features\": [\"zzz:orders\"], \"entities\": {\"geo\": [\"a\"]}}", "features", ERROR_NOT_FOUND},
    {"{\"features\": [\"demand:zzz\"], \"entities\": {\"geo\": [\"a\"]}}", "features", ERROR_UNPROCESSABLE},
    {"{\"features\": [\"demand:orders\", \"demand:orders\"], \"entities\": {\"geo\": [\"a\"]}}", "full_feature_names",
     ERROR_UNPROCESSABLE},
    {"{\"feature_service\": \"zzz\", \"entities\": {\"geo\": [\"a\"]}}", "feature_service", ERROR_NOT_FOUND},
    {"{\"feature_service\": 1, \"entities\": {\"geo\": [\"a\"]}}", "feature_service", ERROR_UNPROCESSABLE},
    {"{\"features\": [\"pair:label\"], \"entities\": {\"geo\": [\"a\"], \"courier_id\": [\"x\"]}}", "entities",
     ERROR_UNPROCESSABLE},
    {"{\"features\": [\"pair:label\"], \"entities\": {\"geo\": [\"a\\u001fb\"], \"courier_id\": [1]}}", "entities",
     ERROR_UNPROCESSABLE},
    {"{\"features\": [\"demand:orders\"]}", "entities", ERROR_UNPROCESSABLE},
    {"{\"features\": [\"demand:orders\"], \"entities\": {}}", "entities", ERROR_UNPROCESSABLE},
    {"{\"features\": [\"demand:orders\"], \"entities\": {\"geo\": []}}", "entities", ERROR_UNPROCESSABLE},
    {"{\"features\": [\"demand:orders\"], \"entities\": {\"geo\": [null]}}", "entities", ERROR_UNPROCESSABLE},
    {"{\"features\": [\"demand:orders\"], \"entities\": {\"geo\": [1.5]}}", "entities", ERROR_UNPROCESSABLE},
    {"{\"features\": [\"demand:orders\"], \"entities\": {\"branch\": [\"a\"]}}", "entities", ERROR_UNPROCESSABLE},
    {"{\"features\": [\"demand:orders\"], \"entities\": {\"geo\": [\"a\"], \"branch\": [1, 2]}}", "entities",
     ERROR_UNPROCESSABLE},
};

Test(feast_messages, bad_requests_say_where, .init = set_up, .fini = tear_down)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        FeastRequest request;
        Error err = {0};
        cr_assert_not(read_text(bad[i].body, &request, &err), "%s", bad[i].body);
        cr_assert_eq(err.code, bad[i].code, "%s: %s", bad[i].body, err.message);
        cr_assert_str_eq(err.pointer, bad[i].pointer, "%s: %s", bad[i].body, err.message);
    }
}

Test(feast_messages, answer_by_column, .init = set_up, .fini = tear_down)
{
    FeastRequest request;
    Error err;
    cr_assert(
        read_text("{\"features\": [\"demand@v1:trend\", \"demand@v1:orders\"],"
                  " \"entities\": {\"geo\": [\"a\", \"b\", \"c\"]}, \"include_feature_view_version_metadata\": true}",
                  &request, &err),
        "%s", err.message);
    FeatureValue fresh[] = {{.integer = 12}, {.real = 1}}, nulls[] = {{.integer = 0}, {.null = true}};
    Instant now = 7200 * INSTANT_PER_SECOND;
    FeastEntityRow rows[] = {
        {.found = true, .row = {.event_timestamp = 3600 * INSTANT_PER_SECOND, .values = fresh}},
        {.found = false},
        {.found = true, .row = {.event_timestamp = now, .values = nulls}},
    };
    size_t counts[1][FEAST_STATUSES] = {{0}};
    Buffer body;
    buffer_init(&body, 1 << 16);
    feast_response_write(&request, rows, now, &body, counts);
    cr_assert_str_eq(
        body.data,
        "{\"metadata\":{\"feature_names\":[\"geo\",\"trend\",\"orders\"],"
        "\"feature_view_metadata\":[{\"name\":\"demand\",\"version\":1}]},\"results\":["
        "{\"values\":[\"a\",\"b\",\"c\"],\"statuses\":[\"PRESENT\",\"PRESENT\",\"PRESENT\"],"
        "\"event_timestamps\":[\"1970-01-01T00:00:00Z\",\"1970-01-01T00:00:00Z\",\"1970-01-01T00:00:00Z\"]},"
        "{\"values\":[1.0,null,null],\"statuses\":[\"PRESENT\",\"NOT_FOUND\",\"NULL_VALUE\"],"
        "\"event_timestamps\":[\"1970-01-01T01:00:00Z\",\"1970-01-01T00:00:00Z\",\"1970-01-01T02:00:00Z\"]},"
        "{\"values\":[12,null,0],\"statuses\":[\"PRESENT\",\"NOT_FOUND\",\"PRESENT\"],"
        "\"event_timestamps\":[\"1970-01-01T01:00:00Z\",\"1970-01-01T00:00:00Z\",\"1970-01-01T02:00:00Z\"]}]}");
    cr_assert_eq(counts[0][FEAST_PRESENT], 3);
    cr_assert_eq(counts[0][FEAST_NOT_FOUND], 2);
    cr_assert_eq(counts[0][FEAST_NULL_VALUE], 1);
    buffer_clear(&body);
    feast_response_write(&request, rows, now + 1, &body, counts);
    cr_assert_not_null(strstr(body.data, "\"values\":[null,null,0],\"statuses\":[\"OUTSIDE_MAX_AGE\""),
                       "a microsecond over the ttl: %s", body.data);
    buffer_fini(&body);
}

Test(feast_messages, features_of_a_service, .init = set_up, .fini = tear_down)
{
    FeastRequest request;
    Error err;
    cr_assert(read_text("{\"feature_service\": \"dispatch\", \"features\": [\"demand:orders\"],"
                        " \"entities\": {\"geo\": [\"a\"], \"branch\": [\"b\"]}}",
                        &request, &err),
              "%s", err.message);
    cr_assert_eq(request.columns_count, 2);
    cr_assert_str_eq(request.columns[0].name, "share");
    cr_assert_str_eq(request.columns[1].name, "wait");
}

Test(feast_messages, several_keys_and_every_type, .init = set_up, .fini = tear_down)
{
    FeastRequest request;
    Error err;
    cr_assert(read_text("{\"features\": [\"pair:since\", \"pair:label\", \"pair:active\"],"
                        " \"entities\": {\"geo\": [\"a\", \"b\"], \"courier_id\": [7, \"-08\"]}}",
                        &request, &err),
              "%s", err.message);
    cr_assert_str_eq(request.views[0].entities[0], "7\x1f"
                                                   "a");
    cr_assert_str_eq(request.views[0].entities[1], "-8\x1f"
                                                   "b");
    FeatureValue values[] = {{.text = "x\"y"}, {.boolean = true}, {.instant = 1500000}};
    FeastEntityRow rows[] = {{.found = true, .row = {.values = values}}, {.found = false}};
    size_t counts[1][FEAST_STATUSES] = {{0}};
    Buffer body;
    buffer_init(&body, 1 << 16);
    feast_response_write(&request, rows, INT64_C(1) << 60, &body, counts);
    cr_assert_eq(counts[0][FEAST_PRESENT], 3, "without a ttl nothing is too old: %s", body.data);
    cr_assert_not_null(strstr(body.data, "{\"values\":[7,-8],"), "%s", body.data);
    cr_assert_not_null(strstr(body.data, "{\"values\":[\"1970-01-01T00:00:01.5Z\",null],"), "%s", body.data);
    cr_assert_not_null(strstr(body.data, "{\"values\":[\"x\\\"y\",null],"), "%s", body.data);
    cr_assert_not_null(strstr(body.data, "{\"values\":[true,null],"), "%s", body.data);
    buffer_fini(&body);
}

static const struct {
    double value;
    char text[24];
} reals[] = {
    {1, "[1.0]"},           {0.1, "[0.1]"},     {1.0 / 3, "[0.3333333333333333]"}, {1e300, "[1e300]"},
    {-0.0, "[-0.0]"},       {NAN, "[\"NaN\"]"}, {INFINITY, "[\"Infinity\"]"},      {-INFINITY, "[\"-Infinity\"]"},
    {123456, "[123456.0]"},
};

Test(feast_messages, reals_always_look_like_reals, .init = set_up, .fini = tear_down)
{
    FeastRequest request;
    Error err;
    cr_assert(read_text("{\"features\": [\"load:wait\"], \"entities\": {\"branch\": [\"a\"]}}", &request, &err), "%s",
              err.message);
    for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++) {
        FeatureValue values[] = {{.null = true}, {.real = reals[i].value}};
        FeastEntityRow row = {.found = true, .row = {.values = values}};
        size_t counts[1][FEAST_STATUSES] = {{0}};
        Buffer body;
        buffer_init(&body, 1 << 16);
        feast_response_write(&request, &row, 0, &body, counts);
        cr_assert_not_null(strstr(body.data, reals[i].text), "%s in %s", reals[i].text, body.data);
        buffer_fini(&body);
    }
}

Test(feast_messages, errors_are_json_in_a_json_string)
{
    Error err;
    Buffer body;
    buffer_init(&body, 4096);
    error_set_at(&err, ERROR_NOT_FOUND, "features", "Feature view \"zzz\" does not exist");
    feast_error_write(&err, &body);
    cr_assert_str_eq(body.data, "\"{\\\"module\\\": \\\"feast.errors\\\", \\\"class\\\": "
                                "\\\"FeatureViewNotFoundException\\\", \\\"message\\\": "
                                "\\\"Feature view \\\\\\\"zzz\\\\\\\" does not exist\\\"}\"");
    buffer_clear(&body);
    error_set_at(&err, ERROR_UNPROCESSABLE, "entities", "no");
    feast_error_write(&err, &body);
    cr_assert_not_null(strstr(body.data, "\\\"FeastError\\\""));
    buffer_fini(&body);
}
