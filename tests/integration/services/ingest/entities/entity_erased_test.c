#include <criterion/criterion.h>
#include "tests/integration/services/ingest/entities/entity_fixture.h"

TestSuite(entity_erased, .init = entity_fixture_begin, .fini = entity_fixture_end);

#define DAY_1 "2026-06-01T00:00:00Z"
#define DAY_2 "2026-06-02T00:00:00Z"

/* Buries the customer and takes it out of what is stored, as the job does. */
static void erase(const char *id)
{
    entity_text("INSERT INTO personal.tombstone (customer_hmac, lookup_hash, id_bytes)"
                " VALUES (personal.customer_hmac('%s'), 1, length('%s')) RETURNING 'buried'",
                id, id);
    entity_text("SELECT personal.erase_things('%s')", id);
}

static void expect_nothing_of(const char *text)
{
    cr_assert_str_eq(
        entity_text("SELECT coalesce(string_agg(t, ''), '') FROM (SELECT t::text FROM core.person t"
                    " UNION ALL SELECT t::text FROM core.person_history t UNION ALL SELECT t::text FROM core.bill t"
                    " UNION ALL SELECT t::text FROM core.bill_history t UNION ALL SELECT t::text FROM personal.person t"
                    " UNION ALL SELECT t::text FROM raw.quarantine t) a (t) WHERE strpos(t, '%s') > 0",
                    text),
        "");
}

static void put_both(const char *day, const char *amount)
{
    entity_put("person", day, "erika77", "Mustermann", "A", "1");
    EntityChange *bill = entity_put("bill", day, "1", "erika77", amount, NULL);
    bill->row.extra = "{\"note\":\"for Mustermann\"}";
    bill->original = "{\"who\":\"erika77\"}";
}

Test(entity_erased, what_is_sent_again_is_not_stored_again)
{
    put_both(DAY_1, "10");
    entity_apply();
    erase("erika77");
    expect_nothing_of("erika77");
    put_both(DAY_1, "10");
    cr_assert_eq(entity_apply().recorded, 0);
    put_both(DAY_2, "12");
    entity_put("bill", DAY_2, "2", "erika77", "5", NULL);
    cr_assert_eq(entity_apply().recorded, 2);
    cr_assert_eq(entity_apply().batch_id, 0);
    expect_nothing_of("erika77");
    expect_nothing_of("Mustermann");
    cr_assert_str_eq(entity_text("SELECT sum(amount)::text FROM core.bill"), "17");
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM core.bill_history"), 3);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM core.person"), 1);
}

Test(entity_erased, others_are_stored_as_before)
{
    erase("erika77");
    entity_put("person", DAY_1, "p1", "Ana", "A", "1");
    entity_put("bill", DAY_1, "1", "p1", "10", NULL);
    cr_assert_eq(entity_apply().recorded, 2);
    cr_assert_str_eq(entity_text("SELECT person_id FROM core.bill"), "p1");
    cr_assert_str_eq(entity_text("SELECT name FROM personal.person"), "Ana");
}

Test(entity_erased, faulty_versions_do_not_go_to_quarantine)
{
    erase("erika77");
    put_both(DAY_1, "-1");
    entity_put("person", DAY_1, "erika77", "Mustermann", NULL, "1");
    entity_delete("person", DAY_1, "erika77")->problems = "city: of erika77";
    EntityResult result = entity_apply();
    cr_assert_eq(result.quarantined + result.recorded, 0);
    expect_nothing_of("erika77");
    expect_nothing_of("Mustermann");
}

Test(entity_erased, a_required_subject_may_be_missing_then)
{
    entity_fixture.mapping =
        entity_fixture_mapping("\"text\", \"references\"", "\"text\", \"required\": true, \"references\"");
    erase("erika77");
    put_both(DAY_1, "10");
    EntityResult result = entity_apply();
    cr_assert_eq(result.recorded, 1);
    cr_assert_eq(result.quarantined, 0);
    cr_assert_str_eq(entity_text("SELECT person_id FROM core.bill"), "null");
}

Test(entity_erased, a_deletion_goes_through)
{
    put_both(DAY_1, "10");
    entity_apply();
    erase("erika77");
    entity_delete("person", DAY_2, "erika77");
    entity_delete("bill", DAY_2, "1");
    cr_assert_eq(entity_apply().recorded, 1);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM core.bill"), 0);
    expect_nothing_of("erika77");
}

Test(entity_erased, what_waited_in_quarantine_is_stripped_when_it_is_tried_again)
{
    Error err;
    EntityResult result;
    entity_put("bill", DAY_1, "1", "erika77", "10", NULL);
    cr_assert_eq(entity_apply().quarantined, 1);
    entity_text("INSERT INTO personal.tombstone (customer_hmac, lookup_hash, id_bytes)"
                " VALUES (personal.customer_hmac('erika77'), 1, 7) RETURNING 'buried'");
    cr_assert(
        entity_store_retry_quarantine(ingest_database.connection, &entity_fixture.mapping, NULL, NULL, &result, &err),
        "%s", err.message);
    cr_assert_eq(result.recorded, 1);
    cr_assert_str_eq(entity_text("SELECT person_id FROM core.bill"), "null");
    entity_text("SELECT personal.erase_things('erika77')");
    expect_nothing_of("erika77");
}
