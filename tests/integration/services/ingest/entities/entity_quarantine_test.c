#include <criterion/criterion.h>
#include <string.h>
#include "tests/integration/services/ingest/entities/entity_fixture.h"

TestSuite(entity_quarantine, .init = entity_fixture_begin, .fini = entity_fixture_end);

#define DAY_1 "2026-06-01T00:00:00Z"
#define DAY_2 "2026-06-02T00:00:00Z"

static int64_t count_open(void)
{
    return ingest_database_number("SELECT count(*) FROM raw.quarantine WHERE resolved_at IS NULL");
}

Test(entity_quarantine, takes_what_breaks_a_rule_and_the_rest_goes_on)
{
    entity_put("person", DAY_1, "p1", "Ana", "A", "1");
    entity_put("person", DAY_1, "p2", "Ana", NULL, "1");
    entity_put("person", DAY_1, "p3", "Ana", "A", "99999999999999999999");
    entity_put("person", DAY_1, NULL, "Ana", "A", "1");
    entity_put("person", DAY_1, "p4", "\xff", "A", "1");
    entity_put("person", DAY_1, "p5", "Ana", "A", "1")->problems = "age: an object is no number";
    entity_put("person", DAY_1, "p6", "Ana", "A", "1")->row.extra = "{\"a\":\"\\u0000\"}";
    entity_put("bill", DAY_1, "1", "p1", "-0.01", NULL);
    entity_put("bill", DAY_1, "2", "p1", "1", "2026-02-30 10:00:00+00");
    entity_put("bill", DAY_1, "3", "p1", "1", "2026-02-28 10:00:00.5+00");
    entity_items(entity_put("branch", DAY_1, "b1", NULL, NULL), "0", "08:00", "7", "09:00", NULL);
    entity_put("branch", DAY_1, "b2", "90.5", NULL);
    EntityResult result = entity_apply();
    cr_assert_eq(result.recorded, 2);
    cr_assert_eq(result.quarantined, 10);
    cr_assert_eq(count_open(), 10);
    cr_assert_str_eq(
        entity_text("SELECT string_agg(entity || coalesce(key->>0, '-') || ' ' || rule, ',' ORDER BY quarantine_id)"
                    " FROM raw.quarantine"),
        "personp2 required,personp3 unreadable,person- required,personp4 unreadable,personp5 unreadable,"
        "personp6 unreadable,bill1 range,bill2 unreadable,branchb1 range,branchb2 range");
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.quarantine WHERE original = '{\"as\":\"received\"}'"),
                 10);
    cr_assert_str_eq(entity_text("SELECT messages || ' ' || events || ' ' || dead_letters FROM raw.batch"), "12 2 10");
    cr_assert_str_eq(entity_text("SELECT detail FROM raw.quarantine WHERE key->>0 = 'b1'"),
                     "opening 1: day: \"7\" is more than 6");
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM core.branch"), 0);
}

Test(entity_quarantine, the_same_again_is_not_quarantined_again)
{
    for (int i = 0; i < 2; i++) {
        entity_put("person", DAY_1, "p2", "Ana", NULL, "1");
        entity_put("person", DAY_1, NULL, "Ana", "A", "1");
        EntityResult result = entity_apply();
        cr_assert_eq(result.quarantined, i == 0 ? 2 : 0);
        cr_assert_eq(result.unchanged, i == 0 ? 0 : 2);
    }
    cr_assert_eq(count_open(), 2);
}

Test(entity_quarantine, a_newer_good_version_resolves_it)
{
    entity_put("person", DAY_1, "p1", "Ana", NULL, "1");
    entity_apply();
    entity_put("person", DAY_2, "p1", "Ana", "A", "1");
    cr_assert_eq(entity_apply().recorded, 1);
    cr_assert_eq(count_open(), 0);
    cr_assert_str_eq(entity_text("SELECT resolution FROM raw.quarantine"), "superseded");
    entity_put("person", DAY_2, "p1", "Ana", NULL, "2");
    entity_put("person", DAY_2, "p1", "Ana", "A", "1");
    EntityResult result = entity_apply();
    cr_assert_eq(result.quarantined, 1);
    cr_assert_eq(count_open(), 0, "the good one came later in the same batch");
    entity_put("person", DAY_2, "p1", "Ana", "B", "2");
    entity_put("person", DAY_2, "p1", "Ana", NULL, "3");
    entity_put("person", DAY_2, "p1", "Ana", NULL, "4");
    entity_apply();
    cr_assert_eq(count_open(), 1, "only the newest stays open");
    cr_assert_str_eq(entity_text("SELECT change #>> '{row,values,age}' FROM raw.quarantine WHERE resolved_at IS NULL"),
                     "4");
    cr_assert_str_eq(entity_text("SELECT city FROM core.person"), "B");
    entity_delete("person", DAY_2, "p1");
    entity_apply();
    cr_assert_eq(count_open(), 0);
}

Test(entity_quarantine, what_waits_for_a_reference_is_recorded_when_it_arrives)
{
    entity_put("bill", DAY_1, "1", "p1", "10", NULL);
    entity_put("bill", DAY_1, "2", "p2", "10", NULL);
    EntityResult result = entity_apply();
    cr_assert_eq(result.quarantined, 2);
    cr_assert_str_eq(entity_text("SELECT missing_entity || missing_key || detail FROM raw.quarantine LIMIT 1"),
                     "personp1person_id: there is no person \"p1\"");
    entity_put("person", DAY_2, "p1", "Ana", "A", "1");
    result = entity_apply();
    cr_assert_eq(result.recorded, 1);
    cr_assert_str_eq(entity_text("SELECT string_agg(bill_id || person_id, ',') FROM core.bill"), "1p1");
    cr_assert_str_eq(entity_text("SELECT resolution || attempts FROM raw.quarantine WHERE key->>0 = '1'"), "recorded1");
    cr_assert_eq(count_open(), 1);
    cr_assert_str_eq(entity_text("SELECT messages || ' ' || events FROM raw.batch ORDER BY batch_id DESC LIMIT 1"),
                     "2 2");
}

Test(entity_quarantine, an_old_version_never_overwrites_a_newer_one)
{
    entity_put("bill", DAY_1, "1", "p1", "10", NULL);
    entity_apply();
    entity_put("bill", DAY_2, "1", NULL, "20", NULL);
    entity_put("person", DAY_2, "p1", "Ana", "A", "1");
    entity_apply();
    cr_assert_str_eq(entity_text("SELECT amount FROM core.bill"), "20");
    cr_assert_eq(count_open(), 0);
}

Test(entity_quarantine, a_reference_may_come_and_go_in_the_same_batch)
{
    entity_put("bill", DAY_1, "1", "p1", "10", NULL);
    entity_put("person", DAY_1, "p1", "Ana", "A", "1");
    entity_delete("person", DAY_1, "p1");
    EntityResult result = entity_apply();
    cr_assert_eq(result.quarantined, 0);
    cr_assert_eq(result.recorded, 3);
}

Test(entity_quarantine, a_rule_that_was_loosened_lets_them_in)
{
    Error err;
    EntityResult result;
    entity_put("person", DAY_1, "p1", "Ana", NULL, "1");
    entity_put("branch", DAY_1, "b1", "95", "1");
    entity_apply();
    cr_assert(
        entity_store_retry_quarantine(ingest_database.connection, &entity_fixture.mapping, NULL, NULL, &result, &err),
        "%s", err.message);
    cr_assert_eq(result.recorded, 0);
    cr_assert_eq(result.batch_id, 0);
    cr_assert_eq(ingest_database_number("SELECT sum(attempts) FROM raw.quarantine"), 4);
    EntityMapping loose =
        entity_fixture_mapping("\"required\": true, \"description\": \"Where\"", "\"description\": \"Where\"");
    cr_assert(entity_store_retry_quarantine(ingest_database.connection, &loose, NULL, NULL, &result, &err), "%s",
              err.message);
    cr_assert_eq(result.recorded, 1);
    cr_assert_eq(count_open(), 1);
    cr_assert_str_eq(entity_text("SELECT name FROM personal.person"), "Ana");
}
