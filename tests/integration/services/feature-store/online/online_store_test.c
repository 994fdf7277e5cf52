#include "services/feature-store/online/online_store.h"

#include <criterion/criterion.h>
#include <string.h>
#include "services/feature-store/geo_demand/feature_progress.h"
#include "services/feature-store/monitoring/feature_statistics.h"
#include "services/feature-store/online/online_writer.h"
#include "tests/integration/services/feature-store/feature_store_fixture.h"

TestSuite(online_store, .init = feature_store_set_up, .fini = feature_store_tear_down);

static Arena *arena;
static RedisClient *redis;

static void open_redis(void)
{
    arena = arena_new();
    redis = fixture.redis;
}

static void close_redis(void)
{
    arena_free(arena);
}

static size_t sync_rows(void)
{
    Error err;
    size_t rows = 0;
    cr_assert(online_writer_sync(fixture_connection(), redis, fixture_view(), &rows, &err), "%s", err.message);
    return rows;
}

static FeastEntityRow *read_geos(void)
{
    static const char body[] = "{\"features\": [\"geo_demand:orders\", \"geo_demand:trend\"],"
                               " \"entities\": {\"geo\": [\"b\", \"nowhere\", \"a\", \"b\"]}}";
    FeastRequest request;
    FeastEntityRow *rows = NULL;
    Error err;
    yyjson_doc *json = yyjson_read(body, strlen(body), 0);
    cr_assert(feast_request_read(yyjson_doc_get_root(json), &fixture.views, &(FeatureServices){0}, FEAST_ENTITIES_MAX,
                                 arena, &request, &err),
              "%s", err.message);
    yyjson_doc_free(json);
    cr_assert(online_store_read(redis, &request, arena, &rows, &err), "%s", err.message);
    return rows;
}

static void apply_two_geos(void)
{
    GeoDemandChange changes[] = {{"a", fixture_hour(0), "goods", 3}, {"b", fixture_hour(1), "restaurant", 8}};
    fixture_apply(0, changes, 2);
    fixture_record(fixture_hour(1));
}

static void check_rows(const FeastEntityRow *rows)
{
    cr_assert(rows[0].found && !rows[1].found && rows[2].found && rows[3].found);
    cr_assert_eq(rows[0].row.values[0].integer, 8);
    cr_assert_eq(rows[2].row.values[0].integer, 0, "a had nothing in hour 1");
    cr_assert_eq(rows[2].row.event_timestamp, hour_start(fixture_hour(2)), "the end of the hour");
    cr_assert_gt(rows[2].row.created, rows[2].row.event_timestamp - 100000 * INSTANT_PER_HOUR);
    cr_assert(rows[0].row.values[10].null, "no trend in the first week");
}

static void rows_are_idle(const FeastEntityRow *rows)
{
    cr_assert(rows[0].found && rows[2].found);
    cr_assert_eq(rows[2].row.event_timestamp, hour_start(fixture_hour(2001)));
    cr_assert_eq(rows[0].row.values[0].integer, 0);
    cr_assert(!rows[0].row.values[0].null && rows[0].row.values[10].null);
}

Test(online_store, newest_complete_hour_of_each_geo)
{
    open_redis();
    cr_assert_eq(sync_rows(), 0, "nothing recorded yet");
    apply_two_geos();
    cr_assert_eq(sync_rows(), 2);
    check_rows(read_geos());
    cr_assert_eq(sync_rows(), 0, "nothing new");
    fixture_apply(1, &(GeoDemandChange){"a", fixture_hour(1), "goods", 4}, 1);
    fixture_record(fixture_hour(1));
    cr_assert_eq(sync_rows(), 1, "only the geo that was restated");
    cr_assert_eq(read_geos()[2].row.values[0].integer, 4);
    fixture_record(fixture_hour(2000));
    cr_assert_eq(sync_rows(), 2, "one row of each geo, though both have long been idle");
    rows_are_idle(read_geos());
    fixture_record(fixture_hour(2001));
    cr_assert_eq(sync_rows(), 2);
    close_redis();
}

Test(online_store, an_emptied_redis_is_filled_again)
{
    Error err;
    open_redis();
    apply_two_geos();
    cr_assert_eq(sync_rows(), 2);
    cr_assert(redis_run(redis, NULL, &err, "FLUSHALL"), "%s", err.message);
    cr_assert_not(read_geos()[0].found);
    cr_assert_eq(sync_rows(), 2);
    check_rows(read_geos());
    close_redis();
}

Test(online_store, a_marker_of_another_declaration_or_database_is_not_believed)
{
    Error err;
    open_redis();
    apply_two_geos();
    sync_rows();
    FeatureView other = *fixture_view();
    other.schema_hash++;
    FeatureProgress progress;
    cr_assert(feature_progress_read(fixture_connection(), GEO_DEMAND_TABLE, false, &progress, &err), "%s", err.message);
    cr_assert(online_store_set_marker(redis, &other, progress.origin, 1, &err), "%s", err.message);
    cr_assert_eq(sync_rows(), 2);
    cr_assert(online_store_set_marker(redis, fixture_view(), "another", 1, &err), "%s", err.message);
    cr_assert_eq(sync_rows(), 2);
    cr_assert(online_store_set_marker(redis, fixture_view(), progress.origin, 999, &err), "%s", err.message);
    cr_assert_eq(sync_rows(), 2);
    cr_assert_eq(sync_rows(), 0);
    close_redis();
}

Test(online_store, rows_of_another_declaration_are_not_found)
{
    Error err;
    open_redis();
    apply_two_geos();
    sync_rows();
    cr_assert(redis_run(redis, NULL, &err, "SET rushcast:geo_demand:1:a nonsense"), "%s", err.message);
    FeastEntityRow *rows = read_geos();
    cr_assert(rows[0].found && !rows[2].found);
    close_redis();
}

Test(online_store, statistics_of_the_last_week)
{
    Error err;
    json_t *json = NULL;
    open_redis();
    cr_assert(feature_statistics_read(fixture_connection(), fixture_view(), fixture_hour(0), &json, &err), "%s",
              err.message);
    cr_assert(json_is_null(json_object_get(json, "freshness_s")));
    json_decref(json);
    apply_two_geos();
    Instant now = hour_start(fixture_hour(2)) + 90 * INSTANT_PER_SECOND;
    cr_assert(feature_statistics_read(fixture_connection(), fixture_view(), now, &json, &err), "%s", err.message);
    cr_assert_eq(json_integer_value(json_object_get(json, "rows")), 3);
    cr_assert_eq(json_integer_value(json_object_get(json, "entities")), 2);
    cr_assert_eq(json_real_value(json_object_get(json, "freshness_s")), 90.0);
    const json_t *orders = json_array_get(json_object_get(json, "features"), 0);
    cr_assert_float_eq(json_real_value(json_object_get(orders, "mean")), 11.0 / 3, 1e-9);
    cr_assert_eq(json_real_value(json_object_get(orders, "max")), 8.0);
    cr_assert_eq(json_real_value(json_object_get(orders, "null_rate")), 0.0);
    const json_t *trend = json_array_get(json_object_get(json, "features"), 10);
    cr_assert(json_is_null(json_object_get(trend, "mean")));
    cr_assert_eq(json_real_value(json_object_get(trend, "null_rate")), 1.0);
    json_decref(json);
    close_redis();
}
