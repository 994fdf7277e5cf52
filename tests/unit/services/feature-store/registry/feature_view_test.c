#include "services/feature-store/registry/feature_view.h"

#include <criterion/criterion.h>
#include <string.h>
#include "services/feature-store/offline/feature_sql.h"

TestSuite(feature_view);

#define VIEW(name, version, features)                                                                                  \
    "{\"name\": \"" name "\", \"version\": " version ", \"description\": \"d\", \"owner\": \"o\", \"ttl_s\": 60,"      \
    " \"entity\": {\"name\": \"geo\", \"join_key\": \"geo\"}, \"features\": [" features "]}"
#define FEATURE(name, type) "{\"name\": \"" name "\", \"type\": \"" type "\", \"description\": \"d\"}"

Test(feature_view, shipped_declarations_load)
{
    FeatureViews views;
    Error err;
    cr_assert(feature_views_load(feature_view_declarations, feature_view_declarations_count, &views, &err), "%s",
              err.message);
    const FeatureView *view = feature_views_find(&views, "geo_demand", strlen("geo_demand"), 0);
    cr_assert_not_null(view);
    cr_assert_eq(view->version, 1);
    cr_assert_str_eq(view->join_key, "geo");
    cr_assert_eq(view->features_count, 11);
    cr_assert_eq(feature_view_index(view, "orders"), 0);
    cr_assert_eq(view->features[feature_view_index(view, "trend")].type, FEATURE_FLOAT64);
    cr_assert_eq(feature_view_index(view, "nothing"), -1);
    feature_views_fini(&views);
}

Test(feature_view, newest_version_unless_one_is_named)
{
    const char *declarations[] = {
        VIEW("v", "2", FEATURE("a", "int64")),
        VIEW("v", "1", FEATURE("a", "int64")),
        VIEW("w", "1", FEATURE("a", "float64")),
    };
    FeatureViews views;
    Error err;
    cr_assert(feature_views_load(declarations, 3, &views, &err), "%s", err.message);
    cr_assert_eq(feature_views_find(&views, "v", 1, 0)->version, 2);
    cr_assert_eq(feature_views_find(&views, "v", 1, 1)->version, 1);
    cr_assert_null(feature_views_find(&views, "v", 1, 3));
    cr_assert_null(feature_views_find(&views, "vv", 2, 0));
    cr_assert_neq(views.items[0].schema_hash, views.items[1].schema_hash);
    feature_views_fini(&views);
}

static const struct {
    char declaration[400];
    char message[80];
} bad[] = {
    {"{", "declaration 0"},
    {VIEW("v", "0", FEATURE("a", "int64")), "version"},
    {VIEW("v", "1", ""), "features"},
    {VIEW("v", "1", FEATURE("a", "int32")), "int32"},
    {VIEW("v", "1", FEATURE("a", "int64") "," FEATURE("a", "int64")), "twice"},
    {VIEW("v", "1", FEATURE("a; DROP", "int64")), "a; DROP"},
    {VIEW("V", "1", FEATURE("a", "int64")), "a-z"},
};

Test(feature_view, bad_declarations_name_what_is_wrong)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        FeatureViews views;
        Error err = {0};
        const char *declaration = bad[i].declaration;
        cr_assert_not(feature_views_load(&declaration, 1, &views, &err), "%s", declaration);
        cr_assert_not_null(strstr(err.message, bad[i].message), "%s", err.message);
    }
}

Test(feature_view, sql_names_only_what_is_asked)
{
    const char *declaration = VIEW("v", "1", FEATURE("a", "int64") "," FEATURE("b", "float64"));
    FeatureViews views;
    Error err;
    cr_assert(feature_views_load(&declaration, 1, &views, &err), "%s", err.message);
    Arena *arena = arena_new();
    cr_assert_str_eq(feature_sql_export(&views.items[0], (const int[]){1}, 1, true, arena),
                     "SELECT DISTINCT ON (geo_id, hour) geo_id, hour, b FROM features.v WHERE hour >= $1 AND hour < $2"
                     " AND recorded_seq > $3 AND geo_id = $4 ORDER BY geo_id, hour, recorded_seq DESC");
    arena_free(arena);
    feature_views_fini(&views);
}
