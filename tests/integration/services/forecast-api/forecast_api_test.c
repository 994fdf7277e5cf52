#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/json.h"
#include "common/pg.h"
#include "gen/forecast_api_sql.h"
#include "tests/integration/services/forecast-api/api_process.h"
#include "tests/integration/support/test_servers.h"
#include "tests/unit/services/forecast-api/set_fixture.h"

static const char now[] = "2026-11-01T00:00:00Z";
static ApiProcess api;
static Error err;

#define OK(call) cr_assert((call), "%s", err.message)

static void run_sql(const char *sql)
{
    PgPool *pool = pg_pool_new(&(PgPoolOptions){.conninfo = test_database(), .application_name = "test", .size = 1});
    PgConnection *connection;
    OK(pg_acquire(pool, 5000, &connection, &err));
    OK(pg_command(connection, sql, &err));
    pg_release(connection);
    pg_pool_free(pool);
}

/* Waits until the path answers the status, as publications are taken over within a second. */
static void await_status(const ApiProcess *process, const char *path, int status)
{
    int got = 0;
    for (int i = 0; i < 200 && got != status; i++) {
        ApiReply reply API_REPLY_SCOPED = api_call(process, "GET", path, NULL, NULL, 0);
        got = reply.status;
        if (got != status)
            usleep(50000);
    }
    cr_assert_eq(got, status, "%s answers %d, not %d", path, got, status);
}

static void set_up(void)
{
    api = api_process_start(now);
    await_status(&api, "/geos", 200);
    run_sql(
        "INSERT INTO forecast.geo VALUES"
        " ('a', '<A>', 'cell', 'America/New_York', 'US', 40.7, -74, 'city:ny', 1, NULL, nextval('forecast.revision')),"
        " ('city:ny', 'NY', 'city', 'America/New_York', 'US', 40.7, -74, 'all', 1, NULL,"
        "  nextval('forecast.revision'))");
}

static void tear_down(void)
{
    api_process_stop(&api);
    test_database_drop();
}

TestSuite(forecast_api, .init = set_up, .fini = tear_down, .timeout = 120);

static ApiReply put_set(const char *id, double level)
{
    const FixtureSeries series[] = {{"a", NULL, "boosted", NULL, level}, {"b", NULL, "boosted", NULL, level}};
    size_t length_bytes;
    char *bytes =
        fixture_bytes(&(FixtureSet){.cutoff = "2026-10-31T22:00:00Z", .series = series, .count = 2}, &length_bytes);
    char path[128];
    snprintf(path, sizeof path, "/forecast-sets/%s", id);
    ApiReply reply =
        api_call(&api, "PUT", path, "Content-Type: application/vnd.apache.arrow.stream", bytes, length_bytes);
    free(bytes);
    return reply;
}

static int put_status(const char *id, double level)
{
    ApiReply reply API_REPLY_SCOPED = put_set(id, level);
    return reply.status;
}

static int call_status(const char *method, const char *path)
{
    ApiReply reply API_REPLY_SCOPED = api_call(&api, method, path, NULL, NULL, 0);
    return reply.status;
}

static int publish(const char *id)
{
    char path[128];
    snprintf(path, sizeof path, "/forecast-sets/%s/publish", id);
    return call_status("POST", path);
}

static void await_set(const ApiProcess *process, const char *geo, const char *id)
{
    char path[64], served[ISSUED_SET_ID_MAX + 1] = "";
    snprintf(path, sizeof path, "/forecast?geo=%s", geo);
    for (int i = 0; i < 200 && strcmp(served, id) != 0; i++) {
        json_t *answer JSON_SCOPED = api_get_json(process, path, NULL);
        const char *set = json_string_value(json_object_get(answer, "set"));
        snprintf(served, sizeof served, "%s", set != NULL ? set : "");
        if (strcmp(served, id) != 0)
            usleep(20000);
    }
    cr_assert_str_eq(served, id);
}

static double first_mean(const json_t *answer)
{
    return json_number_value(json_object_get(json_array_get(json_object_get(answer, "forecast"), 0), "mean"));
}

Test(forecast_api, waits_for_the_first_set_and_says_so)
{
    ApiReply reply API_REPLY_SCOPED = api_call(&api, "GET", "/forecast?geo=a", NULL, NULL, 0);
    cr_assert_eq(reply.status, 503);
    cr_assert_str_eq(reply.retry_after, "2");
    cr_assert_not_null(strstr(reply.body, "no forecast set has been published yet"), "%s", reply.body);
    cr_assert_eq(call_status("GET", "/readyz"), 503);
    cr_assert_eq(call_status("GET", "/"), 200);
}

Test(forecast_api, set_is_stored_once_published_once_and_served)
{
    cr_assert_eq(put_status("s1", 1), 201);
    cr_assert_eq(put_status("s1", 1), 200, "the same bytes again");
    cr_assert_eq(put_status("s1", 2), 409, "other bytes");
    cr_assert_eq(call_status("GET", "/forecast?geo=a"), 503, "staged is not published");
    cr_assert_eq(publish("s1"), 200);
    cr_assert_eq(publish("s1"), 200);
    cr_assert_eq(publish("s2"), 404);
    await_set(&api, "a", "s1");
    await_status(&api, "/readyz", 200);
    json_t *sets JSON_SCOPED = api_get_json(&api, "/forecast-sets?limit=5", NULL);
    json_t *stored = json_array_get(json_object_get(sets, "sets"), 0);
    cr_assert_eq(json_array_size(json_object_get(sets, "sets")), 1);
    cr_assert_str_eq(json_string_value(json_object_get(stored, "status")), "published");
    json_t *answer JSON_SCOPED = api_get_json(&api, "/forecast?geo=a&hours=168", NULL);
    cr_assert_eq(json_integer_value(json_object_get(answer, "hours")), 168);
    cr_assert_eq(json_array_size(json_object_get(answer, "forecast")), 168);
    cr_assert_str_eq(json_string_value(json_object_get(answer, "timezone")), "America/New_York");
    cr_assert_str_eq(json_string_value(json_object_get(answer, "quality")), "fresh");
    cr_assert_eq(json_integer_value(json_object_get(answer, "revision")),
                 json_integer_value(json_object_get(stored, "publication")));
    cr_assert_float_eq(first_mean(answer), 1.1, 1e-9);
    ApiReply page API_REPLY_SCOPED = api_call(&api, "GET", "/", NULL, NULL, 0);
    cr_assert_not_null(strstr(page.body, "<td>&lt;A&gt;</td>"), "%s", page.body);
}

Test(forecast_api, bad_requests_are_explained)
{
    static const struct {
        const char *path;
        int status;
        const char *pointer;
    } bad[] = {
        {"/forecast?geo=nowhere", 404, "geo"},        {"/forecast", 400, "geo"},
        {"/forecast?geo=a&hours=0", 400, "hours"},    {"/forecast?geo=a&hours=169", 400, "hours"},
        {"/forecast?geo=a&hours=many", 400, "hours"}, {"/forecast?geo=a&vertical=pets", 400, "vertical"},
        {"/forecast?lat=91&lon=0", 400, "lat"},       {"/forecast?lat=1&lon=1", 404, "lat"},
        {"/forecasts?geo=a,nowhere", 404, "geo"},     {"/forecasts?set=s1", 400, "set"},
        {"/forecast-sets?limit=0", 400, "limit"},
    };
    cr_assert_eq(put_status("s1", 1), 201);
    cr_assert_eq(publish("s1"), 200);
    await_set(&api, "a", "s1");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int status;
        json_t *problem JSON_SCOPED = api_get_json(&api, bad[i].path, &status);
        cr_assert_eq(status, bad[i].status, "%s answers %d", bad[i].path, status);
        cr_assert_str_eq(json_string_value(json_object_get(problem, "pointer")), bad[i].pointer, "%s", bad[i].path);
    }
    json_t *problem JSON_SCOPED = api_get_json(&api, "/forecast?geo=nowhere", NULL);
    cr_assert_not_null(strstr(json_string_value(json_object_get(problem, "detail")), "GET /geos"));
}

Test(forecast_api, invalid_sets_are_refused_with_row_and_column)
{
    const FixtureSeries series[] = {{"a", NULL, "boosted", NULL, 1}, {"b", NULL, "boosted", NULL, 1}};
    FixtureSet fixture = {.cutoff = "2026-10-31T22:00:00Z",
                          .series = series,
                          .count = 2,
                          .bad = true,
                          .bad_row = 1,
                          .bad_hour = 3,
                          .bad_column = 3,
                          .bad_value = 0};
    size_t length_bytes;
    char *bytes = fixture_bytes(&fixture, &length_bytes);
    ApiReply reply API_REPLY_SCOPED = api_call(&api, "PUT", "/forecast-sets/bad", NULL, bytes, length_bytes);
    cr_assert_eq(reply.status, 422);
    cr_assert_not_null(strstr(reply.body, "row 1 (geo \\\"b\\\"), column p90: hour 4 is below p50"), "%s", reply.body);
    ApiReply garbage API_REPLY_SCOPED = api_call(&api, "PUT", "/forecast-sets/bad", NULL, "garbage", 7);
    cr_assert_eq(garbage.status, 400);
    ApiReply cut API_REPLY_SCOPED = api_call(&api, "PUT", "/forecast-sets/bad", NULL, bytes, length_bytes / 2);
    cr_assert(cut.status == 400 || cut.status == 422);
    free(bytes);
    json_t *sets JSON_SCOPED = api_get_json(&api, "/forecast-sets", NULL);
    cr_assert_eq(json_array_size(json_object_get(sets, "sets")), 0);
}

Test(forecast_api, rolls_back_to_the_set_before)
{
    cr_assert_eq(call_status("POST", "/forecast-sets/rollback"), 409);
    for (int i = 1; i <= 3; i++) {
        char id[16];
        snprintf(id, sizeof id, "s%d", i);
        cr_assert_eq(put_status(id, i), 201);
        cr_assert_eq(publish(id), 200);
    }
    await_set(&api, "a", "s3");
    json_t *before JSON_SCOPED = api_get_json(&api, "/forecast?geo=a", NULL);
    cr_assert_eq(call_status("POST", "/forecast-sets/rollback?from=s2"), 409);
    cr_assert_eq(call_status("POST", "/forecast-sets/rollback?from=s3"), 200);
    await_set(&api, "a", "s2");
    json_t *after JSON_SCOPED = api_get_json(&api, "/forecast?geo=a", NULL);
    cr_assert_gt(json_integer_value(json_object_get(after, "revision")),
                 json_integer_value(json_object_get(before, "revision")));
    cr_assert_eq(publish("s3"), 409, "what was rolled back does not come back by a repeated call");
    cr_assert_eq(publish("s1"), 200, "published before: nothing changes");
    cr_assert_eq(call_status("POST", "/forecast-sets/rollback"), 200);
    await_set(&api, "a", "s1");
    cr_assert_eq(call_status("POST", "/forecast-sets/rollback"), 409);
    cr_assert_eq(put_status("s4", 4), 201);
    cr_assert_eq(publish("s4"), 200);
    await_set(&api, "a", "s4");
}

Test(forecast_api, not_modified_by_etag)
{
    cr_assert_eq(put_status("s1", 1), 201);
    cr_assert_eq(publish("s1"), 200);
    await_set(&api, "a", "s1");
    static const char *const paths[] = {"/forecast?geo=a", "/forecast?geo=a&hours=24"};
    for (int i = 0; i < 2; i++) {
        ApiReply reply API_REPLY_SCOPED = api_call(&api, "GET", paths[i], NULL, NULL, 0);
        cr_assert_eq(reply.status, 200);
        cr_assert_neq(reply.etag[0], '\0');
        char header[128];
        snprintf(header, sizeof header, "If-None-Match: %s", reply.etag);
        ApiReply again API_REPLY_SCOPED = api_call(&api, "GET", paths[i], header, NULL, 0);
        cr_assert_eq(again.status, 304);
        cr_assert_eq(again.length_bytes, 0);
        cr_assert_str_eq(again.etag, reply.etag);
        ApiReply other API_REPLY_SCOPED = api_call(&api, "GET", paths[i], "If-None-Match: \"1-1\"", NULL, 0);
        cr_assert_eq(other.status, 200);
    }
}

Test(forecast_api, restart_serves_the_same_and_a_second_instance_follows)
{
    cr_assert_eq(put_status("s1", 1), 201);
    cr_assert_eq(publish("s1"), 200);
    await_set(&api, "a", "s1");
    ApiReply before API_REPLY_SCOPED = api_call(&api, "GET", "/forecast?geo=a", NULL, NULL, 0);
    api_process_stop(&api);
    api = api_process_start(now);
    await_status(&api, "/readyz", 200);
    ApiReply after API_REPLY_SCOPED = api_call(&api, "GET", "/forecast?geo=a", NULL, NULL, 0);
    cr_assert_eq(after.status, 200);
    cr_assert_str_eq(before.body, after.body);
    cr_assert_str_eq(before.etag, after.etag);

    ApiProcess second = api_process_start(now);
    await_set(&second, "a", "s1");
    cr_assert_eq(put_status("s2", 2), 201);
    cr_assert_eq(publish("s2"), 200);
    await_set(&second, "a", "s2");
    await_set(&api, "a", "s2");
    ApiReply here API_REPLY_SCOPED = api_call(&api, "GET", "/forecast?geo=b", NULL, NULL, 0);
    ApiReply there API_REPLY_SCOPED = api_call(&second, "GET", "/forecast?geo=b", NULL, NULL, 0);
    cr_assert_str_eq(here.body, there.body);
    cr_assert_str_eq(here.etag, there.etag);
    api_process_stop(&second);
}

enum { READER_THREADS = 4, PUBLICATIONS = 12 };
static atomic_bool readers_stop;
static atomic_int readers_answers, readers_mixed;

static bool answer_is_of_one_set(const json_t *answer)
{
    int number = 0;
    const char *set = json_string_value(json_object_get(answer, "set"));
    const json_t *rows = json_object_get(answer, "forecast");
    if (set == NULL || sscanf(set, "s%d", &number) != 1 || json_array_size(rows) != 168)
        return false;
    for (size_t i = 0; i < 168; i++) {
        double mean = json_number_value(json_object_get(json_array_get(rows, i), "mean"));
        if (mean < fixture_mean(number * 100, i + 1) - 1e-6 || mean > fixture_mean(number * 100, i + 1) + 1e-6)
            return false;
    }
    return true;
}

static void *read_forecasts(void *geo)
{
    char path[64];
    snprintf(path, sizeof path, "/forecast?geo=%s", (const char *)geo);
    while (!atomic_load(&readers_stop)) {
        json_t *answer JSON_SCOPED = api_get_json(&api, path, NULL);
        atomic_fetch_add(answer_is_of_one_set(answer) ? &readers_answers : &readers_mixed, 1);
    }
    return NULL;
}

Test(forecast_api, no_answer_is_mixed_or_dropped_while_publishing)
{
    static char geos[READER_THREADS][2] = {"a", "b", "a", "b"};
    pthread_t readers[READER_THREADS];
    cr_assert_eq(put_status("s0", 0), 201);
    cr_assert_eq(publish("s0"), 200);
    await_set(&api, "a", "s0");
    for (int i = 0; i < READER_THREADS; i++)
        pthread_create(&readers[i], NULL, read_forecasts, geos[i]);
    for (int i = 1; i <= PUBLICATIONS; i++) {
        char id[16];
        snprintf(id, sizeof id, "s%d", i);
        cr_assert_eq(put_status(id, i * 100), 201);
        cr_assert_eq(publish(id), 200);
        await_set(&api, "b", id);
    }
    atomic_store(&readers_stop, true);
    for (int i = 0; i < READER_THREADS; i++)
        pthread_join(readers[i], NULL);
    cr_assert_eq(readers_mixed, 0, "%d of %d answers", readers_mixed, readers_answers);
    cr_assert_gt(readers_answers, PUBLICATIONS);
}

static ApiReply put_override(const char *id, const char *json)
{
    char path[64];
    snprintf(path, sizeof path, "/overrides/%s", id);
    return api_call(&api, "PUT", path, "Content-Type: application/json", json, strlen(json));
}

static int override_status(const char *id, const char *json)
{
    ApiReply reply API_REPLY_SCOPED = put_override(id, json);
    return reply.status;
}

/* Waits until the first hour of geo a carries the override (NULL: none); returns the answer. */
static json_t *await_override(const char *id)
{
    json_t *answer = NULL;
    for (int i = 0; i < 200; i++) {
        json_decref(answer);
        answer = api_get_json(&api, "/forecast?geo=a", NULL);
        const json_t *row = json_array_get(json_object_get(answer, "forecast"), 0);
        const char *held = json_string_value(json_object_get(row, "override"));
        if ((held == NULL && id == NULL) || (held != NULL && id != NULL && strcmp(held, id) == 0))
            return answer;
        usleep(20000);
    }
    cr_assert_fail("override %s is not in the answer", id != NULL ? id : "(none)");
    return answer;
}

Test(forecast_api, overrides_are_applied_shown_and_kept)
{
    static const char doubled[] = "{\"geo\": \"city:ny\", \"scope\": \"children\", \"kind\": \"factor\", \"value\": 2,"
                                  " \"from\": \"2026-11-01T00:00:00Z\", \"to\": \"2026-11-01T03:00:00Z\","
                                  " \"reason\": \"marathon\", \"author\": \"ana\"}";
    cr_assert_eq(put_status("s1", 1), 201);
    cr_assert_eq(publish("s1"), 200);
    await_set(&api, "a", "s1");
    json_t *before JSON_SCOPED = await_override(NULL);
    cr_assert_eq(override_status("o1", doubled), 201);
    cr_assert_eq(override_status("o1", doubled), 200);
    cr_assert_eq(override_status("o1", "{\"geo\": \"a\", \"kind\": \"factor\", \"value\": 3,"
                                       " \"from\": \"2026-11-01T00:00:00Z\", \"to\": \"2026-11-01T03:00:00Z\","
                                       " \"reason\": \"marathon\", \"author\": \"ana\"}"),
                 409);
    json_t *with JSON_SCOPED = await_override("o1");
    cr_assert_float_eq(first_mean(with), 2.2, 1e-9);
    cr_assert_gt(json_integer_value(json_object_get(with, "revision")),
                 json_integer_value(json_object_get(before, "revision")));
    const json_t *later = json_array_get(json_object_get(with, "forecast"), 3);
    cr_assert(json_is_null(json_object_get(later, "override")));
    cr_assert_eq(call_status("DELETE", "/overrides/o1"), 400, "who and why are needed");
    cr_assert_eq(call_status("DELETE", "/overrides/o1?author=ben&reason=called%20off"), 200);
    json_t *without JSON_SCOPED = await_override(NULL);
    cr_assert_float_eq(first_mean(without), 1.1, 1e-9);
    cr_assert_gt(json_integer_value(json_object_get(without, "revision")),
                 json_integer_value(json_object_get(with, "revision")));
    json_t *history JSON_SCOPED = api_get_json(&api, "/overrides?ended=true", NULL);
    const json_t *kept = json_array_get(json_object_get(history, "overrides"), 0);
    cr_assert_str_eq(json_string_value(json_object_get(kept, "status")), "withdrawn");
    cr_assert_str_eq(json_string_value(json_object_get(kept, "ended_by")), "ben");
    json_t *active JSON_SCOPED = api_get_json(&api, "/overrides", NULL);
    cr_assert_eq(json_array_size(json_object_get(active, "overrides")), 0);
}

Test(forecast_api, overrides_end_when_their_time_has_come)
{
    cr_assert_eq(put_status("s1", 1), 201);
    cr_assert_eq(publish("s1"), 200);
    await_set(&api, "a", "s1");
    run_sql(
        "INSERT INTO forecast.override (override_id, geo, scope, vertical, kind, value, from_hour, to_hour, reason,"
        " author, expires_at, created_revision)"
        " VALUES ('late', 'a', 'geo', 'all', 'factor', 5, '2026-11-01T00:00:00Z', '2026-11-01T09:00:00Z', 'r', 'ana',"
        " '2026-10-31T23:59:00Z', nextval('forecast.revision'))");
    const char *status = NULL;
    json_t *history = NULL;
    for (int i = 0; i < 200 && (status == NULL || strcmp(status, "expired") != 0); i++) {
        usleep(20000);
        json_decref(history);
        history = api_get_json(&api, "/overrides?ended=true&geo=a", NULL);
        status = json_string_value(json_object_get(json_array_get(json_object_get(history, "overrides"), 0), "status"));
    }
    cr_assert_str_eq(status, "expired");
    json_decref(history);
    json_t *answer JSON_SCOPED = await_override(NULL);
    cr_assert_float_eq(first_mean(answer), 1.1, 1e-9);
}

Test(forecast_api, bad_overrides_are_explained)
{
    static const struct {
        const char *json, *pointer;
    } bad[] = {
        {"{\"geo\":\"a\",\"kind\":\"times\",\"value\":1,\"from\":\"2026-11-01T00:00:00Z\",\"to\":\"2026-11-01T03:00:"
         "00Z\","
         "\"reason\":\"r\",\"author\":\"a\"}",
         "/kind"},
        {"{\"geo\":\"nowhere\",\"kind\":\"factor\",\"value\":1,\"from\":\"2026-11-01T00:00:00Z\",\"to\":"
         "\"2026-11-01T03:00:00Z\",\"reason\":\"r\",\"author\":\"a\"}",
         "/geo"},
        {"{\"geo\":\"a\",\"kind\":\"factor\",\"value\":-1,\"from\":\"2026-11-01T00:00:00Z\",\"to\":\"2026-11-01T03:00:"
         "00Z\","
         "\"reason\":\"r\",\"author\":\"a\"}",
         "/value"},
        {"{\"geo\":\"a\",\"kind\":\"factor\",\"value\":1,\"from\":\"2026-11-01T00:00:00Z\",\"to\":\"2026-11-01T00:00:"
         "00Z\","
         "\"reason\":\"r\",\"author\":\"a\"}",
         "/to"},
        {"{\"geo\":\"a\",\"kind\":\"factor\",\"value\":1,\"from\":\"2026-10-01T00:00:00Z\",\"to\":\"2026-10-02T00:00:"
         "00Z\","
         "\"reason\":\"r\",\"author\":\"a\"}",
         "/to"},
        {"{\"geo\":\"a\",\"kind\":\"factor\",\"value\":1,\"from\":\"2026-11-01T00:00:00Z\",\"to\":\"2026-11-01T03:00:"
         "00Z\","
         "\"reason\":\"r\"}",
         "/author"},
    };
    for (int i = 0; i < 100 && call_status("GET", "/geos?after=Z&limit=1") == 200; i++) {
        json_t *geos JSON_SCOPED = api_get_json(&api, "/geos", NULL);
        if (json_array_size(json_object_get(geos, "geos")) > 0)
            break;
        usleep(50000);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ApiReply reply API_REPLY_SCOPED = put_override("o1", bad[i].json);
        json_t *problem JSON_SCOPED = json_loads(reply.body, 0, NULL);
        cr_assert_eq(reply.status, 422, "%s: %s", bad[i].json, reply.body);
        cr_assert_str_eq(json_string_value(json_object_get(problem, "pointer")), bad[i].pointer, "%s", reply.body);
    }
}

static size_t lines_in(const ApiReply *reply)
{
    size_t lines = 0;
    for (size_t i = 0; i < reply->length_bytes; i++)
        lines += reply->body[i] == '\n';
    return lines;
}

Test(forecast_api, bulk_in_every_format)
{
    cr_assert_eq(put_status("s1", 1), 201);
    cr_assert_eq(publish("s1"), 200);
    await_set(&api, "a", "s1");
    json_t *all JSON_SCOPED = api_get_json(&api, "/forecasts?hours=24", NULL);
    cr_assert_eq(json_array_size(json_object_get(all, "forecasts")), 2, "leaf geos only");
    json_t *named JSON_SCOPED = api_get_json(&api, "/forecasts?hours=2&geo=city:ny,b", NULL);
    cr_assert_eq(json_array_size(json_object_get(named, "forecasts")), 2);
    char since[64];
    snprintf(since, sizeof since, "/forecasts?since=%lld",
             (long long)json_integer_value(json_object_get(all, "revision")));
    json_t *nothing JSON_SCOPED = api_get_json(&api, since, NULL);
    cr_assert_eq(json_array_size(json_object_get(nothing, "forecasts")), 0);
    ApiReply lines API_REPLY_SCOPED = api_call(&api, "GET", "/forecasts", "Accept: application/x-ndjson", NULL, 0);
    cr_assert_eq(lines_in(&lines), 2);
    ApiReply single API_REPLY_SCOPED = api_call(&api, "GET", "/forecast?geo=a", NULL, NULL, 0);
    cr_assert_eq(strncmp(lines.body, single.body, single.length_bytes), 0, "a line is what GET /forecast answers");
    ApiReply csv API_REPLY_SCOPED = api_call(&api, "GET", "/forecasts?hours=24", "Accept: text/csv", NULL, 0);
    cr_assert_eq(lines_in(&csv), 49);
    ApiReply arrow API_REPLY_SCOPED =
        api_call(&api, "GET", "/forecasts?hours=24", "Accept: application/vnd.apache.arrow.stream", NULL, 0);
    static const ArrowColumn columns[] = {{"geo", ARROW_COLUMN_TEXT, false}, {"mean", ARROW_COLUMN_REAL, false}};
    Arena *arena ARENA_SCOPED = arena_new();
    ArrowTable *table;
    OK(arrow_table_read(arrow.body, arrow.length_bytes, columns, 2, arena, &table, &err));
    cr_assert_eq(table->rows, 48);
    cr_assert_str_eq(arrow_get_text(table, 24, 0), "b");
    cr_assert_float_eq(arrow_get_real(table, 0, 1), 1.1, 1e-9);
    ApiReply none API_REPLY_SCOPED = api_call(&api, "GET", "/forecasts", "Accept: image/png", NULL, 0);
    cr_assert_eq(none.status, 406);
}

Test(forecast_api, every_statement_prepares)
{
    PGconn *handle = PQconnectdb(test_database());
    for (size_t i = 0; i < forecast_api_statements_count; i++) {
        const PgStatement *statement = forecast_api_statements[i];
        PGresult *result = PQprepare(handle, statement->name, statement->sql, 0, NULL);
        cr_assert_eq(PQresultStatus(result), PGRES_COMMAND_OK, "%s: %s", statement->name, PQerrorMessage(handle));
        PQclear(result);
    }
    PQfinish(handle);
}
