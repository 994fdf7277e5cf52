#include <criterion/criterion.h>
#include <stdio.h>
#include "tests/integration/services/ingest/ingest_database.h"

TestSuite(order_refusal, .init = ingest_database_begin, .fini = ingest_database_end);

enum { ORDERS = 200 };

static void run(const char *sql)
{
    PGresult *result = PQexec(pg_handle(ingest_database.connection), sql);
    cr_assert_eq(PQresultStatus(result), PGRES_COMMAND_OK, "%s", PQresultErrorMessage(result));
    PQclear(result);
}

static OrderBatch *make_batch(void)
{
    OrderBatch *batch = order_batch_new();
    Error err;
    for (int i = 0; i < ORDERS; i++) {
        char id[32];
        snprintf(id, sizeof id, "o%d", i);
        ingest_batch_add(batch, 0, i, i, ingest_order_json(id, id, "2026-06-01T10:15:00Z"));
    }
    cr_assert(order_batch_pack(batch, &err), "%s", err.message);
    return batch;
}

static size_t commit_without_refused(OrderBatch *batch)
{
    const PartitionEnds no_ends = {.count = 0};
    StoreResult result;
    size_t refused = 0;
    Error err;
    while (!order_store_commit(ingest_database.store, batch, &no_ends, &result, &err)) {
        size_t more;
        cr_assert_eq(err.code, ERROR_UNPROCESSABLE, "%s", err.message);
        cr_assert(order_store_refuse(ingest_database.store, batch, &more, &err), "%s", err.message);
        cr_assert_gt(more, 0);
        refused += more;
    }
    return refused;
}

static void check(int refused)
{
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM core.order_event"), ORDERS - refused);
    cr_assert_eq(ingest_database_number("SELECT sum(orders) FROM core.demand_hourly"), ORDERS - refused);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.dead_letter WHERE reason = 'refused'"), refused);
    cr_assert_eq(ingest_database_number("SELECT sum(dead_letters) FROM raw.kafka_offset"), refused);
    cr_assert_eq(ingest_database_number("SELECT sum(next_offset) FROM raw.kafka_offset"), ORDERS);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.batch WHERE messages = %d AND dead_letters = %d",
                                        ORDERS, refused),
                 1);
}

Test(order_refusal, what_a_constraint_refuses_becomes_a_dead_letter)
{
    run("ALTER TABLE core.order_event ADD CONSTRAINT artificial CHECK (order_id NOT IN ('o0', 'o57', 'o58', 'o199'))");
    OrderBatch *batch = make_batch();
    cr_assert_eq(commit_without_refused(batch), 4);
    check(4);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.dead_letter WHERE detail LIKE '%%artificial%%' AND"
                                        " convert_from(payload, 'UTF8')::jsonb ->> 'order_id' = 'o' || \"offset\""),
                 4);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.dead_letter WHERE detail LIKE '%%customer-%%'"), 0,
                 "what is said of a row does not hold the row");
    order_batch_free(batch);
}

Test(order_refusal, what_a_trigger_refuses_becomes_a_dead_letter)
{
    run("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.order_id LIKE '%3' THEN"
        " RAISE EXCEPTION 'not this one'; END IF; RETURN NEW; END $$;"
        "CREATE TRIGGER refuse BEFORE INSERT ON core.order_event FOR EACH ROW EXECUTE FUNCTION refuse()");
    OrderBatch *batch = make_batch();
    cr_assert_eq(commit_without_refused(batch), ORDERS / 10);
    check(ORDERS / 10);
    order_batch_free(batch);
}

Test(order_refusal, more_than_are_looked_for_at_once)
{
    run("ALTER TABLE core.order_event ADD CONSTRAINT artificial CHECK (length(order_id) <> 4)");
    OrderBatch *batch = make_batch();
    cr_assert_eq(commit_without_refused(batch), ORDERS - 100);
    check(ORDERS - 100);
    order_batch_free(batch);
}

Test(order_refusal, what_is_not_about_an_event_stays_an_error)
{
    const PartitionEnds no_ends = {.count = 0};
    StoreResult result;
    size_t refused = 7;
    Error err;
    run("ALTER TABLE raw.batch ADD CONSTRAINT artificial CHECK (source <> 'kafka')");
    OrderBatch *batch = make_batch();
    cr_assert_not(order_store_commit(ingest_database.store, batch, &no_ends, &result, &err));
    cr_assert(order_store_refuse(ingest_database.store, batch, &refused, &err), "%s", err.message);
    cr_assert_eq(refused, 0);
    run("ALTER TABLE raw.batch DROP CONSTRAINT artificial");
    cr_assert_eq(commit_without_refused(batch), 0);
    check(0);
    order_batch_free(batch);
}
