#include "services/feature-store/registry/view_registry.h"

#include <criterion/criterion.h>
#include <string.h>
#include "tests/integration/services/feature-store/feature_store_fixture.h"

TestSuite(view_registry, .init = feature_store_set_up, .fini = feature_store_tear_down);

#define VIEW(version, keys, features)                                                                                  \
    "{\"name\": \"runner\", \"version\": " version ", \"description\": \"d\", \"owner\": \"o\", \"ttl_s\": 60,"        \
    " \"entities\": [" keys "], \"features\": [" features "]}"
#define KEY(name, type) "{\"name\": \"" name "\", \"join_key\": \"" name "\", \"type\": \"" type "\"}"
#define FEATURE(name, type) "{\"name\": \"" name "\", \"type\": \"" type "\", \"description\": \"d\"}"
#define ONLINE(name, type)                                                                                             \
    "{\"name\": \"" name "\", \"type\": \"" type "\", \"description\": \"d\", \"online_only\": true}"

static bool apply(const char *declaration, Error *err)
{
    FeatureViews views;
    cr_assert(feature_views_load(&declaration, 1, &views, err), "%s", err->message);
    bool ok = view_registry_apply(fixture_connection(), &views, err);
    feature_views_fini(&views);
    return ok;
}

static const char *text_of(const char *sql)
{
    static char text[2000];
    PG_RESULT_SCOPED PGresult *result = NULL;
    Error err;
    cr_assert(pg_query(fixture_connection(), sql, PG_PARAMS(), &result, &err), "%s", err.message);
    snprintf(text, sizeof(text), "%s",
             PQntuples(result) == 0 || pg_is_null(result, 0, 0) ? "" : pg_get_text(result, 0, 0));
    return text;
}

static const char *columns(const char *table)
{
    char sql[300];
    snprintf(sql, sizeof(sql),
             "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)"
             " FROM pg_attribute WHERE attrelid = to_regclass('features.%s') AND attnum > 4",
             table);
    return text_of(sql);
}

Test(view_registry, shipped_views_are_there_and_applying_again_changes_nothing)
{
    static const char state[] =
        "SELECT string_agg(concat(name, version, schema_hash, applied_at), ',') FROM features.view";
    char before[2000];
    Error err;
    snprintf(before, sizeof(before), "%s", text_of(state));
    cr_assert_not_null(strstr(before, "geo_demand1"));
    cr_assert(view_registry_apply(fixture_connection(), &fixture.views, &err), "%s", err.message);
    cr_assert_str_eq(text_of(state), before);
    cr_assert_str_eq(
        columns("geo_demand_v1"),
        "orders bigint, restaurant bigint, goods bigint, orders_3h bigint, orders_24h bigint, orders_168h "
        "bigint, same_hour_1w bigint, same_hour_2w bigint, same_hour_3w bigint, same_hour_4w bigint, trend "
        "double precision");
}

Test(view_registry, a_view_gets_its_table_and_a_new_feature_its_column)
{
    Error err;
    cr_assert(apply(VIEW("1", KEY("driver", "int64"),
                         FEATURE("order", "int64") "," FEATURE("null", "string") "," ONLINE(
                             "now_at", "string") "," FEATURE("busy", "bool") "," FEATURE("seen", "timestamp")),
                    &err),
              "%s", err.message);
    cr_assert_str_eq(columns("runner_v1"), "order bigint, null text, busy boolean, seen timestamp with time zone");
    cr_assert_str_eq(text_of("SELECT feature_view FROM features.progress WHERE feature_view ~ '^runner_v'"),
                     "runner_v1");
    cr_assert(
        apply(VIEW("1", KEY("driver", "int64"),
                   FEATURE("load", "float64") "," FEATURE("order", "int64") "," FEATURE("null", "string") "," FEATURE(
                       "now_at", "string") "," FEATURE("busy", "bool") "," FEATURE("seen", "timestamp")),
              &err),
        "%s", err.message);
    cr_assert_str_eq(columns("runner_v1"), "order bigint, null text, busy boolean, seen timestamp with time zone, load "
                                           "double precision, now_at text");
}

Test(view_registry, what_breaks_readers_needs_a_new_version)
{
    static const char first[] = VIEW("3", KEY("driver", "int64"), FEATURE("a", "int64") "," FEATURE("b", "bool"));
    static const struct {
        const char *declaration, *what;
    } breaking[] = {
        {VIEW("3", KEY("driver", "int64"), FEATURE("a", "int64")), "b"},
        {VIEW("3", KEY("driver", "int64"), FEATURE("a", "float64") "," FEATURE("b", "bool")), "a"},
        {VIEW("3", KEY("driver", "string"), FEATURE("a", "int64") "," FEATURE("b", "bool")), "driver"},
        {VIEW("3", KEY("runner", "int64"), FEATURE("a", "int64") "," FEATURE("b", "bool")), "driver"},
        {VIEW("3", KEY("driver", "int64") "," KEY("zone", "string"), FEATURE("a", "int64") "," FEATURE("b", "bool")),
         "driver"},
        {VIEW("3", KEY("driver", "int64"), ONLINE("a", "int64") "," FEATURE("b", "bool")), "a"},
    };
    Error err;
    cr_assert(apply(first, &err), "%s", err.message);
    for (size_t i = 0; i < sizeof(breaking) / sizeof(breaking[0]); i++) {
        cr_assert_not(apply(breaking[i].declaration, &err), "%zu", i);
        cr_assert_eq(err.code, ERROR_CONFLICT);
        cr_assert_not_null(strstr(err.message, "needs version 4"), "%s", err.message);
        cr_assert_not_null(strstr(err.message, breaking[i].what), "%s", err.message);
    }
    cr_assert(apply(first, &err), "what was applied before still is: %s", err.message);
    cr_assert(apply(VIEW("4", KEY("zone", "string"), FEATURE("a", "string")), &err), "%s", err.message);
    cr_assert_str_eq(columns("runner_v3"), "a bigint, b boolean");
    cr_assert_str_eq(columns("runner_v4"), "a text");
}

Test(view_registry, what_is_computed_on_demand_has_no_table)
{
    Error err;
    cr_assert(apply("{\"name\": \"moment\", \"version\": 1, \"description\": \"d\", \"owner\": \"o\", \"ttl_s\": 0,"
                    " \"source\": {\"kind\": \"on_demand\"}, \"entity\": " KEY(
                        "geo", "string") ","
                                         " \"features\": [" FEATURE("hour", "int64") "]}",
                    &err),
              "%s", err.message);
    cr_assert_str_eq(columns("moment_v1"), "");
    cr_assert_str_eq(text_of("SELECT name FROM features.view WHERE name = 'moment'"), "moment");
}
