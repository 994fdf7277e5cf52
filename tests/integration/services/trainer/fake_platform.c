#include "tests/integration/services/trainer/fake_platform.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/arrow_table.h"

static void note_wrong(FakePlatform *platform, const char *what)
{
    if (platform->wrong[0] == '\0') {
        snprintf(platform->wrong, sizeof platform->wrong, "%s", what);
    }
}

static bool write_hours(FakePlatform *platform, FILE *file, Hour from, Error *err)
{
    static const ArrowColumn columns[] = {
        {"geo", ARROW_COLUMN_TEXT, false},  {"hour_utc", ARROW_COLUMN_HOUR, false},
        {"orders", ARROW_COLUMN_INT, true}, {"restaurant", ARROW_COLUMN_INT, true},
        {"goods", ARROW_COLUMN_INT, true},
    };
    static const char *const geos[] = {"cell-a", "cell-b"};
    ArrowWriter *writer;
    if (!arrow_writer_new(file, columns, 5, NULL, &writer, err)) {
        return false;
    }
    for (Hour hour = from; hour <= platform->complete_hour; hour++) {
        for (int geo = 0; geo < 2; geo++) {
            double daily = 1 + sin(2 * M_PI * (hour % HOURS_PER_DAY) / HOURS_PER_DAY);
            int64_t orders = (int64_t)((geo + 1) * (4 + 6 * daily) * platform->factor + (hour * 7 + geo * 3) % 5);
            arrow_text(writer, geos[geo]);
            arrow_int(writer, hour);
            arrow_int(writer, orders);
            arrow_int(writer, orders / 2);
            arrow_int(writer, 0);
            arrow_end_row(writer);
        }
    }
    return arrow_writer_end(writer, err);
}

static bool get_export(Request *request, Response *response, Error *err)
{
    FakePlatform *platform = request->service;
    char text[INSTANT_TEXT_MAX];
    int64_t since;
    FILE *file;
    const char *features = request_query(request, "features"), *accept = request_header(request, "Accept");
    if (features == NULL || strcmp(features, "orders,restaurant,goods") != 0 || accept == NULL ||
        strcmp(accept, "application/vnd.apache.arrow.stream") != 0) {
        note_wrong(platform, "the export was asked for with other features or types");
    }
    if (!request_query_int(request, "recorded_since", 0, INT64_MAX, 0, &since, err) ||
        !response_spool(response, request, "application/vnd.apache.arrow.stream", &file, err)) {
        return false;
    }
    platform->full_exports += since == 0;
    platform->later_exports += since > 0;
    snprintf(text, sizeof text, "%lld", (long long)platform->cursor);
    response_header(response, request, "Rushcast-Cursor", text);
    hour_format(platform->complete_hour, text);
    response_header(response, request, "Rushcast-Complete-Hour", text);
    Hour from = since == 0                 ? platform->first_hour
                : since < platform->cursor ? platform->complete_hour - HOURS_PER_WEEK
                                           : platform->complete_hour + 1;
    return write_hours(platform, file, from, err);
}

static bool get_watermark(Request *request, Response *response, Error *err)
{
    const FakePlatform *platform = request->service;
    char watermark[INSTANT_TEXT_MAX], complete_hour[INSTANT_TEXT_MAX];
    (void)err;
    hour_format(platform->complete_hour + 1, watermark);
    hour_format(platform->complete_hour, complete_hour);
    response_json(response,
                  json_pack("{s:s, s:s, s:i, s:b}", "watermark", watermark, "complete_hour", complete_hour, "lag",
                            platform->has_events_to_come ? 5 : 0, "caught_up", !platform->has_events_to_come));
    return true;
}

static bool get_geos(Request *request, Response *response, Error *err)
{
    const char *after = request_query(request, "after");
    (void)err;
    response_text(response, "application/json",
                  after == NULL
                      ? "{\"geos\": [{\"geo\": \"all\", \"kind\": \"all\", \"timezone\": \"UTC\", \"country\": \"\","
                        " \"parent\": null},"
                        " {\"geo\": \"cell-a\", \"kind\": \"cell\", \"timezone\": \"America/Bogota\","
                        " \"country\": \"CO\", \"parent\": \"city:b\"}], \"next\": \"cell-a\"}"
                      : "{\"geos\": [{\"geo\": \"cell-b\", \"kind\": \"cell\", \"timezone\": \"America/Bogota\","
                        " \"country\": \"CO\", \"parent\": \"city:b\"},"
                        " {\"geo\": \"cell-new\", \"kind\": \"cell\", \"timezone\": \"America/Bogota\","
                        " \"country\": \"CO\", \"parent\": \"city:b\"},"
                        " {\"geo\": \"city:b\", \"kind\": \"city\", \"timezone\": \"America/Bogota\","
                        " \"country\": \"CO\", \"parent\": \"all\"}], \"next\": null}");
    return true;
}

static bool put_set(Request *request, Response *response, Error *err)
{
    FakePlatform *platform = request->service;
    if (platform->failing_puts > 0) {
        platform->failing_puts--;
        return error_set(err, ERROR_UNAVAILABLE, "not now");
    }
    FakeSet *set = fake_platform_set(platform, request_path(request, "id"));
    if (set == NULL) {
        cr_assert_lt(platform->sets_count, FAKE_SETS_MAX);
        set = &platform->sets[platform->sets_count++];
        snprintf(set->id, sizeof set->id, "%s", request_path(request, "id"));
    }
    if (set->data != NULL &&
        (set->length_bytes != request->body_length_bytes || memcmp(set->data, request->body, set->length_bytes) != 0)) {
        return error_set(err, ERROR_CONFLICT, "the set is stored already with other content");
    }
    free(set->data);
    set->data = malloc(request->body_length_bytes);
    memcpy(set->data, request->body, request->body_length_bytes);
    set->length_bytes = request->body_length_bytes;
    set->puts++;
    const char *type = request_header(request, "Content-Type");
    if (type == NULL || strcmp(type, "application/vnd.apache.arrow.stream") != 0) {
        note_wrong(platform, "a set was sent as another type");
    }
    response_empty(response, 204);
    return true;
}

static bool publish_set(Request *request, Response *response, Error *err)
{
    FakePlatform *platform = request->service;
    FakeSet *set = fake_platform_set(platform, request_path(request, "id"));
    if (set == NULL) {
        note_wrong(platform, "a set was published that had not been sent");
        return error_set(err, ERROR_NOT_FOUND, "no such set");
    }
    if (platform->failing_publishes > 0) {
        platform->failing_publishes--;
        return error_set(err, ERROR_UNAVAILABLE, "not now");
    }
    set->publishes++;
    response_empty(response, 204);
    return true;
}

static bool get_health(Request *request, Response *response, Error *err)
{
    (void)request;
    (void)err;
    response_text(response, "application/json", "{\"status\": \"ok\"}");
    return true;
}

static const Route fake_routes[] = {
    {"GET", "/feature-views/geo_demand/export", SCOPE_READ, ROUTE_BLOCKING, 0, get_export},
    {"GET", "/watermark", SCOPE_READ, ROUTE_FAST, 0, get_watermark},
    {"GET", "/geos", SCOPE_READ, ROUTE_FAST, 0, get_geos},
    {"GET", "/healthz", SCOPE_PUBLIC, ROUTE_FAST, 0, get_health},
    {"PUT", "/forecast-sets/{id}", SCOPE_INTERNAL, ROUTE_BLOCKING, FAKE_SET_LIMIT_BYTES, put_set},
    {"POST", "/forecast-sets/{id}/publish", SCOPE_INTERNAL, ROUTE_BLOCKING, 0, publish_set},
    {0},
};

void fake_platform_start(FakePlatform *platform, Hour first_hour, Hour complete_hour)
{
    static const Route *const tables[] = {fake_routes, NULL};
    Error err;
    *platform =
        (FakePlatform){.first_hour = first_hour, .complete_hour = complete_hour, .cursor = complete_hour, .factor = 1};
    cr_assert(auth_load("", &platform->auth, &err), "%s", err.message);
    cr_assert(http_server_start(&(HttpServerOptions){.listen = "127.0.0.1",
                                                     .event_loops = 1,
                                                     .blocking_threads = 2,
                                                     .blocking_queue_limit = 16,
                                                     .connection_limit = 64,
                                                     .idle_timeout_s = 30,
                                                     .spool_dir = "/tmp",
                                                     .tables = tables,
                                                     .service = platform,
                                                     .auth = platform->auth},
                                &platform->server, &err),
              "%s", err.message);
    snprintf(platform->url, sizeof platform->url, "http://127.0.0.1:%d", (int)http_server_port(platform->server));
}

void fake_platform_stop(FakePlatform *platform)
{
    http_server_stop(platform->server, 1000);
    auth_free(platform->auth);
    for (size_t i = 0; i < platform->sets_count; i++) {
        free(platform->sets[i].data);
    }
}

FakeSet *fake_platform_set(FakePlatform *platform, const char *id)
{
    for (size_t i = 0; i < platform->sets_count; i++) {
        if (strcmp(platform->sets[i].id, id) == 0) {
            return &platform->sets[i];
        }
    }
    return NULL;
}
