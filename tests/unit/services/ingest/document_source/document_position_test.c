#include <criterion/criterion.h>
#include <string.h>
#include "services/ingest/document_source/document_position.h"

static Arena *arena;
static DocumentPosition position;
static const Instant now = INT64_C(1780315200) * INSTANT_PER_SECOND; /* 2026-06-01T12:00:00Z */

static void begin(void)
{
    arena = arena_new();
    document_position_init(&position);
}

static void end(void)
{
    document_position_fini(&position);
    arena_free(arena);
}

TestSuite(document_position, .init = begin, .fini = end);

/* A mark from extended JSON {"at", "id"}. */
static bson_t *mark_of(const char *json)
{
    bson_error_t failure;
    bson_t *mark = bson_new_from_json((const uint8_t *)json, -1, &failure);
    cr_assert_not_null(mark, "%s", failure.message);
    return mark;
}

static void advance(DocumentLane lane, const char *json)
{
    bson_t *mark = mark_of(json);
    document_position_advance(&position, lane, mark, now);
    bson_destroy(mark);
}

static void expect_filter(bson_t *filter, const char *json)
{
    char *text = bson_as_relaxed_extended_json(filter, NULL);
    cr_expect_str_eq(text, json, "%s", text);
    bson_free(text);
    bson_destroy(filter);
}

Test(document_position, is_the_same_after_it_was_kept)
{
    Error err;
    advance(LANE_DATE, "{\"at\":{\"$date\":\"2026-06-01T10:00:00Z\"},\"id\":{\"$oid\":\"5f43a1b2c3d4e5f601234567\"}}");
    advance(LANE_TEXT, "{\"at\":\"2026-06-01T10:00:00Z\",\"id\":\"a\\u00f1\"}");
    position.swept_at = now;
    position.mapping = 77;
    const char *text = document_position_format(&position, arena);
    DocumentPosition copy;
    document_position_init(&copy);
    cr_assert(document_position_parse(&copy, text, &err), "%s", err.message);
    cr_assert_str_eq(document_position_format(&copy, arena), text);
    cr_assert(copy.is_used[LANE_DATE] && copy.is_used[LANE_TEXT] && !copy.is_used[LANE_NUMBER]);
    cr_assert_eq(copy.swept_at, now);
    cr_assert_eq(copy.mapping, 77);
    cr_assert_eq(document_position_instant(&copy), INT64_C(1780308000000000));
    cr_assert(document_position_parse(&copy, NULL, &err));
    cr_assert_eq(document_position_instant(&copy), INSTANT_NONE);
    cr_assert_not(document_position_parse(&copy, "not JSON", &err));
    cr_assert_eq(err.code, ERROR_MALFORMED);
    document_position_fini(&copy);
}

Test(document_position, moves_forward_only_and_not_into_the_future)
{
    advance(LANE_DATE, "{\"at\":{\"$date\":\"2026-06-01T10:00:00Z\"},\"id\":1}");
    advance(LANE_DATE, "{\"at\":{\"$date\":\"2026-06-01T09:00:00Z\"},\"id\":2}");
    advance(LANE_DATE, "{\"at\":{\"$date\":\"2999-01-01T00:00:00Z\"},\"id\":3}");
    advance(LANE_DATE, "{\"at\":\"2026-06-01T11:00:00Z\",\"id\":4}");
    cr_assert_eq(document_position_instant(&position), INT64_C(1780308000000000));
}

Test(document_position, goes_on_after_the_last_document_midway)
{
    bson_t filter;
    advance(LANE_DATE, "{\"at\":{\"$date\":\"2026-06-01T10:00:00Z\"},\"id\":\"b\"}");
    cr_assert(document_position_is_midway(&position, LANE_DATE));
    document_filter_begin(&position, LANE_DATE, "u", 60, now, &filter);
    expect_filter(&filter,
                  "{ \"u\" : { \"$gte\" : { \"$date\" : \"2026-06-01T10:00:00Z\" }, \"$lte\" : { \"$date\" : "
                  "\"2026-06-01T12:05:00Z\" } }, \"$or\" : [ { \"u\" : { \"$gt\" : { \"$date\" : "
                  "\"2026-06-01T10:00:00Z\" } } }, { \"u\" : { \"$date\" : \"2026-06-01T10:00:00Z\" }, \"_id\" : { "
                  "\"$gt\" : \"b\" } }, { \"u\" : { \"$date\" : \"2026-06-01T10:00:00Z\" }, \"_id\" : { \"$type\" : [ "
                  "3, 5, 7, 8, 9, 17, 11 ] } } ] }");
    document_position_complete(&position, LANE_DATE);
    cr_assert_not(document_position_is_midway(&position, LANE_DATE));
    document_filter_begin(&position, LANE_DATE, "u", 60, now, &filter);
    expect_filter(&filter, "{ \"u\" : { \"$gte\" : { \"$date\" : \"2026-06-01T09:59:00Z\" }, \"$lte\" : { \"$date\" : "
                           "\"2026-06-01T12:05:00Z\" } } }");
}

Test(document_position, an_id_that_text_cannot_keep_is_read_again)
{
    bson_t mark = BSON_INITIALIZER;
    bson_append_date_time(&mark, "at", -1, 1780308000000);
    bson_append_utf8(&mark, "id", -1, "\xc3\x28", 2);
    document_position_advance(&position, LANE_DATE, &mark, now);
    bson_destroy(&mark);
    cr_assert_not(document_position_is_midway(&position, LANE_DATE));
    cr_assert_str_eq(document_position_format(&position, arena),
                     "{ \"date\" : { \"at\" : { \"$date\" : { \"$numberLong\" : \"1780308000000\" } } } }");
}

Test(document_position, numbers_and_texts_are_asked_for_as_they_are_written)
{
    bson_t filter;
    advance(LANE_NUMBER, "{\"at\":1780308000}");
    document_filter_begin(&position, LANE_NUMBER, "u", 60, now, &filter);
    expect_filter(&filter, "{ \"u\" : { \"$gte\" : 1780307940.0, \"$lte\" : 1780315500.0 } }");
    advance(LANE_NUMBER, "{\"at\":{\"$numberLong\":\"1780308001000\"}}");
    document_filter_begin(&position, LANE_NUMBER, "u", 60, now, &filter);
    expect_filter(&filter, "{ \"u\" : { \"$gte\" : 1780307941000.0, \"$lte\" : 1780315500000.0 } }");
    advance(LANE_TEXT, "{\"at\":\"2026-06-01 10:00:00Z\"}");
    document_filter_begin(&position, LANE_TEXT, "u", 60, now, &filter);
    expect_filter(&filter, "{ \"u\" : { \"$gte\" : \"2026-06-01 09:59:00\", \"$lte\" : \"2026-06-02 14:05:00\" } }");
    advance(LANE_TEXT, "{\"at\":\"2026-06-01T08:00:00-03:00\"}");
    document_filter_begin(&position, LANE_TEXT, "u", 60, now, &filter);
    expect_filter(&filter, "{ \"u\" : { \"$gte\" : \"2026-05-31T08:59:00\", \"$lte\" : \"2026-06-02T14:05:00\" } }");
}

Test(document_position, other_values_order_nothing)
{
    static const char *const values[] = {"{\"u\":\"yesterday\"}", "{\"u\":true}", "{\"u\":null}",
                                         "{\"u\":{\"$numberDouble\":\"NaN\"}}",
                                         "{\"u\":{\"$numberLong\":\"9223372036854775807\"}}"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        bson_t *document = mark_of(values[i]);
        bson_iter_t value;
        DocumentLane lane;
        Instant instant;
        bson_iter_init_find(&value, document, "u");
        cr_expect_not(document_lane_of(&value, &lane, &instant), "%s", values[i]);
        bson_destroy(document);
    }
}
