#include "services/feature-store/batch_source/batch_source.h"

#include <criterion/criterion.h>
#include <string.h>
#include "services/feature-store/online/online_store.h"
#include "tests/integration/services/feature-store/feature_store_fixture.h"

static Arena *arena;

static void run_sql(const char *sql)
{
    Error err;
    cr_assert(pg_command(fixture_connection(), sql, &err), "%s", err.message);
}

static void set_up(void)
{
    feature_store_set_up();
    arena = arena_new();
    run_sql("CREATE SCHEMA warehouse;"
            "CREATE TABLE warehouse.\"order\" (order_id text, status text, created_at timestamptz,"
            " picked_up_at timestamptz, branch_id text);"
            "CREATE TABLE warehouse.geo (geo text, timezone text);"
            "CREATE TABLE warehouse.runner (runner_id text, home_geo text, rating float8);"
            "CREATE TABLE warehouse.runner_shift (runner_id text, weekday int, from_hour int, hours int)");
}

static void tear_down(void)
{
    arena_free(arena);
    feature_store_tear_down();
}

TestSuite(batch_source, .init = set_up, .fini = tear_down);

static const FeatureView *view_of(const char *name)
{
    const FeatureView *view = feature_views_find(&fixture.views, name, strlen(name), 0);
    cr_assert_not_null(view);
    return view;
}

static Instant at(const char *text)
{
    Instant instant;
    Error err;
    cr_assert(instant_parse(text, &instant, &err), "%s", err.message);
    return instant;
}

static size_t run(const char *name, const char *now)
{
    size_t rows = 0;
    Error err;
    cr_assert(batch_source_run(fixture_connection(), fixture.redis, view_of(name), at(now), &rows, &err), "%s",
              err.message);
    return rows;
}

static FeastEntityRow online(const char *name, const char *entity)
{
    FeastEntityRow *rows = NULL;
    Error err;
    cr_assert(online_store_get(fixture.redis, view_of(name), &entity, 1, arena, &rows, &err), "%s", err.message);
    return rows[0];
}

static FeatureValue value(const char *name, const char *entity, const char *feature)
{
    FeastEntityRow row = online(name, entity);
    int index = feature_view_index(view_of(name), feature);
    cr_assert(row.found && index >= 0, "%s of %s", feature, entity);
    return row.row.values[index];
}

Test(batch_source, the_load_of_a_branch_is_that_of_its_last_day)
{
    run_sql("INSERT INTO warehouse.\"order\" VALUES"
            " ('1', 'created', '2026-11-19T23:30:00Z', NULL, 'b'),"
            " ('2', 'picked_up', '2026-11-19T22:00:00Z', '2026-11-19T22:10:00Z', 'b'),"
            " ('3', 'delivered', '2026-11-19T21:00:00Z', '2026-11-19T21:20:00Z', 'b'),"
            " ('4', 'cancelled', '2026-11-19T20:00:00Z', NULL, 'b'),"
            " ('5', 'accepted', '2026-11-18T23:00:00Z', NULL, 'b')," /* older than a day */
            " ('6', 'created', '2026-11-20T00:00:01Z', NULL, 'b'),"  /* not yet */
            " ('7', 'created', '2026-11-19T23:00:01Z', NULL, 'c'),"
            " ('8', 'created', '2026-11-19T23:00:01Z', NULL, NULL)");
    cr_assert_eq(run("branch_load", "2026-11-20T00:00:00Z"), 2);
    cr_assert_eq(online("branch_load", "b").row.event_timestamp, at("2026-11-20T00:00:00Z"));
    cr_assert_eq(value("branch_load", "b", "waiting").integer, 1);
    cr_assert_eq(value("branch_load", "b", "on_the_way").integer, 1);
    cr_assert_eq(value("branch_load", "b", "orders_1h").integer, 1);
    cr_assert_eq(value("branch_load", "b", "orders_24h").integer, 4);
    cr_assert_eq(value("branch_load", "b", "seconds_to_pick_up").real, 900.0);
    cr_assert_eq(value("branch_load", "b", "cancelled_share").real, 0.25);
    cr_assert(value("branch_load", "c", "seconds_to_pick_up").null);
    cr_assert_not(online("branch_load", "d").found);
}

/* 2026-11-20 is a Friday (4); 00:00 UTC is Thursday 21:00 in Buenos Aires. */
Test(batch_source, runners_are_counted_by_their_shifts_in_local_time)
{
    run_sql("INSERT INTO warehouse.geo VALUES ('g', 'America/Argentina/Buenos_Aires'), ('h', 'UTC');"
            "INSERT INTO warehouse.runner VALUES ('1', 'g', 4), ('2', 'g', 5), ('3', 'g', NULL), ('4', 'h', 3);"
            "INSERT INTO warehouse.runner_shift VALUES"
            " ('1', 3, 20, 2)," /* Thursday 20..22: now, and not in an hour */
            " ('2', 3, 23, 4)," /* begins in 2 hours, goes on after midnight */
            " ('2', 0, 8, 4),"
            " ('4', 3, 22, 6)"); /* since Thursday 22:00 UTC, over midnight into Friday */
    cr_assert_eq(run("runner_supply", "2026-11-20T00:00:00Z"), 2);
    cr_assert_eq(value("runner_supply", "g", "runners").integer, 3);
    cr_assert_eq(value("runner_supply", "g", "on_shift").integer, 1);
    cr_assert_eq(value("runner_supply", "g", "on_shift_in_1h").integer, 0);
    cr_assert_eq(value("runner_supply", "g", "on_shift_in_3h").integer, 1);
    cr_assert_eq(value("runner_supply", "g", "rating").real, 4.0);
    cr_assert_eq(value("runner_supply", "h", "on_shift").integer, 1);
    cr_assert_eq(value("runner_supply", "h", "on_shift_in_3h").integer, 1);
}

Test(batch_source, a_moment_is_read_again_without_harm_and_the_next_replaces_it)
{
    run_sql("INSERT INTO warehouse.\"order\" VALUES ('1', 'created', '2026-11-19T23:30:00Z', NULL, 'b')");
    run("branch_load", "2026-11-20T00:00:00Z");
    run("branch_load", "2026-11-20T00:00:00Z");
    run_sql("UPDATE warehouse.\"order\" SET status = 'picked_up'");
    run("branch_load", "2026-11-20T00:05:00Z");
    cr_assert_eq(value("branch_load", "b", "waiting").integer, 0);
    PG_RESULT_SCOPED PGresult *result = NULL;
    Error err;
    cr_assert(
        pg_query(fixture_connection(), "SELECT count(*) FROM features.branch_load_v1", PG_PARAMS(), &result, &err));
    cr_assert_eq(pg_get_int(result, 0, 0), 2);
}

Test(batch_source, a_warehouse_that_is_not_there_is_named)
{
    size_t rows = 0;
    Error err;
    run_sql("DROP SCHEMA warehouse CASCADE");
    cr_assert_not(batch_source_run(fixture_connection(), fixture.redis, view_of("branch_load"),
                                   at("2026-11-20T00:00:00Z"), &rows, &err));
    cr_assert(strstr(err.message, "branch_load") != NULL && strstr(err.message, "warehouse") != NULL, "%s",
              err.message);
}
