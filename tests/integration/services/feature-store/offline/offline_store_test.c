#include "services/feature-store/offline/offline_store.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/arrow_table.h"
#include "services/feature-store/offline/offline_export.h"
#include "services/feature-store/registry/view_registry.h"
#include "tests/integration/services/feature-store/feature_store_fixture.h"

#define FEATURE(name, type) "{\"name\": \"" name "\", \"type\": \"" type "\", \"description\": \"d\"}"

static const char *const declarations[] = {
    "{\"name\": \"runner\", \"version\": 1, \"description\": \"d\", \"owner\": \"o\", \"ttl_s\": 60,"
    " \"entities\": [{\"name\": \"driver\", \"join_key\": \"driver\", \"type\": \"int64\"},"
    "                {\"name\": \"zone\", \"join_key\": \"zone\"}],"
    " \"features\": [" FEATURE("order", "int64") "," FEATURE("load", "float64") "," FEATURE(
        "busy",
        "bool") ","
                "  {\"name\": \"shift\", \"type\": \"string\", \"description\": \"\", \"online_only\": true}," FEATURE(
                    "note", "string") "," FEATURE("seen", "timestamp") "]}",
    "{\"name\": \"moment\", \"version\": 1, \"description\": \"d\", \"owner\": \"o\", \"ttl_s\": 0,"
    " \"source\": {\"kind\": \"on_demand\"}, \"entity\": {\"name\": \"driver\", \"join_key\": \"driver\"},"
    " \"features\": [" FEATURE("a", "int64") "]}",
};
enum { FEATURES = 6 };

static FeatureViews views;

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

TestSuite(offline_store, .init = set_up, .fini = tear_down);

static Instant at(const char *text)
{
    Instant instant;
    Error err;
    cr_assert(instant_parse(text, &instant, &err), "%s", err.message);
    return instant;
}

static int64_t append(const OfflineRow *rows, size_t count)
{
    int64_t seq = -1;
    Error err;
    cr_assert(offline_store_append(fixture_connection(), &views.items[0], rows, count, &seq, &err), "%s", err.message);
    return seq;
}

static int64_t number(const char *sql)
{
    PG_RESULT_SCOPED PGresult *result = NULL;
    Error err;
    cr_assert(pg_query(fixture_connection(), sql, PG_PARAMS(), &result, &err), "%s", err.message);
    return pg_get_int(result, 0, 0);
}

static char *export_rows(TableFormat format, const char *entity, int64_t since, size_t *ret_length)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, ret_length);
    FeatureProgress progress;
    Error err;
    ExportRequest request = {
        .view = &views.items[0],
        .features = (int[]){0, 1, 2, 4, 5},
        .features_count = 5,
        .to = at("2199-01-01T00:00:00Z"),
        .recorded_since = since,
        .entity = entity,
    };
    cr_assert(offline_export_write(fixture_connection(), &request, format, out, &progress, &err), "%s", err.message);
    fclose(out);
    return text;
}

#define ENTITY_A                                                                                                       \
    "7\x1f"                                                                                                            \
    "nor,th"
#define ENTITY_B                                                                                                       \
    "-8\x1f"                                                                                                           \
    "{\"\\}"

static FeatureValue *values_of(int64_t order)
{
    static FeatureValue values[8][FEATURES];
    FeatureValue *row = values[order % 8];
    row[0] = (FeatureValue){.integer = order};
    row[1] = (FeatureValue){.real = 0.1};
    row[2] = (FeatureValue){.boolean = true};
    row[3] = (FeatureValue){.text = "day"};
    row[4] = (FeatureValue){.text = "caf\xc3\xa9 \"x\""};
    row[5] = (FeatureValue){.instant = at("2026-11-01T00:00:00.5Z")};
    return row;
}

Test(offline_store, values_of_all_types_come_back)
{
    static FeatureValue nulls[FEATURES];
    size_t length = 0;
    for (int i = 0; i < FEATURES; i++)
        nulls[i].null = true;
    OfflineRow rows[] = {
        {ENTITY_A, {at("2026-11-01T10:00:00.25Z"), INSTANT_NONE, values_of(1)}},
        {ENTITY_B, {at("2026-10-01T10:00:00Z"), at("2026-10-05T00:00:00Z"), nulls}},
        {ENTITY_A, {at("1999-01-01T00:00:00Z"), INSTANT_NONE, values_of(2)}},
    };
    cr_assert_eq(append(rows, 3), 1);
    char *text = export_rows(TABLE_CSV, NULL, 0, &length);
    cr_assert_str_eq(text, "driver,zone,event_timestamp,order,load,busy,note,seen\n"
                           "7,\"nor,th\",1999-01-01T00:00:00Z,2,0.10000000000000001,true,\"caf\xc3\xa9 \"\"x\"\"\","
                           "2026-11-01T00:00:00.5Z\n"
                           "-8,\"{\"\"\\}\",2026-10-01T10:00:00Z,,,,,\n"
                           "7,\"nor,th\",2026-11-01T10:00:00.25Z,1,0.10000000000000001,true,\"caf\xc3\xa9 \"\"x\"\"\","
                           "2026-11-01T00:00:00.5Z\n");
    free(text);
    text = export_rows(TABLE_CSV, ENTITY_B, 0, &length);
    cr_assert_eq(fixture_lines(text), 2);
    free(text);
    cr_assert_eq(number("SELECT count(*) FROM features.runner_v1 WHERE recorded_at = '2026-10-05T00:00Z'"), 1,
                 "recorded when the row says");
    cr_assert_eq(number("SELECT count(*) FROM features.runner_v1 WHERE recorded_at > now() - interval '1 minute'"), 2);
    cr_assert_eq(number("SELECT count(*) FROM pg_inherits WHERE inhparent = 'features.runner_v1'::regclass"), 3,
                 "only the months there are");
}

Test(offline_store, arrow_has_the_types_of_the_features)
{
    static const ArrowColumn columns[] = {
        {"driver", ARROW_COLUMN_INT, false},
        {"zone", ARROW_COLUMN_TEXT, false},
        {"event_timestamp", ARROW_COLUMN_INSTANT, false},
        {"order", ARROW_COLUMN_INT, true},
        {"load", ARROW_COLUMN_REAL, true},
        {"busy", ARROW_COLUMN_BOOL, true},
        {"note", ARROW_COLUMN_TEXT, true},
        {"seen", ARROW_COLUMN_INSTANT, true},
    };
    size_t length = 0;
    Arena *arena = arena_new();
    ArrowTable *table = NULL;
    Error err;
    append(&(OfflineRow){ENTITY_A, {at("2026-11-01T10:00:00Z"), INSTANT_NONE, values_of(1)}}, 1);
    char *bytes = export_rows(TABLE_ARROW, NULL, 0, &length);
    cr_assert(arrow_table_read(bytes, length, columns, 8, arena, &table, &err), "%s", err.message);
    cr_assert_eq(table->rows, 1);
    cr_assert_eq(arrow_get_int(table, 0, 0), 7);
    cr_assert_str_eq(arrow_get_text(table, 0, 1), "nor,th");
    cr_assert_eq(arrow_get_int(table, 0, 2), at("2026-11-01T10:00:00Z"));
    cr_assert_eq(arrow_get_int(table, 0, 5), 1);
    cr_assert_eq(arrow_get_int(table, 0, 7), at("2026-11-01T00:00:00.5Z"));
    arena_free(arena);
    free(bytes);
}

Test(offline_store, a_batch_twice_is_a_batch_once_and_corrections_are_added)
{
    Instant hour = at("2026-11-01T10:00:00Z");
    OfflineRow rows[] = {
        {ENTITY_A, {hour, INSTANT_NONE, values_of(1)}},
        {ENTITY_B, {hour, INSTANT_NONE, values_of(2)}},
    };
    size_t length = 0;
    cr_assert_eq(append(rows, 2), 1);
    cr_assert_eq(append(rows, 2), 1, "nothing new: the last number");
    cr_assert_eq(number("SELECT count(*) FROM features.runner_v1"), 2);
    rows[1].row.values = values_of(3);
    cr_assert_eq(append(rows, 2), 2);
    cr_assert_eq(number("SELECT count(*) FROM features.runner_v1"), 3, "what was recorded stays");
    char *text = export_rows(TABLE_CSV, NULL, 1, &length);
    cr_assert_not_null(strstr(text, "10:00:00Z,3,"));
    cr_assert_eq(fixture_lines(text), 2);
    free(text);
    rows[1].row.values = values_of(2);
    cr_assert_eq(append(rows, 2), 3, "back to an older value is new again");
    cr_assert_eq(number("SELECT recorded_seq FROM features.progress WHERE feature_view = 'runner_v1'"), 3);
    cr_assert_eq(number("SELECT count(*) FROM features.entity WHERE kind = 'driver,zone'"), 2);
}

Test(offline_store, of_the_same_moment_the_last_counts)
{
    Instant hour = at("2026-11-01T10:00:00Z");
    OfflineRow rows[] = {
        {ENTITY_A, {hour, INSTANT_NONE, values_of(1)}},
        {ENTITY_A, {hour, INSTANT_NONE, values_of(2)}},
        {ENTITY_A, {hour + 1, INSTANT_NONE, values_of(3)}},
    };
    cr_assert_eq(append(rows, 3), 1);
    cr_assert_eq(number("SELECT sum(\"order\")::bigint FROM features.runner_v1"), 2 + 3);
}

Test(offline_store, bad_rows_store_nothing)
{
    static char longest[FEATURE_TEXT_MAX + 2];
    memset(longest, 'x', FEATURE_TEXT_MAX + 1);
    Instant hour = at("2026-11-01T10:00:00Z");
    FeatureValue *wrong = values_of(7), *invalid = values_of(6);
    wrong[4].text = longest;
    invalid[5].instant = INSTANT_NONE;
    const OfflineRow bad[] = {
        {ENTITY_A, {INSTANT_NONE, INSTANT_NONE, values_of(1)}},
        {ENTITY_A, {-1, INSTANT_NONE, values_of(1)}},
        {ENTITY_A, {hour, INT64_MAX, values_of(1)}},
        {longest, {hour, INSTANT_NONE, values_of(1)}},
        {ENTITY_A, {hour, INSTANT_NONE, wrong}},
        {ENTITY_A, {hour, INSTANT_NONE, invalid}},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        OfflineRow rows[] = {{ENTITY_B, {hour, INSTANT_NONE, values_of(1)}}, bad[i]};
        int64_t seq = -1;
        Error err;
        cr_assert_not(offline_store_append(fixture_connection(), &views.items[0], rows, 2, &seq, &err), "%zu", i);
        cr_assert_eq(err.code, ERROR_UNPROCESSABLE);
        cr_assert_not_null(strstr(err.message, "row 1"), "%s", err.message);
    }
    cr_assert_eq(number("SELECT count(*) FROM features.runner_v1"), 0);
    int64_t seq = -1;
    Error err;
    cr_assert_not(offline_store_append(fixture_connection(), &views.items[1], NULL, 0, &seq, &err));
    cr_assert_eq(err.code, ERROR_UNPROCESSABLE);
}

/* More than a page of rows, some there already; NaN equals itself. */
Test(offline_store, large_batches_come_whole)
{
    enum { ROWS = 25000 };
    Arena *arena = arena_new();
    OfflineRow *rows = arena_array(arena, ROWS, sizeof(*rows));
    FeatureValue *values = arena_array(arena, ROWS * FEATURES, sizeof(*values));
    for (int i = 0; i < ROWS; i++) {
        FeatureValue *row = &values[i * FEATURES];
        memcpy(row, values_of(1), FEATURES * sizeof(*row));
        row[0].integer = i;
        row[1].real = i % 2 == 0 ? NAN : INFINITY;
        rows[i] = (OfflineRow){arena_printf(arena, "%d\x1fzone-%d", i % 5000, i % 7),
                               {at("2026-11-01T10:00:00Z") + i / 5000 * INSTANT_PER_HOUR, INSTANT_NONE, row}};
    }
    cr_assert_eq(append(rows, ROWS / 2), 1);
    cr_assert_eq(append(rows, ROWS), 2);
    cr_assert_eq(append(rows, ROWS), 2);
    cr_assert_eq(number("SELECT count(*) FROM features.runner_v1"), ROWS);
    cr_assert_eq(number("SELECT count(DISTINCT \"order\") FROM features.runner_v1"), ROWS);
    arena_free(arena);
}
