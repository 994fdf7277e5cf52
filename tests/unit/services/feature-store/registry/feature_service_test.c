#include "services/feature-store/registry/feature_service.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(feature_service);

#define SERVICE(name, features)                                                                                        \
    "{\"name\": \"" name "\", \"description\": \"d\", \"owner\": \"o\", \"features\": [" features "]}"

Test(feature_service, shipped_ones_are_valid)
{
    FeatureViews views;
    FeatureServices services;
    Error err;
    cr_assert(feature_views_load(feature_view_declarations, feature_view_declarations_count, &views, &err), "%s",
              err.message);
    cr_assert(feature_services_load(feature_service_declarations, feature_service_declarations_count, &views, &services,
                                    &err),
              "%s", err.message);
    const FeatureService *dispatch = feature_services_find(&services, "dispatch");
    cr_assert_not_null(dispatch);
    cr_assert_str_eq(dispatch->features[0], "geo_demand:orders");
    cr_assert_null(feature_services_find(&services, "nothing"));
    feature_services_fini(&services);
    feature_views_fini(&views);
}

static const struct {
    char declaration[160];
    char words[40];
} bad[] = {
    {"{", "not valid JSON"},
    {SERVICE("one", ""), "/features"},
    {SERVICE("one", "1"), "Invalid feature reference"},
    {SERVICE("one", "\"zzz:orders\""), "zzz does not exist"},
    {SERVICE("one", "\"geo_demand:zzz\""), "zzz not found"},
    {SERVICE("", "\"geo_demand:orders\""), "/name"},
    {"{\"name\": \"one\", \"features\": [\"geo_demand:orders\"]}", "/description"},
};

Test(feature_service, a_bad_declaration_is_named)
{
    FeatureViews views;
    FeatureServices services;
    Error err;
    cr_assert(feature_views_load(feature_view_declarations, feature_view_declarations_count, &views, &err), "%s",
              err.message);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *declaration = bad[i].declaration;
        cr_assert_not(feature_services_load(&declaration, 1, &views, &services, &err), "%s", declaration);
        cr_assert_not_null(strstr(err.message, "declaration 0"), "%s", err.message);
        bool named = strstr(err.message, bad[i].words) != NULL || strcmp(err.pointer, bad[i].words) == 0;
        cr_assert(named, "%s: %s", declaration, err.message);
    }
    const char *const twice[] = {SERVICE("one", "\"geo_demand:orders\""), SERVICE("one", "\"geo_demand:trend\"")};
    cr_assert_not(feature_services_load(twice, 2, &views, &services, &err));
    feature_views_fini(&views);
}
