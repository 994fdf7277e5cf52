#include <criterion/criterion.h>
#include <stdlib.h>
#include "tests/integration/services/ingest/entities/entity_fixture.h"

TestSuite(entity_locate, .init = entity_fixture_begin, .fini = entity_fixture_end);

static int calls;

/* The geo of all orders so far. */
static bool locate(void *context, double lat, double lon, int32_t *ret_geo_id, Error *err)
{
    (void)lat;
    (void)lon;
    (void)err;
    calls++;
    *ret_geo_id = *(const int32_t *)context;
    return true;
}

static EntityResult apply(int32_t geo_id)
{
    Error err = {0};
    EntityResult result;
    const char *position = arena_printf(entity_fixture.arena, "%d", ++entity_fixture.positions);
    EntityBatch batch = {.source = "test",
                         .stream = "all",
                         .expected_position = entity_fixture.position,
                         .position = position,
                         .changes = entity_fixture.changes,
                         .count = entity_fixture.count};
    cr_assert(entity_store_apply(ingest_database.connection, &batch, locate, &geo_id, NULL, &result, &err), "%s",
              err.message);
    entity_fixture.position = position;
    entity_fixture.count = 0;
    return result;
}

static int32_t leaf_geo(void)
{
    OrderBatch *batch = order_batch_new();
    ingest_batch_add(batch, 0, 0, 0, ingest_order_json("known", "known", "2026-06-01T10:15:00Z"));
    ingest_batch_add(batch, 0, 1, 1, ingest_order_json("later", "later", "2026-06-01T18:15:00Z"));
    ingest_batch_add(batch, 0, 2, 2,
                     "{\"event_id\":\"w\",\"event_type\":\"order_created\",\"order_id\":\"w\",\"branch_id\":\"new\","
                     "\"occurred_at\":\"2026-06-01T10:20:00Z\",\"vertical\":\"restaurant\"}");
    cr_assert_eq(ingest_batch_commit(batch, 3).waiting, 1);
    order_batch_free(batch);
    return (int32_t)ingest_database_number("SELECT geo_id FROM core.branch_location WHERE branch_id = 'branch-1'");
}

Test(entity_locate, waiting_orders_are_counted_when_their_branch_is_known)
{
    int32_t geo_id = leaf_geo();
    entity_put("branch", "2026-05-01T00:00:00Z", "new", "-32.9", "-60.6");
    entity_put("branch", "2026-05-01T00:00:00Z", "nowhere", NULL, "-60.6");
    EntityResult result = apply(geo_id);
    cr_assert_eq(result.located, 1);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.waiting_event"), 0);
    cr_assert_eq(ingest_database_number("SELECT sum(orders) FROM core.demand_hourly"), 3);
    cr_assert_eq(ingest_database_number("SELECT orders FROM core.watermark"), 3);
    cr_assert_eq(ingest_database_number("SELECT changed_seq FROM core.watermark"), result.commit_seq);
    cr_assert_eq(ingest_database_number("SELECT orders_are FROM core.demand_restatement WHERE why = 'branch_located'"
                                        " AND commit_seq = %lld",
                                        (long long)result.commit_seq),
                 2);
    cr_assert_str_eq(entity_text("SELECT source FROM core.branch_location WHERE branch_id = 'new'"), "documents");
}

Test(entity_locate, a_location_that_an_event_showed_later_stays)
{
    int32_t geo_id = leaf_geo();
    calls = 0;
    entity_put("branch", "2026-05-01T00:00:00Z", "branch-1", "1", "2");
    cr_assert_eq(apply(geo_id).located, 0);
    cr_assert_eq(calls, 0);
    entity_put("branch", "2026-07-01T00:00:00Z", "branch-1", "3", "4");
    cr_assert_eq(apply(geo_id).located, 1);
    entity_put("branch", "2026-07-02T00:00:00Z", "branch-1", "3", "4");
    cr_assert_eq(apply(geo_id).located, 0, "nothing has changed");
    cr_assert_eq(calls, 1);
    cr_assert_eq(ingest_database_number("SELECT lat::bigint FROM core.branch_location WHERE branch_id = 'branch-1'"),
                 3);
}
