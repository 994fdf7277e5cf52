#include <criterion/criterion.h>
#include <string.h>
#include "common/clock.h"
#include "services/ingest/geo/zone_switch.h"
#include "services/ingest/ingest.h"
#include "tests/integration/services/ingest/ingest_database.h"

/* Around the orders of ingest_order_json(); and some way west of them. */
#define AROUND(id, west, east)                                                                                         \
    "{\"type\":\"Feature\",\"properties\":{\"zone\":\"" id                                                             \
    "\"},\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[[" west ",-33],[" east ",-33],[" east ",-32],[" west     \
    ",-32],[" west ",-33]]]}}"
#define ZONES(features) "{\"type\":\"FeatureCollection\",\"features\":[" features "]}"

static Ingest ingest;
static Arena *arena;

static void begin(void)
{
    ingest_database_begin();
    arena = arena_new();
    ingest.postgres = ingest_database.pool;
    ingest.config.h3_resolution = 7;
    ingest.config.timezone = "";
}

static void end(void)
{
    arena_free(arena);
    ingest_database_end();
}

TestSuite(zone_switch, .init = begin, .fini = end);

static void request(const char *text)
{
    Error err;
    ZoneFile file;
    cr_assert(zone_file_parse(text, "zones.json", arena, &file, &err), "%s", err.message);
    cr_assert(zones_request(&ingest, ingest_database.connection, &file, &err), "%s", err.message);
}

static void do_jobs(void)
{
    static const JobKind kinds[] = {{ZONES_JOB, zones_job}, {0}};
    bool taken = true;
    Error err;
    while (taken)
        cr_assert(jobs_step(ingest_database.pool, kinds, &ingest, &taken, &err), "%s", err.message);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.job WHERE state <> 'done'"), 0);
}

static OrderBatch *orders_of(int first, int count)
{
    OrderBatch *batch = order_batch_new();
    for (int i = first; i < first + count; i++) {
        char id[32], at[32];
        snprintf(id, sizeof id, "order-%d", i);
        snprintf(at, sizeof at, "2026-01-01T%02d:10:00Z", i % 24);
        ingest_batch_add(batch, 0, i, first, ingest_order_json(id, id, at));
    }
    return batch;
}

static void store(int first, int count)
{
    OrderBatch *batch = orders_of(first, count);
    ingest_batch_commit(batch, -1);
    order_batch_free(batch);
}

static int64_t orders_in(const char *where)
{
    return ingest_database_number("SELECT coalesce(sum(orders), 0)::bigint FROM core.demand_hourly"
                                  " JOIN core.geo USING (geo_id) WHERE %s",
                                  where);
}

static void check_demand(int64_t orders)
{
    cr_assert_eq(
        ingest_database_number(
            "SELECT count(*) FROM (SELECT geo_id, date_trunc('hour', occurred_at, 'UTC') AS hour_utc, vertical,"
            " count(*) AS n FROM core.order_event WHERE event_type = 'order_created' GROUP BY 1, 2, 3) c"
            " FULL JOIN core.demand_hourly d USING (geo_id, hour_utc, vertical)"
            " WHERE coalesce(n, 0) <> coalesce(orders, 0)"),
        0);
    cr_assert_eq(orders_in("true"), orders);
}

Test(zone_switch, without_orders_zones_hold_from_the_beginning)
{
    Error err;
    request(ZONES(AROUND("centre", "-61", "-60")));
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM raw.job"), 0);
    cr_assert_eq(ingest_database_number("SELECT geo_version FROM core.watermark"), 2);
    cr_assert(geo_directory_reload(ingest_database.directory, ingest_database.connection, &err), "%s", err.message);
    store(0, 10);
    cr_assert_eq(orders_in("geo = 'centre' AND kind = 'zone'"), 10);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM core.demand_restatement"), 0);
}

Test(zone_switch, a_new_version_gives_history_its_geos_anew)
{
    store(0, 30);
    cr_assert_eq(orders_in("kind = 'cell'"), 30);
    request(ZONES(AROUND("centre", "-61", "-60")));
    cr_assert_eq(orders_in("kind = 'cell'"), 30, "not before the job is done");
    do_jobs();
    check_demand(30);
    cr_assert_eq(orders_in("geo = 'centre'"), 30);
    cr_assert_gt(ingest_database_number("SELECT count(*) FROM core.demand_hourly WHERE orders = 0"), 0,
                 "followers must see that the cells' hours are empty now");
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM core.demand_hourly WHERE changed_seq <>"
                                        " (SELECT changed_seq FROM core.watermark)"),
                 0);
    cr_assert_eq(ingest_database_number("SELECT count(*) FROM core.branch_location b JOIN core.geo USING (geo_id)"
                                        " WHERE geo <> 'centre'"),
                 0);

    request(ZONES(AROUND("centre", "-61", "-60")));
    cr_assert_eq(ingest_database_number("SELECT max(version) FROM core.zone_version"), 2, "the same file again");
    request(ZONES(AROUND("west", "-65", "-64")));
    do_jobs();
    check_demand(30);
    cr_assert_eq(orders_in("kind = 'cell'"), 30);
    cr_assert_eq(orders_in("geo = 'centre'"), 0);
    cr_assert_eq(ingest_database_number("SELECT geo_version FROM core.geo WHERE geo = 'centre'"), 2,
                 "a zone that is no more belongs to the version that had it");
    cr_assert_eq(ingest_database_number("SELECT geo_version FROM core.geo WHERE geo = 'west'"), 3);
}

Test(zone_switch, a_batch_placed_before_the_switch_is_placed_anew)
{
    Error err;
    StoreResult result;
    PartitionEnds ends = {.count = 0};
    store(0, 5);
    OrderBatch *batch = orders_of(5, 5);
    request(ZONES(AROUND("centre", "-61", "-60")));
    do_jobs();
    cr_assert(order_batch_pack(batch, &err));
    cr_assert_not(order_store_commit(ingest_database.store, batch, &ends, &result, &err));
    cr_assert(result.gap, "the reader starts over");
    cr_assert_eq(err.code, ERROR_UNAVAILABLE);
    order_batch_free(batch);
    check_demand(5);
    cr_assert(geo_directory_reload(ingest_database.directory, ingest_database.connection, &err), "%s", err.message);
    store(5, 5);
    check_demand(10);
    cr_assert_eq(orders_in("geo = 'centre'"), 10);
}
