#include <criterion/criterion.h>
#include "tests/integration/services/ingest/entities/entity_fixture.h"

TestSuite(entity_store, .init = entity_fixture_begin, .fini = entity_fixture_end);

#define DAY_1 "2026-06-01T00:00:00Z"
#define DAY_2 "2026-06-02T00:00:00Z"
#define DAY_3 "2026-06-03T00:00:00Z"

static int64_t count_rows(const char *table)
{
    return ingest_database_number("SELECT count(*) FROM %s", table);
}

Test(entity_store, records_present_state_and_history)
{
    entity_put("person", DAY_1, "p1", "Ana", "Rosario", "30");
    entity_put("person", DAY_1, "p2", "Luis", "Funes", NULL);
    EntityResult result = entity_apply();
    cr_assert_eq(result.recorded, 2);
    cr_assert_eq(result.batch_id, ingest_database_number("SELECT batch_id FROM raw.batch WHERE commit_seq = %lld",
                                                         (long long)result.commit_seq));
    entity_put("person", DAY_2, "p1", "Ana", "Funes", "30");
    entity_delete("person", DAY_2, "p2");
    cr_assert_eq(entity_apply().recorded, 2);
    cr_assert_str_eq(entity_text("SELECT string_agg(concat_ws(' ', person_id, city, age), ',') FROM core.person"),
                     "p1 Funes 30");
    cr_assert_str_eq(entity_text("SELECT string_agg(concat_ws(' ', person_id, city, deleted), ',' ORDER BY person_id,"
                                 " batch_id) FROM core.person_history"),
                     "p1 Rosario f,p1 Funes f,p2 Funes f,p2 t");
    cr_assert_str_eq(entity_text("SELECT string_agg(person_id || name, ',') FROM personal.person"), "p1Ana");
    cr_assert_str_eq(
        entity_text("SELECT string_agg(concat_ws(' ', valid_from::date, valid_to::date, deleted), ',' ORDER BY"
                    " valid_from) FROM warehouse.person_history WHERE person_id = 'p2'"),
        "2026-06-01 2026-06-02 f,2026-06-02 t");
}

Test(entity_store, an_equal_change_is_not_recorded_again)
{
    entity_put("person", DAY_1, "p1", "Ana", "Rosario", "30");
    int64_t first = entity_apply().batch_id;
    entity_put("person", DAY_2, "p1", "Ana", "Rosario", "30");
    entity_delete("person", DAY_2, "nobody");
    EntityResult result = entity_apply();
    cr_assert_eq(result.batch_id, 0);
    cr_assert_eq(result.commit_seq, 0);
    cr_assert_eq(result.unchanged, 2);
    cr_assert_eq(count_rows("core.person_history"), 1);
    cr_assert_eq(count_rows("raw.batch"), 1);
    cr_assert_eq(ingest_database_number("SELECT batch_id FROM raw.source_position WHERE position = '2'"), first);
}

Test(entity_store, several_changes_of_a_thing_in_a_batch_keep_their_order)
{
    entity_put("person", DAY_1, "p1", "Ana", "A", "1");
    entity_put("person", DAY_1, "p1", "Ana", "A", "1");
    entity_put("person", DAY_2, "p1", "Ana", "B", "2");
    entity_delete("person", DAY_2, "p1");
    entity_put("person", DAY_3, "p1", "Ana Maria", "A", "1");
    EntityResult result = entity_apply();
    cr_assert_eq(result.recorded, 4);
    cr_assert_eq(result.unchanged, 1);
    cr_assert_str_eq(entity_text("SELECT string_agg(concat(city, deleted), ',' ORDER BY change_no)"
                                 " FROM core.person_history"),
                     "Af,Bf,t,Af");
    cr_assert_str_eq(entity_text("SELECT city FROM core.person"), "A");
    cr_assert_str_eq(entity_text("SELECT name FROM personal.person"), "Ana Maria");
}

Test(entity_store, personal_data_alone_is_recorded_without_history)
{
    entity_put("person", DAY_1, "p1", "Ana", "A", "1");
    entity_apply();
    entity_put("person", DAY_2, "p1", "Ana Maria", "A", "1");
    cr_assert_eq(entity_apply().recorded, 1);
    cr_assert_eq(count_rows("core.person_history"), 1);
    cr_assert_str_eq(entity_text("SELECT name FROM personal.person"), "Ana Maria");
}

Test(entity_store, a_position_that_is_not_the_expected_one_is_refused)
{
    Error err;
    EntityResult result;
    entity_put("person", DAY_1, "p1", "Ana", "A", "1");
    EntityBatch batch = {.source = "test",
                         .stream = "all",
                         .expected_position = "7",
                         .position = "8",
                         .changes = entity_fixture.changes,
                         .count = 1};
    cr_assert_not(entity_store_apply(ingest_database.connection, &batch, NULL, NULL, NULL, &result, &err));
    cr_assert_eq(err.code, ERROR_CONFLICT);
    cr_assert_eq(count_rows("core.person"), 0);
    entity_apply();
    batch.expected_position = NULL;
    cr_assert_not(entity_store_apply(ingest_database.connection, &batch, NULL, NULL, NULL, &result, &err));
    cr_assert_eq(err.code, ERROR_CONFLICT);
    const char *position;
    cr_assert(entity_store_position(ingest_database.connection, "test", "all", entity_fixture.arena, &position, &err));
    cr_assert_str_eq(position, "1");
    cr_assert(
        entity_store_position(ingest_database.connection, "test", "other", entity_fixture.arena, &position, &err));
    cr_assert_null(position);
}

Test(entity_store, children_are_replaced_as_a_whole)
{
    entity_items(entity_put("branch", DAY_1, "b1", NULL, NULL), "0", "08:00", "1", "09:00", "2", "10:00", NULL);
    cr_assert_eq(entity_apply().recorded, 1);
    cr_assert_eq(count_rows("core.opening"), 3);
    entity_items(entity_put("branch", DAY_2, "b1", NULL, NULL), "0", "08:00", "1", "11:00", NULL);
    cr_assert_eq(entity_apply().recorded, 1);
    cr_assert_eq(count_rows("core.branch_history"), 1);
    cr_assert_str_eq(entity_text("SELECT string_agg(concat_ws(' ', position, open_at, deleted), ',' ORDER BY position,"
                                 " batch_id) FROM core.opening_history"),
                     "0 08:00 f,1 09:00 f,1 11:00 f,2 10:00 f,2 t");
    cr_assert_eq(count_rows("core.opening"), 2);
    entity_put("branch", DAY_2, "b1", "1", "2");
    entity_apply();
    cr_assert_eq(count_rows("core.opening"), 2, "not sent: as they were");
    entity_delete("branch", DAY_3, "b1");
    entity_items(entity_put("branch", DAY_3, "b1", NULL, NULL), "5", "12:00", NULL);
    entity_delete("branch", DAY_3, "b1");
    entity_apply();
    cr_assert_eq(count_rows("core.opening"), 0);
    cr_assert_eq(count_rows("core.opening_history WHERE deleted AND batch_id = (SELECT max(batch_id) FROM raw.batch)"),
                 3);
}

Test(entity_store, values_that_were_not_sent_stay)
{
    entity_put("person", DAY_1, "p1", "Ana", "Rosario", "30");
    entity_apply();
    entity_put("person", DAY_2, "p1", entity_value_unchanged, entity_value_unchanged, "31");
    entity_put("person", DAY_2, "p1", entity_value_unchanged, "Funes", entity_value_unchanged);
    entity_put("person", DAY_2, "new", "Eva", entity_value_unchanged, "1");
    EntityResult result = entity_apply();
    cr_assert_eq(result.recorded, 2);
    cr_assert_eq(result.quarantined, 1);
    cr_assert_str_eq(entity_text("SELECT string_agg(concat_ws(' ', city, age), ',' ORDER BY batch_id, change_no)"
                                 " FROM core.person_history"),
                     "Rosario 30,Rosario 31,Funes 31");
    cr_assert_str_eq(entity_text("SELECT name FROM personal.person"), "Ana");
    cr_assert_str_eq(entity_text("SELECT rule FROM raw.quarantine"), "unknown_value");
}
