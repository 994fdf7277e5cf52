#include "tests/integration/services/feature-store/feature_store_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/clock.h"
#include "gen/feature_store_sql.h"
#include "services/feature-store/offline/offline_export.h"
#include "services/feature-store/registry/view_registry.h"
#include "tests/integration/support/test_servers.h"

FeatureStore fixture;
static PgConnection *connection;

void feature_store_use_redis(const char *address, int timeout_ms)
{
    Error err;
    online_reader_fini(&fixture.reader);
    redis_client_free(fixture.redis);
    RedisOptions options = {.address = address, .connections = 2, .timeout_ms = timeout_ms};
    cr_assert(redis_client_new(&options, &fixture.redis, &err), "%s", err.message);
    cr_assert(online_reader_init(&fixture.reader, fixture.redis, &options, &err), "%s", err.message);
}

void feature_store_set_up(void)
{
    Error err;
    size_t applied = 0;
    cr_assert(clock_init("2026-11-20T00:00:00Z", &err), "%s", err.message);
    fixture.config.common.ingest_url = "http://127.0.0.1:9";
    fixture.config.common.token = "";
    fixture.config.poll_ms = 1000;
    fixture.config.page_rows = 3;
    fixture.postgres =
        pg_pool_new(&(PgPoolOptions){.conninfo = test_database(), .application_name = "feature-store-test", .size = 4});
    feature_store_use_redis(test_server("RUSHCAST_TEST_REDIS"), 2000);
    cr_assert(feature_views_load(feature_view_declarations, feature_view_declarations_count, &fixture.views, &err),
              "%s", err.message);
    cr_assert(pg_acquire(fixture.postgres, 5000, &connection, &err), "%s", err.message);
    cr_assert(migrations_apply(connection, "features", feature_store_migrations, feature_store_migrations_count,
                               &applied, &err),
              "%s", err.message);
    cr_assert_eq(applied, feature_store_migrations_count);
    cr_assert(view_registry_apply(connection, &fixture.views, &err), "%s", err.message);
    atomic_store(&fixture.schema_ready, true);
    cr_assert(redis_run(fixture.redis, NULL, &err, "FLUSHALL"), "%s", err.message);
}

void feature_store_tear_down(void)
{
    pg_release(connection);
    online_reader_fini(&fixture.reader);
    redis_client_free(fixture.redis);
    pg_pool_free(fixture.postgres);
    feature_views_fini(&fixture.views);
    test_database_drop();
}

PgConnection *fixture_connection(void)
{
    return connection;
}

const FeatureView *fixture_view(void)
{
    return feature_views_find(&fixture.views, GEO_DEMAND_VIEW, strlen(GEO_DEMAND_VIEW), 0);
}

Hour fixture_hour(int hours)
{
    Hour begin;
    Error err;
    cr_assert(hour_parse("2026-11-02T00:00:00Z", &begin, &err), "%s", err.message);
    return begin + hours;
}

void fixture_apply(int64_t cursor, const GeoDemandChange *changes, size_t count)
{
    Error err;
    cr_assert(geo_demand_apply(connection, cursor, cursor + 1, changes, count, &err), "%s", err.message);
}

int64_t fixture_record(Hour complete_hour)
{
    Error err;
    int64_t rows = -1;
    Instant watermark = hour_start(complete_hour + 1) + 5 * INSTANT_PER_SECOND;
    cr_assert(geo_demand_record(connection, complete_hour, watermark, NULL, &rows, &err), "%s", err.message);
    return rows;
}

char *fixture_export(int64_t recorded_since, int64_t *ret_cursor)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    FeatureProgress progress;
    Error err;
    int orders = feature_view_index(fixture_view(), "orders");
    ExportRequest request = {
        .view = fixture_view(),
        .features = &orders,
        .features_count = 1,
        .from = 0,
        .to = hour_start(fixture_hour(100000)),
        .recorded_since = recorded_since,
    };
    cr_assert(offline_export_write(connection, &request, TABLE_CSV, out, &progress, &err), "%s", err.message);
    fclose(out);
    *ret_cursor = progress.recorded_seq;
    return text;
}

size_t fixture_lines(const char *text)
{
    size_t lines = 0;
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}
