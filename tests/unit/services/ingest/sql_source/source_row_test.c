#include "services/ingest/sql_source/source_row.h"

#include <criterion/criterion.h>
#include <string.h>

static EntityColumn columns[] = {
    {.name = "id", .from = "no", .type = ENTITY_INTEGER, .key = true},
    {.name = "label", .from = "label", .type = ENTITY_TEXT},
    {.name = "price", .from = "price", .type = ENTITY_DECIMAL},
};
static const Entity thing = {
    .name = "thing", .from = "public.thing", .updated_at = "changed", .columns = columns, .columns_count = 3};
static const PgoutputColumn source[] = {
    {"no", 20, true},         {"label", 25, false}, {"price", 1700, false},
    {"changed", 1184, false}, {"more", 25, false},  {"flag", 16, false},
};

enum { SOURCE_COLUMNS = sizeof source / sizeof *source };

static const Instant committed = INT64_C(1780315200) * INSTANT_PER_SECOND;

static Arena *arena;
static SchemaDrift *drift;

static void begin(void)
{
    arena = arena_new();
    drift = schema_drift_new("company-sql");
}

static void end(void)
{
    schema_drift_free(drift);
    arena_free(arena);
}

TestSuite(source_row, .init = begin, .fini = end);

Test(source_row, puts_columns_where_the_mapping_says)
{
    const char *values[SOURCE_COLUMNS] = {"7", "a \"b\"", "1.50", "2026-05-01 10:00:00.5+00", "x", "t"};
    EntityChange change;
    RowMap *map = row_map_new(&thing, source, SOURCE_COLUMNS, arena);
    row_map_put(map, values, committed, arena, drift, &change);
    cr_assert_eq(change.kind, ENTITY_PUT);
    cr_assert_str_eq(change.row.values[0], "7");
    cr_assert_str_eq(change.row.values[1], "a \"b\"");
    cr_assert_str_eq(change.row.values[2], "1.50");
    cr_assert_eq(change.valid_from, INT64_C(1777629600500000), "when the row says it changed");
    cr_assert_str_eq(change.row.extra, "{\"more\":\"x\",\"flag\":true}");
    cr_assert_str_eq(change.original, "{\"no\":7,\"label\":\"a \\\"b\\\"\",\"price\":1.50,\"changed\":\"2026-05-01 "
                                      "10:00:00.5+00\",\"more\":\"x\",\"flag\":true}");
    cr_assert_null(change.problems);
    cr_assert_not(schema_drift_is_empty(drift), "two columns are not in the mapping");
}

Test(source_row, is_valid_from_the_commit_when_it_does_not_say)
{
    const char *values[SOURCE_COLUMNS] = {"7", NULL, NULL, NULL, NULL, NULL};
    EntityChange change;
    row_map_put(row_map_new(&thing, source, SOURCE_COLUMNS, arena), values, committed, arena, drift, &change);
    cr_assert_eq(change.valid_from, committed);
    cr_assert_null(change.row.values[1]);
    cr_assert_str_eq(change.row.extra, "{\"more\":null,\"flag\":null}");
}

Test(source_row, leaves_unchanged_values_as_they_are)
{
    const char *values[SOURCE_COLUMNS] = {"7", pgoutput_unchanged, "1", NULL, "x", "f"};
    EntityChange change;
    RowMap *map = row_map_new(&thing, source, SOURCE_COLUMNS, arena);
    row_map_put(map, values, committed, arena, drift, &change);
    cr_assert_eq(change.row.values[1], entity_value_unchanged);
    cr_assert(row_map_has_unchanged(map, values));
}

Test(source_row, deletes_by_key)
{
    const char *values[SOURCE_COLUMNS] = {"7", "a", NULL, NULL, NULL, NULL};
    EntityChange change;
    row_map_delete(row_map_new(&thing, source, SOURCE_COLUMNS, arena), values, committed, arena, &change);
    cr_assert_eq(change.kind, ENTITY_DELETE);
    cr_assert_str_eq(change.row.values[0], "7");
    cr_assert_null(change.row.values[1]);
    cr_assert_eq(change.valid_from, committed);
}

Test(source_row, compares_keys_only)
{
    RowMap *map = row_map_new(&thing, source, SOURCE_COLUMNS, arena);
    const char *a[SOURCE_COLUMNS] = {"7", "a"}, *b[SOURCE_COLUMNS] = {"7", "b"}, *c[SOURCE_COLUMNS] = {"8", "a"};
    cr_assert(row_map_same_key(map, a, b));
    cr_assert_not(row_map_same_key(map, a, c));
    cr_assert(row_map_identity_holds_key(map));
    PgoutputColumn other[] = {{"no", 20, false}, {"label", 25, true}};
    cr_assert_not(row_map_identity_holds_key(row_map_new(&thing, other, 2, arena)));
}

Test(source_row, a_column_that_is_gone_or_of_another_type_is_drift)
{
    static const PgoutputColumn good[] = {
        {"no", 23, true}, {"label", 1043, false}, {"price", 20, false}, {"changed", 1184, false}};
    static const PgoutputColumn less[] = {{"no", 20, true}, {"price", 1700, false}};
    static const PgoutputColumn other[] = {{"no", 20, true}, {"label", 25, false}, {"price", 25, false}};
    const char *values[] = {"7", "1", "2", NULL};
    EntityChange change;
    row_map_put(row_map_new(&thing, good, 4, arena), values, committed, arena, drift, &change);
    cr_assert(schema_drift_is_empty(drift));
    row_map_put(row_map_new(&thing, less, 2, arena), values, committed, arena, drift, &change);
    cr_assert_not(schema_drift_is_empty(drift));
    cr_assert_null(change.row.values[1]);
    schema_drift_free(drift);
    drift = schema_drift_new("company-sql");
    row_map_put(row_map_new(&thing, other, 3, arena), values, committed, arena, drift, &change);
    cr_assert_not(schema_drift_is_empty(drift));
    cr_assert_str_eq(change.row.values[2], "2", "whether it can be read is for the store to judge");
}

Test(source_row, times_are_what_postgres_writes_in_utc)
{
    cr_assert_eq(source_instant("2026-06-01 12:00:00+00"), committed);
    cr_assert_eq(source_instant("2026-06-01 12:00:00.000001"), committed + 1);
    cr_assert_eq(source_instant("infinity"), INSTANT_NONE);
    cr_assert_eq(source_instant("2026-06-01 12:00:00 BC+00 and more text"), INSTANT_NONE);
    cr_assert_eq(source_instant(""), INSTANT_NONE);
    cr_assert_eq(source_instant(NULL), INSTANT_NONE);
}
