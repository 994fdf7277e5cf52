#include "services/feature-store/feast/feast_frame.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define FEATURE(name, type) "{\"name\": \"" name "\", \"type\": \"" type "\", \"description\": \"d\"}"

static const char *const declarations[] = {
    "{\"name\": \"mixed\", \"version\": 1, \"description\": \"d\", \"owner\": \"o\", \"ttl_s\": 60, \"entities\": ["
    "{\"name\": \"courier\", \"join_key\": \"courier_id\", \"type\": \"int64\"},"
    "{\"name\": \"geo\", \"join_key\": \"geo\"}], \"source\": {\"kind\": \"push\", \"name\": \"pushed\"},"
    "\"features\": [" FEATURE("i", "int64") "," FEATURE("f", "float64") "," FEATURE("b", "bool") "," FEATURE(
        "s", "string") "," FEATURE("t", "timestamp") "]}",
};
enum { INT, REAL, BOOLEAN, TEXT, TIME };

static FeatureViews views;
static Arena *arena;
static yyjson_doc *document;

static void set_up(void)
{
    Error err;
    cr_assert(feature_views_load(declarations, 1, &views, &err), "%s", err.message);
    arena = arena_new();
}

static void tear_down(void)
{
    yyjson_doc_free(document);
    arena_free(arena);
    feature_views_fini(&views);
}

TestSuite(feast_frame, .init = set_up, .fini = tear_down);

static bool read_frame(const char *text, FeastFrame *frame, Error *err)
{
    yyjson_doc_free(document);
    document = yyjson_read(text, strlen(text), YYJSON_READ_ALLOW_INF_AND_NAN);
    cr_assert_not_null(document, "%s", text);
    return feast_frame_read(yyjson_doc_get_root(document), &views.items[0], arena, frame, err);
}

Test(feast_frame, rows_of_every_type)
{
    FeastFrame frame;
    Error err;
    cr_assert(read_frame("{\"geo\": [\"a\", 17], \"courier_id\": [7, 8.0], \"i\": [5, 2.0], \"f\": [1, \"-Infinity\"],"
                         " \"b\": [true, 0.0], \"s\": [\"x\", \"\"], \"t\": [\"2026-11-23T10:00:00\", 1764000000000],"
                         " \"event_timestamp\": [\"2026-11-23 10:00:00.25+03:00\", \"2026-11-23\"],"
                         " \"created\": [null, 1764000000], \"more\": {}}",
                         &frame, &err),
              "%s", err.message);
    cr_assert_eq(frame.count, 2);
    cr_assert_str_eq(frame.rows[0].entity, "7\x1f"
                                           "a");
    cr_assert_str_eq(frame.rows[1].entity, "8\x1f"
                                           "17");
    const FeatureRow *one = &frame.rows[0].row, *two = &frame.rows[1].row;
    cr_assert_eq(one->event_timestamp, INT64_C(1795417200250000));
    cr_assert_eq(two->event_timestamp, INT64_C(1795392000000000));
    cr_assert_eq(one->created, INSTANT_NONE);
    cr_assert_eq(two->created, INT64_C(1764000000000000));
    cr_assert_eq(one->values[INT].integer, 5);
    cr_assert_eq(two->values[INT].integer, 2);
    cr_assert_eq(one->values[REAL].real, 1);
    cr_assert(isinf(two->values[REAL].real) && two->values[REAL].real < 0);
    cr_assert(one->values[BOOLEAN].boolean && !two->values[BOOLEAN].boolean);
    cr_assert_str_eq(one->values[TEXT].text, "x");
    cr_assert_eq(one->values[TIME].instant, INT64_C(1795428000000000));
    cr_assert_eq(two->values[TIME].instant, INT64_C(1764000000000000));
}

#define WITH(i, f, b, s, t)                                                                                            \
    "{\"geo\": [\"a\"], \"courier_id\": [7], \"event_timestamp\": [0], \"i\": [" i "], \"f\": [" f "], \"b\": [" b     \
    "], \"s\": [" s "], \"t\": [" t "]}"

Test(feast_frame, null_and_nan_are_null)
{
    FeastFrame frame;
    Error err;
    cr_assert(read_frame(WITH("null", "NaN", "null", "null", "NaN"), &frame, &err), "%s", err.message);
    for (size_t i = 0; i < 5; i++)
        cr_assert(frame.rows[0].row.values[i].null, "%zu", i);
    cr_assert(read_frame(WITH("NaN", "\"NaN\"", "true", "\"NaN\"", "null"), &frame, &err), "%s", err.message);
    cr_assert(frame.rows[0].row.values[INT].null);
    cr_assert(!frame.rows[0].row.values[REAL].null && isnan(frame.rows[0].row.values[REAL].real));
    cr_assert_str_eq(frame.rows[0].row.values[TEXT].text, "NaN");
}

static const struct {
    char json[40];
    Instant instant;
} times[] = {
    {"\"1970-01-02\"", INT64_C(86400000000)},
    {"\"1970-01-02T01:00:00Z\"", INT64_C(90000000000)},
    {"\"1970-01-02T01:00:00\"", INT64_C(90000000000)},
    {"\"1970-01-02T03:00:00+0200\"", INT64_C(90000000000)},
    {"\"1970-01-02T03:00:00+02\"", INT64_C(90000000000)},
    {"\"1970-01-02T00:00:00.000001\"", INT64_C(86400000001)},
    {"99999999999", INT64_MIN}, /* seconds beyond 2200 */
    {"1764000000", INT64_C(1764000000000000)},
    {"1764000000.0", INT64_C(1764000000000000)},
    {"1764000000123", INT64_C(1764000000123000)},
    {"1764000000123456", INT64_C(1764000000123456)},
    {"1764000000123456789", INT64_C(1764000000123456)},
    {"1764000000.5", INT64_MIN},
    {"-1", INT64_MIN},
    {"\"1764000000\"", INT64_MIN},
    {"\"not-a-date\"", INT64_MIN},
    {"\"2026-13-01T00:00:00\"", INT64_MIN},
    {"true", INT64_MIN},
};

Test(feast_frame, times)
{
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        char text[256];
        FeastFrame frame;
        Error err;
        snprintf(text, sizeof(text),
                 "{\"geo\": [\"a\"], \"courier_id\": [7], \"event_timestamp\": [%s], \"i\": [1], \"f\": [1],"
                 " \"b\": [null], \"s\": [null], \"t\": [null]}",
                 times[i].json);
        bool ok = read_frame(text, &frame, &err);
        cr_assert_eq(ok, times[i].instant != INT64_MIN, "%s", times[i].json);
        if (ok)
            cr_assert_eq(frame.rows[0].row.event_timestamp, times[i].instant, "%s is %lld", times[i].json,
                         (long long)frame.rows[0].row.event_timestamp);
        else
            cr_assert_not_null(strstr(err.message, "row 0, column event_timestamp"), "%s", err.message);
    }
}

static const struct {
    char frame[240];
    char words[64];
} bad[] = {
    {"[]", "df must be an object"},
    {"{}", "column courier_id is missing"},
    {"{\"courier_id\": 7}", "column courier_id must be a list"},
    {"{\"courier_id\": [7], \"geo\": []}", "column geo has 0 rows, but courier_id has 1"},
    {"{\"courier_id\": [7, \"x\"], \"geo\": [\"a\", \"b\"]}", "row 1, column courier_id: \"x\" is not an int64"},
    {"{\"courier_id\": [7], \"geo\": [null]}", "row 0, column geo: null is not a string"},
    {"{\"courier_id\": [7], \"geo\": [\"a\"]}", "column event_timestamp is missing"},
    {"{\"courier_id\": [7], \"geo\": [\"a\"], \"event_timestamp\": [null]}", "row 0, column event_timestamp: null"},
    {"{\"courier_id\": [7], \"geo\": [\"a\"], \"event_timestamp\": [0]}", "column i is missing"},
    {"{\"courier_id\": [7], \"geo\": [\"a\"], \"event_timestamp\": [0], \"created\": [\"x\"]}",
     "row 0, column created: \"x\" is not a timestamp"},
    {WITH("1.5", "1", "true", "\"s\"", "0"), "column i: 1.5 is not an int64"},
    {WITH("18446744073709551615", "1", "true", "\"s\"", "0"), "column i: 18446744073709551615 is not"},
    {WITH("true", "1", "true", "\"s\"", "0"), "column i: true is not an int64"},
    {WITH("1", "\"abc\"", "true", "\"s\"", "0"), "row 0, column f: \"abc\" is not a float64"},
    {WITH("1", "1", "2", "\"s\"", "0"), "column b: 2 is not a bool"},
    {WITH("1", "1", "true", "5", "0"), "column s: 5 is not a string"},
    {WITH("1", "1", "true", "\"a\\u0000b\"", "0"), "column s: \"a\\u0000b\" is not a string"},
    {WITH("1", "1", "true", "\"s\"", "[]"), "column t: [] is not a timestamp"},
    {WITH("1, 2", "1", "true", "\"s\"", "0"), "column i has 2 rows, but courier_id has 1"},
};

Test(feast_frame, what_is_wrong_is_named_by_row_and_column)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        FeastFrame frame;
        Error err = {0};
        cr_assert_not(read_frame(bad[i].frame, &frame, &err), "%s", bad[i].frame);
        cr_assert_eq(err.code, ERROR_UNPROCESSABLE);
        cr_assert_not_null(strstr(err.message, bad[i].words), "%s: %s", bad[i].frame, err.message);
    }
}

Test(feast_frame, too_many_rows)
{
    Buffer text;
    FeastFrame frame;
    Error err = {0};
    buffer_init(&text, 1 << 20);
    buffer_append_text(&text, "{\"courier_id\": [0");
    for (int i = 0; i < FEAST_FRAME_ROWS_MAX; i++)
        buffer_append_text(&text, ",1");
    buffer_append_text(&text, "]}");
    cr_assert_not(read_frame(text.data, &frame, &err));
    cr_assert_eq(err.code, ERROR_TOO_LARGE, "%s", err.message);
    buffer_fini(&text);
}

Test(feast_frame, newest_of_each_entity)
{
    static const char *const entities[] = {"b", "a", "b", "b", "a"};
    static const Instant at[] = {5, 1, 9, 9, 0};
    FeastFrameRow rows[5];
    FeastFrame frame = {.rows = rows, .count = 5};
    for (size_t i = 0; i < 5; i++)
        rows[i] = (FeastFrameRow){.entity = entities[i], .row = {.event_timestamp = at[i], .created = (Instant)i}};
    FeastFrame newest = feast_frame_newest(&frame, arena);
    cr_assert_eq(newest.count, 2);
    cr_assert_eq(newest.rows[0].row.created, 1);
    cr_assert_eq(newest.rows[1].row.created, 3, "of the same time the last");
}
