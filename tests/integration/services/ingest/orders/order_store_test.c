#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "gen/ingest_sql.h"
#include "tests/integration/services/ingest/ingest_database.h"

TestSuite(order_store, .init = ingest_database_begin, .fini = ingest_database_end);

#define HOUR_1 "2026-06-01T10:15:00Z"
#define HOUR_2 "2026-06-01T11:15:00Z"
#define HOUR_9 "2026-06-01T18:15:00Z"

/* Orders named by number, one message each, from the offset on. */
static void add_orders(OrderBatch *batch, int first_order, int count, int64_t first_offset, const char *occurred_at)
{
    for (int i = 0; i < count; i++) {
        char id[32];
        snprintf(id, sizeof id, "o%d", first_order + i);
        ingest_batch_add(batch, 0, first_offset + i, first_offset + i, ingest_order_json(id, id, occurred_at));
    }
}

static int64_t count_rows(const char *table)
{
    return ingest_database_number("SELECT count(*) FROM %s", table);
}

static int64_t demand(void)
{
    return ingest_database_number("SELECT coalesce(sum(orders), 0) FROM core.demand_hourly");
}

/* What must hold whatever came in. */
static void check_totals(void)
{
    cr_assert_eq(demand(), ingest_database_number("SELECT count(*) FROM core.order_event"
                                                  " WHERE event_type = 'order_created' AND geo_id IS NOT NULL"));
    cr_assert_eq(ingest_database_number("SELECT orders FROM core.watermark"), demand());
    cr_assert_eq(ingest_database_number("SELECT sum(next_offset) FROM raw.kafka_offset"),
                 ingest_database_number("SELECT sum(messages) FROM raw.batch"));
    cr_assert_eq(ingest_database_number("SELECT sum(events) FROM raw.batch"), count_rows("core.order_event"));
    cr_assert_eq(ingest_database_number("SELECT sum(duplicates) FROM raw.batch"), count_rows("raw.duplicate_event"));
    cr_assert_eq(ingest_database_number("SELECT sum(dead_letters) FROM raw.batch"), count_rows("raw.dead_letter"));
    cr_assert_eq(ingest_database_number("SELECT sum(events + duplicates + dead_letters) FROM raw.kafka_offset"),
                 ingest_database_number("SELECT sum(messages) FROM raw.batch"));
}

Test(order_store, counts_an_order_once_within_a_batch)
{
    OrderBatch *batch = order_batch_new();
    ingest_batch_add(batch, 0, 0, 0, ingest_order_json("a", "e1", HOUR_1));
    ingest_batch_add(batch, 0, 1, 1, ingest_order_json("a", "e1", HOUR_1));
    ingest_batch_add(batch, 0, 2, 2, ingest_order_json("a", "e2", HOUR_2));
    ingest_batch_add(batch, 0, 3, 3, ingest_order_json("b", "e3", HOUR_2));
    StoreResult result = ingest_batch_commit(batch, 4);
    cr_assert(result.stored && result.staged);
    cr_assert_eq(result.duplicates, 2);
    cr_assert_eq(count_rows("core.order_event"), 2);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM core.order_event WHERE event_id = 'e1'"), 1);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.duplicate_event WHERE event_id = 'e2'"), 1);
    check_totals();
    order_batch_free(batch);
}

Test(order_store, counts_an_order_once_across_batches_and_partitions)
{
    OrderBatch *batch = order_batch_new();
    add_orders(batch, 0, 100, 0, HOUR_1);
    cr_assert_not(ingest_batch_commit(batch, 100).staged, "nothing is suspicious yet");
    order_batch_clear(batch);
    ingest_batch_add(batch, 1, 0, 0, ingest_order_json("o7", "other", HOUR_1));
    ingest_batch_add(batch, 0, 100, 100, ingest_order_json("o100", "o100", HOUR_1));
    StoreResult result = ingest_batch_commit(batch, 101);
    cr_assert_eq(result.duplicates, 1);
    cr_assert_eq(result.events, 1);
    cr_assert_eq(demand(), 101);
    check_totals();
    order_batch_free(batch);
}

Test(order_store, counts_an_order_once_beyond_the_window)
{
    OrderBatch *batch = order_batch_new();
    add_orders(batch, 0, 10, 0, HOUR_1);
    ingest_batch_commit(batch, 10);
    order_batch_clear(batch);
    ingest_database_restart_store();
    add_orders(batch, 5, 10, 10, HOUR_1);
    StoreResult result = ingest_batch_commit(batch, 20);
    cr_assert(result.staged, "the key had to decide");
    cr_assert_eq(result.duplicates, 5);
    cr_assert_eq(demand(), 15);
    order_batch_clear(batch);
    add_orders(batch, 15, 10, 20, HOUR_1);
    cr_assert_eq(ingest_batch_commit(batch, 30).duplicates, 0);
    order_batch_clear(batch);
    add_orders(batch, 25, 10, 30, HOUR_1);
    cr_assert_not(ingest_batch_commit(batch, 40).staged, "the window is trusted again");
    check_totals();
    order_batch_free(batch);
}

Test(order_store, the_window_is_rebuilt_from_the_newest_batches)
{
    Error err;
    OrderBatch *batch = order_batch_new();
    add_orders(batch, 0, 10, 0, HOUR_1);
    ingest_batch_commit(batch, 10);
    order_batch_clear(batch);
    ingest_database_restart_store();
    cr_assert(order_store_load_window(ingest_database.store, ingest_database.connection, &err), "%s", err.message);
    add_orders(batch, 9, 2, 10, HOUR_1);
    cr_assert_eq(ingest_batch_commit(batch, 12).duplicates, 1);
    order_batch_clear(batch);
    add_orders(batch, 11, 2, 12, HOUR_1);
    cr_assert_not(ingest_batch_commit(batch, 14).staged);
    check_totals();
    order_batch_free(batch);
}

Test(order_store, a_batch_that_was_committed_is_not_stored_again)
{
    OrderBatch *batch = order_batch_new();
    add_orders(batch, 0, 10, 0, HOUR_1);
    ingest_batch_add(batch, 0, 10, 10, "not json");
    cr_assert(ingest_batch_commit(batch, 11).stored);
    cr_assert_not(ingest_batch_commit(batch, 11).stored, "the same again, as after a lost answer to COMMIT");
    order_batch_clear(batch);
    add_orders(batch, 0, 20, 0, HOUR_1);
    batch->ranges[0].expected_offset = 0;
    StoreResult result = ingest_batch_commit(batch, 20);
    cr_assert_eq(result.messages, 9, "the first eleven offsets are known");
    cr_assert_eq(result.duplicates, 0);
    cr_assert_eq(ingest_database_number("SELECT first_offsets[1] FROM raw.batch ORDER BY batch_id DESC LIMIT 1"), 11);
    check_totals();
    order_batch_free(batch);
}

Test(order_store, a_killed_transaction_leaves_nothing_and_is_repeated)
{
    Error err;
    StoreResult result;
    PartitionEnds ends = {.count = 0};
    OrderBatch *batch = order_batch_new();
    add_orders(batch, 0, 10, 0, HOUR_1);
    cr_assert(order_batch_pack(batch, &err));
    cr_assert(pg_command(ingest_database.connection,
                         "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM"
                         " pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;"
                         "CREATE TRIGGER fail BEFORE INSERT ON raw.batch EXECUTE FUNCTION fail()",
                         &err),
              "%s", err.message);
    cr_assert_not(order_store_commit(ingest_database.store, batch, &ends, &result, &err));
    cr_assert_not(result.gap);
    cr_assert_eq(count_rows("core.order_event"), 0);
    cr_assert(pg_command(ingest_database.connection, "DROP TRIGGER fail ON raw.batch", &err));
    cr_assert(ingest_batch_commit(batch, 10).stored);
    cr_assert_eq(demand(), 10);
    check_totals();
    order_batch_free(batch);
}

Test(order_store, a_gap_is_noticed_and_nothing_stored)
{
    Error err;
    StoreResult result;
    PartitionEnds ends = {.count = 0};
    OrderBatch *batch = order_batch_new();
    add_orders(batch, 0, 5, 100, HOUR_1);
    cr_assert(order_batch_pack(batch, &err));
    cr_assert_not(order_store_commit(ingest_database.store, batch, &ends, &result, &err));
    cr_assert(result.gap);
    cr_assert_eq(count_rows("raw.batch"), 0);
    order_batch_free(batch);
}

Test(order_store, late_events_restate_closed_hours)
{
    OrderBatch *batch = order_batch_new();
    ingest_batch_add(batch, 0, 0, 0, ingest_order_json("a", "a", HOUR_1));
    ingest_batch_add(batch, 0, 1, 1, ingest_order_json("b", "b", HOUR_2));
    StoreResult first = ingest_batch_commit(batch, 2);
    cr_assert_eq(count_rows("core.demand_restatement"), 0);
    order_batch_clear(batch);
    ingest_batch_add(batch, 0, 2, 2, ingest_order_json("c", "c", HOUR_1));
    ingest_batch_add(batch, 0, 3, 3, ingest_order_json("d", "d", HOUR_9));
    StoreResult second = ingest_batch_commit(batch, 4);
    cr_assert_gt(second.stream.watermark, first.stream.watermark);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM core.demand_restatement WHERE orders_were = 1 AND"
                                        " orders_are = 2 AND why = 'late_event' AND hour_utc = '2026-06-01T10:00Z'"),
                 1);
    cr_assert_eq(count_rows("core.demand_restatement"), 1);
    check_totals();
    order_batch_free(batch);
}

Test(order_store, dead_letters_keep_their_bytes)
{
    OrderBatch *batch = order_batch_new();
    ingest_batch_add(batch, 0, 0, 0, "{\"event_id\": \"x\xff\"}");
    ingest_batch_add(batch, 0, 1, 1, "");
    ingest_batch_add(batch, 0, 2, 2, ingest_order_json("a", "a", HOUR_1));
    ingest_batch_add(batch, 0, 3, 3, ingest_order_json("b", "b", "2200-01-01T00:00:00Z"));
    StoreResult result = ingest_batch_commit(batch, 4);
    cr_assert_eq(result.dead_letters, 3);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.dead_letter WHERE reason = 'not_utf8' AND"
                                        " payload = '{\"event_id\": \"x'::bytea || '\\xff'::bytea || '\"}'::bytea"),
                 1);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.dead_letter WHERE reason = 'empty'"), 1);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.dead_letter WHERE reason = 'time_out_of_range' AND"
                                        " pointer = '/occurred_at' AND \"offset\" = 3"),
                 1);
    check_totals();
    order_batch_free(batch);
}

Test(order_store, the_payload_gives_the_messages_back)
{
    Error err;
    OrderBatch *batch = order_batch_new();
    add_orders(batch, 0, 3, 0, HOUR_1);
    ingest_batch_add(batch, 1, 0, 0, "junk");
    ingest_batch_commit(batch, 3);
    PGresult *rows = PQexecParams(pg_handle(ingest_database.connection),
                                  "SELECT payload FROM raw.batch_payload WHERE cardinality(customers) = 3", 0, NULL,
                                  NULL, NULL, NULL, 1);
    cr_assert_eq(PQntuples(rows), 1);
    Buffer payload;
    buffer_init(&payload, 1 << 20);
    cr_assert(raw_payload_expand(PQgetvalue(rows, 0, 0), (size_t)PQgetlength(rows, 0, 0), &payload, &err));
    RawMessage message;
    size_t at = 0;
    for (int i = 0; i < 3; i++)
        cr_assert(raw_payload_next(&payload, &at, &message) && message.partition == 0 && message.offset == i);
    cr_assert_eq(memcmp(message.data, ingest_order_json("o2", "o2", HOUR_1), message.length_bytes), 0);
    cr_assert(raw_payload_next(&payload, &at, &message) && message.partition == 1);
    cr_assert_eq(memcmp(message.data, "junk", 4), 0);
    cr_assert_not(raw_payload_next(&payload, &at, &message));
    buffer_fini(&payload);
    PQclear(rows);
    order_batch_free(batch);
}

Test(order_store, an_event_without_coordinates_waits_for_its_branch)
{
    static const char waiting[] = "{\"event_id\":\"w\",\"event_type\":\"order_created\",\"order_id\":\"w\","
                                  "\"occurred_at\":\"2026-06-01T10:30:00Z\",\"branch_id\":\"branch-1\"}";
    static const char known[] = "{\"event_id\":\"k\",\"event_type\":\"order_created\",\"order_id\":\"k\","
                                "\"occurred_at\":\"2026-06-01T19:30:00Z\",\"branch_id\":\"branch-1\"}";
    OrderBatch *batch = order_batch_new();
    ingest_batch_add(batch, 0, 0, 0, waiting);
    StoreResult result = ingest_batch_commit(batch, 1);
    cr_assert_eq(result.waiting, 1);
    cr_assert_eq(demand(), 0);
    cr_assert_eq(count_rows("core.order_event"), 1);
    order_batch_clear(batch);
    ingest_batch_add(batch, 0, 1, 1, waiting);
    cr_assert_eq(ingest_batch_commit(batch, 2).duplicates, 1, "it waits once");
    order_batch_clear(batch);
    ingest_batch_add(batch, 0, 2, 2, ingest_order_json("a", "a", HOUR_9));
    result = ingest_batch_commit(batch, 3);
    cr_assert_eq(result.orders, 2);
    cr_assert_eq(demand(), 2);
    cr_assert_eq(count_rows("raw.waiting_event"), 0);
    order_batch_clear(batch);
    ingest_batch_add(batch, 0, 3, 3, known);
    cr_assert_eq(ingest_batch_commit(batch, 4).waiting, 0);
    cr_assert_eq(demand(), 3);
    check_totals();
    order_batch_free(batch);
}

Test(order_store, a_branch_that_another_process_located_is_known)
{
    Error err;
    OrderBatch *batch = order_batch_new();
    ingest_batch_add(batch, 0, 0, 0, ingest_order_json("a", "a", HOUR_1));
    ingest_batch_commit(batch, 1);
    order_batch_clear(batch);
    int64_t moved = ingest_database_number(
        "WITH place AS (INSERT INTO core.geo (geo, name, kind, timezone, country, parent_id) SELECT 'elsewhere', 'E',"
        " 'cell', 'UTC', '', geo_id FROM core.geo WHERE geo = 'all' RETURNING geo_id), moved AS (UPDATE"
        " core.branch_location SET geo_id = (SELECT geo_id FROM place), located_at = '2026-06-01T12:00Z',"
        " recorded_at = now() RETURNING geo_id) SELECT geo_id FROM moved");
    cr_assert(geo_directory_refresh(ingest_database.directory, ingest_database.connection, &err), "%s", err.message);
    ingest_batch_add(batch, 0, 1, 1,
                     "{\"event_id\":\"b\",\"event_type\":\"order_created\",\"order_id\":\"b\","
                     "\"occurred_at\":\"2026-06-01T13:00:00Z\",\"branch_id\":\"branch-1\"}");
    ingest_batch_commit(batch, 2);
    cr_assert_eq(ingest_database_number("SELECT geo_id FROM core.order_event WHERE order_id = 'b'"), moved);
    order_batch_free(batch);
}

Test(order_store, every_change_of_demand_is_seen_once_by_a_cursor)
{
    Error err;
    OrderBatch *batch = order_batch_new();
    int64_t offset = 0, cursor = 0, seen = 0;
    for (int round = 0; round < 20; round++) {
        order_batch_clear(batch);
        char occurred_at[32];
        snprintf(occurred_at, sizeof occurred_at, "2026-06-01T%02d:30:00Z", round % 5);
        add_orders(batch, (int)offset, 3, offset, occurred_at);
        offset += 3;
        int64_t commit_seq = ingest_batch_commit(batch, offset).commit_seq;
        PGresult *rows;
        cr_assert(pg_run(ingest_database.connection, &sql_select_demand_changes, PG_PARAMS(pg_int(cursor), pg_int(1)),
                         &rows, &err));
        cr_assert_eq(PQntuples(rows), 1);
        cr_assert_eq(pg_get_int(rows, 0, 3), 3 * (round / 5 + 1), "absolute count");
        cr_assert_gt(pg_get_int(rows, 0, 4), cursor);
        cursor = pg_get_int(rows, 0, 4);
        cr_assert_eq(cursor, commit_seq);
        seen++;
        PQclear(rows);
    }
    cr_assert_eq(seen, 20);
    order_batch_free(batch);
}

Test(order_store, the_watermark_waits_for_partitions_that_are_behind)
{
    Error err;
    StreamState stream;
    OrderBatch *batch = order_batch_new();
    ingest_batch_add(batch, 0, 0, 0, ingest_order_json("a", "a", HOUR_9));
    StoreResult result = ingest_batch_commit(batch, -1);
    cr_assert_eq(result.stream.watermark, INSTANT_NONE, "the end of partition 1 is not known");
    PartitionEnds ends = {.items = {{0, 1}, {1, 1}}, .count = 2};
    cr_assert(order_store_note_ends(ingest_database.store, &ends, &stream, &err), "%s", err.message);
    cr_assert_eq(stream.watermark, INSTANT_NONE, "partition 1 has a message that was not read");
    ends.items[1].end_offset = 0;
    cr_assert(order_store_note_ends(ingest_database.store, &ends, &stream, &err), "%s", err.message);
    Instant expected;
    cr_assert(instant_parse(HOUR_9, &expected, &err));
    cr_assert_eq(stream.watermark, expected);
    order_batch_free(batch);
}

/* What an earlier reader knew of a partition's end may be old: until the new one has seen it, hours must not close. */
Test(order_store, the_watermark_waits_for_a_partition_that_was_taken_over)
{
    Error err;
    StreamState stream;
    Instant first, second;
    cr_assert(instant_parse(HOUR_1, &first, &err) && instant_parse(HOUR_9, &second, &err));
    OrderBatch *batch = order_batch_new();
    ingest_batch_add(batch, 0, 0, 0, ingest_order_json("a", "a", HOUR_1));
    ingest_batch_add(batch, 1, 0, 0, ingest_order_json("b", "b", HOUR_1));
    ingest_batch_commit(batch, -1);
    PartitionEnds ends = {.items = {{0, 1}, {1, 1}}, .count = 2};
    cr_assert(order_store_note_ends(ingest_database.store, &ends, &stream, &err), "%s", err.message);
    cr_assert_eq(stream.watermark, first);

    cr_assert(pg_run(ingest_database.connection, &sql_ensure_kafka_offset, PG_PARAMS(pg_text("orders"), pg_int(1)),
                     NULL, &err),
              "%s", err.message);
    order_batch_clear(batch);
    ingest_batch_add(batch, 0, 1, 1, ingest_order_json("c", "c", HOUR_9));
    StoreResult result = ingest_batch_commit(batch, -1);
    cr_assert_eq(result.stream.watermark, first, "the end of partition 1 is not known to its new reader");
    ends = (PartitionEnds){.items = {{0, 2}, {1, 1}}, .count = 2};
    cr_assert(order_store_note_ends(ingest_database.store, &ends, &stream, &err), "%s", err.message);
    cr_assert_eq(stream.watermark, second);
    order_batch_free(batch);
}

Test(order_store, geos_get_a_zone_and_a_parent)
{
    OrderBatch *batch = order_batch_new();
    ingest_batch_add(batch, 0, 0, 0, ingest_order_json("a", "a", HOUR_1));
    ingest_batch_commit(batch, 1);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM warehouse.geo WHERE kind = 'cell' AND parent = 'all' AND"
                                        " timezone LIKE 'America/Argentina/%%' AND country = 'AR'"),
                 1);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM warehouse.geo WHERE geo = 'all' AND"
                                        " timezone LIKE 'America/Argentina/%%'"),
                 1);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM core.order_event WHERE total_amount = 1234.5"), 1);
    order_batch_free(batch);
}

Test(order_store, partitions_of_the_payload_are_made_ahead)
{
    Error err;
    for (int i = 0; i < 2; i++)
        cr_assert(pg_run(ingest_database.connection, &sql_ensure_payload_partitions, PG_PARAMS(pg_int(3)), NULL, &err),
                  "%s", err.message);
    cr_assert_eq(
        ingest_database_number("SELECT count(*) FROM pg_inherits WHERE inhparent = 'raw.batch_payload'::regclass"), 5);
}

Test(order_store, every_statement_fits_the_schema)
{
    Error err;
    cr_assert(pg_run(ingest_database.connection, &sql_create_order_event_staging, PG_PARAMS(), NULL, &err), "%s",
              err.message);
    for (size_t i = 0; i < ingest_statements_count; i++) {
        PGresult *result = PQprepare(pg_handle(ingest_database.connection), "", ingest_statements[i]->sql, 0, NULL);
        cr_assert_eq(PQresultStatus(result), PGRES_COMMAND_OK, "%s: %s", ingest_statements[i]->name,
                     PQresultErrorMessage(result));
        PQclear(result);
    }
}

Test(order_store, every_table_and_column_is_described)
{
    cr_assert_eq(
        ingest_database_number(
            "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
            " WHERE n.nspname IN ('core', 'raw', 'warehouse') AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition"
            " AND c.relname <> 'schema_migration'"
            " AND (obj_description(c.oid) IS NULL OR col_description(c.oid, a.attnum) IS NULL)"),
        0);
}
