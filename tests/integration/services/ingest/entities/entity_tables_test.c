#include <criterion/criterion.h>
#include <string.h>
#include "tests/integration/services/ingest/entities/entity_fixture.h"

TestSuite(entity_tables, .init = entity_fixture_begin, .fini = entity_fixture_end);

static bool ensure(EntityMapping mapping, Error *err)
{
    return entity_tables_ensure(ingest_database.connection, &mapping, err);
}

Test(entity_tables, every_table_view_and_column_has_a_comment)
{
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM core.person_history"), 0);
    cr_assert_str_eq(
        entity_text("SELECT coalesce(string_agg(c.oid::regclass || '.' || a.attname, ', '), 'all')"
                    " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT attisdropped"
                    " WHERE c.relnamespace IN ('core'::regnamespace, 'personal'::regnamespace,"
                    " 'warehouse'::regnamespace, 'raw'::regnamespace) AND c.relkind IN ('r', 'v', 'p')"
                    " AND c.relname NOT IN ('schema_migration') AND c.relname NOT LIKE 'batch_payload_%%'"
                    " AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid, 'pg_class') IS NULL)"),
        "all");
}

Test(entity_tables, views_show_no_personal_data)
{
    cr_assert_eq(
        ingest_database_number("SELECT count(*) FROM information_schema.columns WHERE table_schema = 'warehouse'"
                               " AND table_name LIKE 'person%%' AND column_name IN ('name', 'extra')"),
        0);
    cr_assert_str_eq(entity_text("SELECT string_agg(column_name, ',' ORDER BY ordinal_position)"
                                 " FROM information_schema.columns WHERE table_schema = 'warehouse'"
                                 " AND table_name = 'person_history'"),
                     "person_id,valid_from,valid_to,commit_seq,change_no,recorded_at,deleted,city,age");
}

Test(entity_tables, rows_refer_to_their_batch_and_parts_to_their_whole)
{
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid ="
                                        " 'core.person'::regclass"
                                        " AND confrelid = 'raw.batch'::regclass"),
                 1);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid ="
                                        " 'core.opening'::regclass AND confrelid = 'core.branch'::regclass"
                                        " AND confdeltype = 'c'"),
                 1);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid ="
                                        " 'personal.person'::regclass AND confrelid = 'core.person'::regclass"
                                        " AND confdeltype = 'c'"),
                 1);
}

Test(entity_tables, a_new_column_and_a_new_entity_extend)
{
    Error err;
    entity_put("person", NULL, "p1", "Ana", "A", "1");
    entity_apply();
    EntityMapping more = entity_fixture_mapping(
        "{\"name\": \"city\"",
        "{\"name\": \"phone\", \"type\": \"text\", \"personal\": true, \"description\": \"Phone\"},"
        "{\"name\": \"score\", \"type\": \"real\", \"description\": \"Score\"},{\"name\": \"city\"");
    cr_assert(ensure(more, &err), "%s", err.message);
    cr_assert(ensure(more, &err), "%s", err.message);
    entity_fixture.mapping = more;
    entity_put("person", NULL, "p1", "Ana", "123", "0.5", "A", "1");
    cr_assert_eq(entity_apply().recorded, 1);
    cr_assert_str_eq(entity_text("SELECT city || age || score FROM warehouse.person"), "A10.5");
    cr_assert_str_eq(entity_text("SELECT phone FROM personal.person"), "123");
    cr_assert_str_eq(entity_text("SELECT col_description('warehouse.person'::regclass, attnum) FROM pg_attribute"
                                 " WHERE attrelid = 'warehouse.person'::regclass AND attname = 'score'"),
                     "Score");
    cr_assert(ensure(entity_fixture_mapping("\"bill\"", "\"other_bill\""), &err), "%s", err.message);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM warehouse.other_bill"), 0);
}

static void check_conflict(const char *replaced, const char *by, const char *message)
{
    Error err = {0};
    cr_assert_not(ensure(entity_fixture_mapping(replaced, by), &err), "%s", by);
    cr_assert_eq(err.code, ERROR_CONFLICT, "%s", err.message);
    cr_assert(strstr(err.message, message), "%s", err.message);
}

Test(entity_tables, what_does_not_fit_is_a_conflict)
{
    Error err;
    check_conflict("\"age\", \"type\": \"integer\"", "\"age\", \"type\": \"text\"",
                   "its column age is of type bigint, not text");
    check_conflict("\"person_id\", \"type\": \"text\", \"references\"",
                   "\"person_id\", \"key\": true, \"type\": \"text\", \"references\"", "its key is another");
    check_conflict("\"age\", \"type\": \"integer\"", "\"age\", \"personal\": true, \"type\": \"integer\"",
                   "its column age can't become or cease to be personal");
    check_conflict("\"name\", \"type\": \"text\", \"personal\": true", "\"name\", \"type\": \"text\"",
                   "its column name can't become or cease to be personal");
    check_conflict("\"bill\"", "\"geo\"", "core.geo, which is there already: it is one of Rushcast's own");
    check_conflict("\"source\": \"test\"", "\"source\": \"other\"", "it belongs to the source test");
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM pg_class WHERE relname = 'geo_history'"), 0);
    cr_assert(ensure(entity_fixture.mapping, &err), "%s", err.message);
}

Test(entity_tables, the_mappings_that_ship_with_the_program_can_be_made)
{
    Error err;
    EntityMapping sql, documents;
    cr_assert(pg_command(ingest_database.connection,
                         "DROP TABLE core.branch CASCADE; DROP TABLE core.branch_history CASCADE;"
                         " DELETE FROM raw.entity WHERE entity = 'opening' OR entity = 'branch'",
                         &err),
              "%s", err.message);
    cr_assert(entity_mapping_load("", entity_mapping_company_sql, "company-sql.json", entity_fixture.arena, &sql, &err),
              "%s", err.message);
    cr_assert(entity_mapping_load("", entity_mapping_company_documents, "company-documents.json", entity_fixture.arena,
                                  &documents, &err),
              "%s", err.message);
    cr_assert(ensure(sql, &err), "%s", err.message);
    cr_assert(ensure(documents, &err), "%s", err.message);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.entity WHERE source LIKE 'company-%%'"), 9);
}

Test(entity_tables, as_of_answers_what_was_known_and_held_then)
{
    entity_put("person", "2026-06-01T00:00:00Z", "p1", "Ana", "A", "1");
    int64_t first = entity_apply().commit_seq;
    entity_put("person", "2026-06-10T00:00:00Z", "p1", "Ana", "B", "1");
    int64_t second = entity_apply().commit_seq;
    entity_put("person", "2026-06-05T00:00:00Z", "p1", "Ana", "C", "1");
    int64_t third = entity_apply().commit_seq;
    entity_delete("person", "2026-06-20T00:00:00Z", "p1");
    int64_t last = entity_apply().commit_seq;
    const struct {
        int64_t as_of;
        const char *at, *city;
    } questions[] = {
        {first, "2026-06-15", "A"},  {second, "2026-06-15", "B"}, {second, "2026-06-07", "A"},
        {third, "2026-06-07", "C"},  {third, "2026-06-15", "C"},  {third, "2026-06-02", "A"},
        {third, "2026-05-31", "no"}, {last, "2026-06-21", "no"},  {last, "2026-06-19", "C"},
    };
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
        cr_assert_str_eq(entity_text("SELECT coalesce(min(city), 'no') FROM warehouse.person_as_of(%lld, '%s')",
                                     (long long)questions[i].as_of, questions[i].at),
                         questions[i].city, "question %zu", i);
    cr_assert_str_eq(
        entity_text("SELECT string_agg(concat_ws(' ', city, valid_from::date, valid_to::date), ',' ORDER BY"
                    " commit_seq) FROM warehouse.person_history"),
        "A 2026-06-01 2026-06-05,B 2026-06-10 2026-06-05,C 2026-06-05 2026-06-20,2026-06-20");
}
