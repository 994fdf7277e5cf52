#include "services/feature-store/offline/point_in_time.h"

#include <criterion/criterion.h>
#include <string.h>
#include "services/feature-store/offline/historical_request.h"
#include "services/feature-store/offline/offline_store.h"
#include "services/feature-store/registry/view_registry.h"
#include "tests/integration/services/feature-store/feature_store_fixture.h"

#define FEATURE(name, type) "{\"name\": \"" name "\", \"type\": \"" type "\", \"description\": \"d\"}"

static const char *const declarations[] = {
    "{\"name\": \"load\", \"version\": 1, \"description\": \"d\", \"owner\": \"o\", \"ttl_s\": 3600,"
    " \"source\": {\"kind\": \"push\", \"name\": \"load\"}, \"entity\": {\"name\": \"branch\", \"join_key\": "
    "\"branch\"},"
    " \"features\": [" FEATURE("waiting", "int64") "," FEATURE("note", "string") "]}",
    "{\"name\": \"rating\", \"version\": 1, \"description\": \"d\", \"owner\": \"o\", \"ttl_s\": 0,"
    " \"source\": {\"kind\": \"push\", \"name\": \"rating\"},"
    " \"entity\": {\"name\": \"branch\", \"join_key\": \"branch\"},"
    " \"features\": [" FEATURE("stars", "float64") "]}",
};

static FeatureViews views;
static FeatureServices services;

static void set_up(void)
{
    Error err;
    feature_store_set_up();
    cr_assert(feature_views_load(declarations, 2, &views, &err), "%s", err.message);
    cr_assert(view_registry_apply(fixture_connection(), &views, &err), "%s", err.message);
}

static void tear_down(void)
{
    feature_views_fini(&views);
    feature_store_tear_down();
}

TestSuite(point_in_time, .init = set_up, .fini = tear_down);

static Instant at(const char *text)
{
    Instant instant;
    Error err;
    cr_assert(instant_parse(text, &instant, &err), "%s", err.message);
    return instant;
}

static void append_load(const char *branch, const char *event, const char *recorded, int64_t waiting)
{
    FeatureValue values[] = {{.integer = waiting}, {.text = "as told"}};
    OfflineRow row = {branch, {.event_timestamp = at(event), .created = at(recorded), .values = values}};
    int64_t seq = 0;
    Error err;
    cr_assert(offline_store_append(fixture_connection(), &views.items[0], &row, 1, &seq, &err), "%s", err.message);
}

enum { ROWS_MAX = 8, NOTHING = -1 };

typedef struct Found {
    int64_t waiting[ROWS_MAX];
    double stars[ROWS_MAX];
    size_t rows;
} Found;

static bool take(void *context, size_t first, size_t count, const FeastEntityRow *rows, Error *err)
{
    (void)err;
    Found *found = context;
    cr_assert_eq(first, found->rows);
    for (size_t i = 0; i < count; i++) {
        const FeastEntityRow *load = &rows[i];
        found->waiting[first + i] = load->found ? load->row.values[0].integer : NOTHING;
        if (load->found)
            cr_assert_str_eq(load->row.values[1].text, "as told");
        found->stars[first + i] = rows[count + i].found ? rows[count + i].row.values[0].real : NOTHING;
    }
    found->rows += count;
    return true;
}

static bool read_request(yyjson_doc *document, Arena *arena, HistoricalRequest *ret_request, Error *err)
{
    yyjson_val *root = yyjson_doc_get_root(document);
    HistoricalQuestion question;
    EntityTable table;
    return historical_question_read(root, arena, &question, err) &&
           entity_table_from_json(yyjson_obj_get(root, "entities"), arena, &table, err) &&
           historical_request_make(&question, table, &views, &services, arena, ret_request, err);
}

/* The values of branch b (or those named) at the moments. */
static Found join(const char *entities, const char *recorded)
{
    ARENA_SCOPED Arena *arena = arena_new();
    const char *body = arena_printf(arena,
                                    "{\"features\": [\"load:waiting\", \"load:note\", \"rating:stars\"],"
                                    " \"entities\": %s, \"recorded\": \"%s\"}",
                                    entities, recorded);
    HistoricalRequest request;
    Found found = {.rows = 0};
    Error err;
    yyjson_doc *document = yyjson_read(body, strlen(body), 0);
    cr_assert_not_null(document, "%s", body);
    cr_assert(read_request(document, arena, &request, &err), "%s", err.message);
    PointInTime asked = {&request.wanted, request.moments, request.any_recorded, NULL};
    cr_assert(point_in_time_each(fixture_connection(), &asked, take, &found, &err), "%s", err.message);
    yyjson_doc_free(document);
    return found;
}

Test(point_in_time, a_value_counts_from_its_event_time_until_its_ttl)
{
    append_load("b", "2026-11-02T10:00:00Z", "2026-11-02T10:00:00Z", 3);
    Found found =
        join("{\"branch\": [\"b\", \"b\", \"b\", \"b\"], \"event_timestamp\": [\"2026-11-02T09:59:59.999999Z\","
             " \"2026-11-02T10:00:00Z\", \"2026-11-02T11:00:00\", \"2026-11-02T11:00:00.000001Z\"]}",
             "before");
    cr_assert_eq(found.rows, 4);
    cr_assert_eq(found.waiting[0], NOTHING);
    cr_assert_eq(found.waiting[1], 3);
    cr_assert_eq(found.waiting[2], 3, "the ttl's last moment still counts");
    cr_assert_eq(found.waiting[3], NOTHING);
}

Test(point_in_time, what_was_recorded_later_does_not_exist_yet)
{
    append_load("b", "2026-11-02T10:00:00Z", "2026-11-02T10:00:01Z", 3);
    append_load("b", "2026-11-02T10:00:00Z", "2026-11-02T10:30:00Z", 4);
    append_load("b", "2026-11-02T10:10:00Z", "2026-11-02T10:40:00Z", 5);
    const char *rows = "{\"branch\": [\"b\", \"b\", \"b\", \"b\"], \"event_timestamp\": [\"2026-11-02T10:00:00Z\","
                       " \"2026-11-02T10:20:00Z\", \"2026-11-02T10:30:00Z\", \"2026-11-02T10:40:00Z\"]}";
    Found found = join(rows, "before");
    static const int64_t known[] = {NOTHING, 3, 4, 5}, all[] = {4, 5, 5, 5};
    for (size_t i = 0; i < 4; i++)
        cr_assert_eq(found.waiting[i], known[i], "row %zu: %lld", i, (long long)found.waiting[i]);
    found = join(rows, "any");
    for (size_t i = 0; i < 4; i++)
        cr_assert_eq(found.waiting[i], all[i], "row %zu: %lld", i, (long long)found.waiting[i]);
}

Test(point_in_time, of_recordings_of_one_event_time_the_last_one_counts_whatever_order_they_came_in)
{
    append_load("b", "2026-11-02T10:00:00Z", "2026-11-02T10:20:00Z", 7);
    append_load("b", "2026-11-02T10:00:00Z", "2026-11-02T10:05:00Z", 3); /* recorded before, stored after */
    append_load("b", "2026-11-02T10:00:00Z", "2026-11-02T10:10:00Z", 4);
    append_load("b", "2026-11-02T10:00:00Z", "2026-11-02T10:10:00Z", 5); /* the same moment: the one stored last */
    Found found = join("{\"branch\": [\"b\", \"b\", \"b\"], \"event_timestamp\": [\"2026-11-02T10:05:00Z\","
                       " \"2026-11-02T10:15:00Z\", \"2026-11-02T10:20:00Z\"]}",
                       "before");
    static const int64_t waiting[] = {3, 5, 7};
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(found.waiting[i], waiting[i], "row %zu: %lld", i, (long long)found.waiting[i]);
}

Test(point_in_time, rows_keep_their_order_and_doubles_and_views_their_own_ttl)
{
    FeatureValue stars = {.real = 4.5};
    OfflineRow row = {
        "b", {.event_timestamp = at("2026-09-30T10:00:00Z"), .created = at("2026-09-30T10:00:00Z"), .values = &stars}};
    int64_t seq = 0;
    Error err;
    cr_assert(offline_store_append(fixture_connection(), &views.items[1], &row, 1, &seq, &err), "%s", err.message);
    append_load("b", "2026-11-02T10:00:00Z", "2026-11-02T10:00:00Z", 3);
    append_load("c", "2026-11-02T10:00:00Z", "2026-11-02T10:00:00Z", 7);
    Found found = join("{\"branch\": [\"c\", \"b\", \"nowhere\", \"c\", \"b\"], \"event_timestamp\":"
                       " [\"2026-11-02T10:30:00Z\", \"2026-11-02T10:01:00+00:00\", \"2026-11-02T10:30:00Z\","
                       " \"2026-11-02T10:30:00Z\", \"2026-10-15T00:00:00Z\"]}",
                       "before");
    static const int64_t waiting[] = {7, 3, NOTHING, 7, NOTHING};
    static const double rated[] = {NOTHING, 4.5, NOTHING, NOTHING, 4.5};
    for (size_t i = 0; i < 5; i++) {
        cr_assert_eq(found.waiting[i], waiting[i], "row %zu", i);
        cr_assert_eq(found.stars[i], rated[i], "row %zu", i);
    }
}

static const struct {
    char body[200], words[60], pointer[24];
    ErrorCode code;
} bad[] = {
    {"{\"features\": [\"load:waiting\"], \"entities\": {\"branch\": [\"b\", \"b\"], \"event_timestamp\":"
     " [\"2026-11-02T10:00:00Z\", \"yesterday\"]}}",
     "event_timestamp[1]", "entities", ERROR_UNPROCESSABLE},
    {"{\"features\": [], \"entities\": {\"branch\": [\"b\"], \"event_timestamp\": [\"2026-11-02\"]}}", "features",
     "features", ERROR_UNPROCESSABLE},
    {"{\"features\": [\"load:waiting\"], \"entities\": {\"branch\": [\"b\"]}}", "event_timestamp", "entities",
     ERROR_UNPROCESSABLE},
    {"{\"features\": [\"load:waiting\"], \"entities\": {\"event_timestamp\": [\"2026-11-02\"]}}", "['branch']",
     "entities", ERROR_UNPROCESSABLE},
    {"{\"features\": [\"load:waiting\"], \"entities\": {\"branch\": [null], \"event_timestamp\": [\"2026-11-02\"]}}",
     "branch[0]", "entities", ERROR_UNPROCESSABLE},
    {"{\"features\": [\"load:waiting\"], \"entities\": {\"branch\": [], \"event_timestamp\": []}}", "no rows",
     "entities", ERROR_UNPROCESSABLE},
    {"{\"features\": [\"load:waiting\"], \"entities\": {\"branch\": [\"b\"], \"waiting\": [1], \"event_timestamp\":"
     " [\"2026-11-02\"]}}",
     "a column waiting", "full_feature_names", ERROR_UNPROCESSABLE},
    {"{\"features\": [\"load:waiting\"], \"recorded\": \"after\", \"entities\": {}}", "recorded", "recorded",
     ERROR_UNPROCESSABLE},
    {"{\"features\": [\"nothing:x\"], \"entities\": {\"event_timestamp\": [1]}}", "nothing", "features",
     ERROR_NOT_FOUND},
    {"{\"feature_service\": \"zzz\", \"entities\": {\"event_timestamp\": [1]}}", "zzz", "feature_service",
     ERROR_NOT_FOUND},
};

Test(point_in_time, a_bad_request_is_told_what_is_wrong)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ARENA_SCOPED Arena *arena = arena_new();
        yyjson_doc *document = yyjson_read(bad[i].body, strlen(bad[i].body), 0);
        HistoricalRequest request;
        Error err;
        cr_assert_not_null(document, "%s", bad[i].body);
        cr_assert_not(read_request(document, arena, &request, &err), "%s", bad[i].body);
        cr_assert_eq(err.code, bad[i].code, "%s: %s", bad[i].body, err.message);
        cr_assert_str_eq(err.pointer, bad[i].pointer, "%s: %s", bad[i].body, err.message);
        cr_assert_not_null(strstr(err.message, bad[i].words), "%s: %s", bad[i].body, err.message);
        yyjson_doc_free(document);
    }
}
