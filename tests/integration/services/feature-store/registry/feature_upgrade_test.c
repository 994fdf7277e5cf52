/* A database of version 0.1.0, which had the first migration, keeps all that was recorded when it gets the others. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "common/clock.h"
#include "gen/feature_store_sql.h"
#include "services/feature-store/geo_demand/feature_progress.h"
#include "services/feature-store/geo_demand/geo_demand_store.h"
#include "services/feature-store/offline/offline_export.h"
#include "services/feature-store/registry/view_registry.h"
#include "tests/integration/support/test_servers.h"

enum { OLD_MIGRATIONS = 1 };

/* Two geos over a change of month, an hour that was restated, one geo without features yet. */
static const char fill_old[] =
    "INSERT INTO features.geo (geo, first_hour, computed_through, recorded_seq) VALUES"
    "  ('a', '2026-10-30T00:00Z', '2026-11-02T23:00Z', 2), ('b', '2026-10-30T00:00Z', '2026-11-02T23:00Z', 1),"
    "  ('c', '2026-11-02T00:00Z', NULL, 0);"
    "SELECT features.ensure_months('geo_demand', '2026-10-30T00:00Z', '2026-11-02T23:00Z');"
    "INSERT INTO features.geo_demand SELECT geo_id, hour, 1, '2026-11-03T00:00:05Z', geo_id * 1000 + n, n, geo_id * "
    "1000,"
    "    n, n, n, NULL, n, NULL, n, CASE WHEN n % 2 = 0 THEN n / 7.0 END"
    "  FROM generate_series(1, 2) geo_id, generate_series(0, 95) n,"
    "    LATERAL (SELECT '2026-10-30T00:00Z'::timestamptz + n * interval '1 hour' AS hour) h;"
    "INSERT INTO features.geo_demand SELECT geo_id, hour, 2, '2026-11-03T01:00:05Z', 777, restaurant, goods, orders_3h,"
    "    orders_24h, orders_168h, 5, 6, 7, 8, 0.5 FROM features.geo_demand WHERE geo_id = 1"
    "    AND hour = '2026-10-31T23:00Z';"
    "INSERT INTO features.demand VALUES (1, '2026-10-31T23:00Z', 777, 0, 0);"
    "UPDATE features.progress SET source_cursor = 41, recorded_seq = 2, watermark = '2026-11-03T00:10Z',"
    "    complete_hour = '2026-11-02T23:00Z', origin = 'old-origin';"
    "CREATE TABLE public.kept AS SELECT * FROM features.geo_demand;"
    "CREATE TABLE public.kept_newest AS SELECT * FROM features.geo_demand_newest_value;";

static PgPool *pool;
static PgConnection *connection;

static void set_up(void)
{
    Error err;
    size_t applied = 0;
    cr_assert(clock_init("2026-11-20T00:00:00Z", &err), "%s", err.message);
    pool = pg_pool_new(&(PgPoolOptions){.conninfo = test_database(), .application_name = "upgrade-test", .size = 1});
    cr_assert(pg_acquire(pool, 5000, &connection, &err), "%s", err.message);
    cr_assert(migrations_apply(connection, "features", feature_store_migrations, OLD_MIGRATIONS, &applied, &err), "%s",
              err.message);
}

static void tear_down(void)
{
    pg_release(connection);
    pg_pool_free(pool);
    test_database_drop();
}

static void command(const char *sql)
{
    Error err;
    cr_assert(pg_command(connection, sql, &err), "%s", err.message);
}

static int64_t number(const char *sql)
{
    PG_RESULT_SCOPED PGresult *result = NULL;
    Error err;
    cr_assert(pg_query(connection, sql, PG_PARAMS(), &result, &err), "%s", err.message);
    return pg_get_int(result, 0, 0);
}

static void upgrade(FeatureViews *ret_views)
{
    Error err;
    size_t applied = 0;
    cr_assert(migrations_apply(connection, "features", feature_store_migrations, feature_store_migrations_count,
                               &applied, &err),
              "%s", err.message);
    cr_assert_eq(applied, feature_store_migrations_count - OLD_MIGRATIONS);
    cr_assert(feature_views_load(feature_view_declarations, feature_view_declarations_count, ret_views, &err), "%s",
              err.message);
    cr_assert(view_registry_apply(connection, ret_views, &err), "%s", err.message);
}

TestSuite(feature_upgrade, .init = set_up, .fini = tear_down);

Test(feature_upgrade, recorded_values_stay)
{
    FeatureViews views;
    command(fill_old);
    upgrade(&views);
    cr_assert_eq(number("SELECT count(*) FROM features.geo_demand_v1"), 193);
    cr_assert_eq(
        number("SELECT count(*) FROM (SELECT geo_id, hour + interval '1 hour', recorded_seq, recorded_at, orders,"
               " restaurant, goods, orders_3h, orders_24h, orders_168h, same_hour_1w, same_hour_2w,"
               " same_hour_3w, same_hour_4w, trend FROM public.kept EXCEPT SELECT * FROM"
               " features.geo_demand_v1) AS lost"),
        0);
    cr_assert_eq(number("SELECT count(*) FROM (SELECT * FROM public.kept_newest EXCEPT ALL"
                        " SELECT * FROM features.geo_demand_newest_value) AS lost"),
                 0);
    cr_assert_eq(number("SELECT count(*) FROM features.geo_demand_newest_value"), 192);
    cr_assert_eq(number("SELECT count(*) FROM features.geo AS geo JOIN features.entity AS entity"
                        " ON entity_id = geo_id AND kind = 'geo' AND key = geo"),
                 3);
    FeatureProgress progress;
    Error err;
    cr_assert(feature_progress_read(connection, GEO_DEMAND_TABLE, false, &progress, &err), "%s", err.message);
    cr_assert_eq(progress.source_cursor, 41);
    cr_assert_eq(progress.recorded_seq, 2);
    cr_assert_str_eq(progress.origin, "old-origin");
    cr_assert_eq(number("SELECT count(*) FROM features.progress WHERE feature_view = 'geo_demand'"), 0);
    feature_views_fini(&views);
}

Test(feature_upgrade, the_export_goes_on_as_before)
{
    FeatureViews views;
    FeatureProgress progress;
    Error err;
    char *text = NULL;
    size_t length = 0;
    command(fill_old);
    upgrade(&views);
    const FeatureView *view = feature_views_find(&views, "geo_demand", strlen("geo_demand"), 0);
    FILE *out = open_memstream(&text, &length);
    ExportRequest request = {
        .view = view,
        .features = (int[]){0, feature_view_index(view, "trend")},
        .features_count = 2,
        .to = INT64_C(7000000000) * INSTANT_PER_SECOND,
        .recorded_since = 1,
        .entity = "a",
    };
    cr_assert(offline_export_write(connection, &request, TABLE_CSV, out, &progress, &err), "%s", err.message);
    fclose(out);
    cr_assert_str_eq(text, "geo,hour_utc,orders,trend\na,2026-10-31T23:00:00Z,777,0.5\n");
    free(text);
    feature_views_fini(&views);
}

/* A geo that is new after the upgrade gets a number that is free, and old geos go on under theirs. */
Test(feature_upgrade, recording_goes_on)
{
    FeatureViews views;
    Hour hour;
    Error err;
    int64_t rows = 0;
    command(fill_old);
    upgrade(&views);
    cr_assert(hour_parse("2026-11-03T00:00:00Z", &hour, &err), "%s", err.message);
    GeoDemandChange changes[] = {{"a", hour, "goods", 3}, {"new", hour, "goods", 4}};
    cr_assert(geo_demand_apply(connection, 41, 42, changes, 2, &err), "%s", err.message);
    cr_assert(geo_demand_record(connection, hour, hour_start(hour + 1), NULL, &rows, &err), "%s", err.message);
    cr_assert_eq(number("SELECT count(*) FROM features.geo_demand_newest_value WHERE hour = '2026-11-03T00:00Z'"
                        " AND (geo, orders) IN (('a', 3), ('b', 0), ('new', 4))"),
                 3);
    cr_assert_eq(number("SELECT count(DISTINCT recorded_seq) FROM features.geo_demand_v1 WHERE recorded_seq > 2"), 1);
    feature_views_fini(&views);
}

Test(feature_upgrade, a_database_without_rows_upgrades)
{
    FeatureViews views;
    upgrade(&views);
    cr_assert_eq(number("SELECT count(*) FROM features.entity"), 0);
    cr_assert_eq(number("SELECT count(*) FROM features.view WHERE name = 'geo_demand'"), 1);
    feature_views_fini(&views);
}
