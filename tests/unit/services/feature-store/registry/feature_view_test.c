#include "services/feature-store/registry/feature_view.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
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
    cr_assert_eq(view->keys_count, 1);
    cr_assert_str_eq(view->keys[0].join_key, "geo");
    cr_assert_eq(view->keys[0].type, FEATURE_TEXT);
    cr_assert_str_eq(view->entity_kind, "geo");
    cr_assert_str_eq(view->table, "geo_demand_v1");
    cr_assert_eq(view->source.kind, FEATURE_SOURCE_DEMAND);
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

/* A declaration that is right but for what comes after its name, version and owner. */
#define DECLARATION(rest)                                                                                              \
    "{\"name\": \"v\", \"version\": 1, \"description\": \"d\", \"owner\": \"o\", \"ttl_s\": 0, " rest "}"
#define KEY "\"entity\": {\"name\": \"driver\", \"join_key\": \"driver_id\"}"
#define ONE "\"features\": [" FEATURE("a", "int64") "]"

static FeatureViews load(const char *declaration)
{
    FeatureViews views;
    Error err;
    cr_assert(feature_views_load(&declaration, 1, &views, &err), "%s", err.message);
    return views;
}

Test(feature_view, several_keys_five_types_and_what_is_online_only)
{
    FeatureViews views = load(DECLARATION(
        "\"tags\": {\"a\": 1}, \"source\": {\"kind\": \"push\", \"name\": \"positions\"}, \"entities\": ["
        "{\"name\": \"driver\", \"join_key\": \"driver_id\", \"type\": \"int64\"},"
        "{\"name\": \"zone\", \"join_key\": \"zone\", \"type\": \"string\", \"description\": \"z\"}],"
        "\"features\": [" FEATURE("a", "int64") "," FEATURE("b", "float64") "," FEATURE("c", "bool") "," FEATURE(
            "d",
            "string") ","
                      "{\"name\": \"e\", \"type\": \"timestamp\", \"description\": \"\", \"online_only\": true}]"));
    const FeatureView *view = &views.items[0];
    cr_assert_eq(view->ttl_s, 0);
    cr_assert_eq(view->keys_count, 2);
    cr_assert_str_eq(view->entity_kind, "driver_id,zone");
    cr_assert_eq(view->keys[0].type, FEATURE_INT64);
    cr_assert_str_eq(view->keys[1].entity, "zone");
    cr_assert_eq(view->source.kind, FEATURE_SOURCE_PUSH);
    cr_assert_str_eq(view->source.name, "positions");
    for (int i = 0; i < FEATURE_TYPES; i++)
        cr_assert_eq(view->features[i].type, (FeatureType)i);
    cr_assert(view->features[4].online_only);
    cr_assert_not(view->features[3].online_only);
    cr_assert(feature_view_is_stored(view));
    feature_views_fini(&views);
}

Test(feature_view, hash_is_of_names_types_and_keys)
{
    const char *same = DECLARATION(KEY ", " ONE);
    const char *others[] = {
        DECLARATION("\"entity\": {\"name\": \"driver\", \"join_key\": \"driver\"}, " ONE),
        DECLARATION("\"entity\": {\"name\": \"driver\", \"join_key\": \"driver_id\", \"type\": \"int64\"}, " ONE),
        DECLARATION(KEY ", \"features\": [" FEATURE("b", "int64") "]"),
        DECLARATION(KEY ", \"features\": [" FEATURE("a", "timestamp") "]"),
        DECLARATION(KEY ", \"features\": [" FEATURE("a", "int64") "," FEATURE("b", "int64") "]"),
    };
    FeatureViews views = load(same), retold = load(DECLARATION("\"tags\": {}, " KEY ", " ONE));
    cr_assert_eq(views.items[0].schema_hash, retold.items[0].schema_hash);
    feature_views_fini(&retold);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        FeatureViews other = load(others[i]);
        cr_assert_neq(views.items[0].schema_hash, other.items[0].schema_hash, "%zu", i);
        feature_views_fini(&other);
    }
    feature_views_fini(&views);
}

static const struct {
    char declaration[640];
    char message[80];
} bad[] = {
    {"{", "declaration 0"},
    {VIEW("v", "0", FEATURE("a", "int64")), "version"},
    {VIEW("v", "1", ""), "features"},
    {VIEW("v", "1", FEATURE("a", "int32")), "int32"},
    {VIEW("v", "1", FEATURE("a", "int64") "," FEATURE("a", "int64")), "twice"},
    {VIEW("v", "1", FEATURE("a; DROP", "int64")), "a; DROP"},
    {VIEW("v", "1", FEATURE("event_timestamp", "int64")), "event_timestamp"},
    {VIEW("v", "1", FEATURE("geo", "int64")), "twice"},
    {VIEW("V", "1", FEATURE("a", "int64")), "a-z"},
    {VIEW("a123456789b123456789c123456789d123456789e123456", "1", FEATURE("a", "int64")), "/name"},
    {DECLARATION(ONE), "/entities"},
    {DECLARATION(KEY ", \"entities\": [], " ONE), "/entities"},
    {DECLARATION("\"entities\": [], " ONE), "/entities"},
    {DECLARATION("\"entity\": {\"name\": \"x\", \"join_key\": \"x\", \"type\": \"bool\"}, " ONE), "/entity/type"},
    {DECLARATION(
         "\"entities\": [{\"name\": \"x\", \"join_key\": \"x\"}, {\"name\": \"y\", \"join_key\": \"x\"}], " ONE),
     "/entities/1"},
    {DECLARATION(KEY ", " ONE ", \"source\": {\"kind\": \"magic\"}"), "/source/kind"},
    {DECLARATION(KEY ", " ONE ", \"source\": {\"kind\": \"push\"}"), "/source/name"},
    {DECLARATION(KEY ", " ONE ", \"source\": {\"kind\": \"demand\"}"), "/source/kind"},
    {DECLARATION(KEY ", " ONE ", \"source\": {\"kind\": \"sql\", \"query\": \"../x.sql\", \"every_s\": 5}"),
     "/source/query"},
    {DECLARATION(KEY ", " ONE ", \"source\": {\"kind\": \"sql\", \"query\": \"none.sql\", \"every_s\": 5}"),
     "none.sql"},
    {DECLARATION(KEY ", " ONE ", \"source\": {\"kind\": \"sql\", \"query\": \"none.sql\"}"), "/source/every_s"},
    {DECLARATION(KEY ", " ONE ", \"tags\": 7"), "/tags"},
    {DECLARATION(KEY ", \"features\": [{\"name\": \"a\", \"type\": \"int64\", \"description\": \"\","
                     " \"online_only\": 1}]"),
     "/features/0/online_only"},
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

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

Test(feature_view, a_folder_adds_views_with_their_queries)
{
    char folder[] = "/tmp/rushcast-views-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    FeatureViews views = load(VIEW("w", "1", FEATURE("a", "int64")));
    const FeatureView *first = &views.items[0];
    Error err = {0};
    write_file(folder, "v.json",
               DECLARATION(KEY ", " ONE ", \"source\": {\"kind\": \"sql\", \"query\": \"q.sql\", \"every_s\": 60}"));
    write_file(folder, "q.sql", "SELECT 1\n");
    write_file(folder, "README", "not a declaration");
    cr_assert(feature_views_load_folder(folder, &views, &err), "%s", err.message);
    cr_assert_eq(views.count, 2);
    cr_assert_eq(first, &views.items[0]);
    cr_assert_str_eq(views.items[1].source.sql, "SELECT 1\n");
    cr_assert_eq(views.items[1].source.every_s, 60);

    write_file(folder, "x.json", "{\"name\": \"x\"}");
    cr_assert_not(feature_views_load_folder(folder, &views, &err));
    cr_assert_eq(views.count, 2, "as it was");
    cr_assert_not_null(strstr(err.message, "v.json"), "declared twice: %s", err.message);
    views.count = 1;
    json_decref(views.items[1].declaration);
    cr_assert_not(feature_views_load_folder(folder, &views, &err));
    cr_assert_not_null(strstr(err.message, "x.json"), "%s", err.message);
    cr_assert_not_null(strstr(err.message, "version"), "%s", err.message);
    cr_assert_eq(views.count, 1);
    feature_views_fini(&views);
    static const char *const files[] = {"v.json", "q.sql", "README", "x.json"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
        remove(path);
    }
    rmdir(folder);
}

Test(feature_view, a_folder_that_is_not_there_is_named)
{
    FeatureViews views = load(VIEW("w", "1", FEATURE("a", "int64")));
    Error err = {0};
    cr_assert_not(feature_views_load_folder("/nowhere/views", &views, &err));
    cr_assert_not_null(strstr(err.message, "/nowhere/views"), "%s", err.message);
    feature_views_fini(&views);
}

Test(feature_view, sql_names_only_what_is_asked)
{
    FeatureViews views = load(VIEW("v", "1", FEATURE("a", "int64") "," FEATURE("order", "float64")));
    Arena *arena = arena_new();
    cr_assert_str_eq(feature_sql_export(&views.items[0], (const int[]){1}, 1, true, arena),
                     "SELECT DISTINCT ON (entity_id, event_timestamp) entity_id, event_timestamp, \"order\""
                     " FROM features.\"v_v1\" WHERE event_timestamp >= $1 AND event_timestamp < $2"
                     " AND recorded_seq > $3 AND entity_id = $4"
                     " ORDER BY entity_id, event_timestamp, recorded_seq DESC");
    arena_free(arena);
    feature_views_fini(&views);
}
