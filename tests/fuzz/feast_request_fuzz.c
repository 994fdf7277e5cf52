#include <stdlib.h>
#include "services/feature-store/feast/feast_request.h"
#include "tests/fuzz/fuzz.h"

static void check_request(const FeastRequest *request)
{
    if (request->entities_count > FEAST_ENTITIES_MAX || request->columns_count > FEAST_FEATURES_MAX ||
        request->views_count > FEAST_VIEWS_MAX || request->join_keys_count > FEAST_JOIN_KEYS_MAX)
        abort();
    for (size_t i = 0; i < request->columns_count; i++) {
        const FeastColumn *column = &request->columns[i];
        if (column->view >= request->views_count || column->name == NULL ||
            column->feature >= request->views[column->view].view->features_count)
            abort();
    }
    for (size_t i = 0; i < request->views_count; i++) {
        for (size_t key = 0; key < request->views[i].view->keys_count; key++) {
            if (request->views[i].join_keys[key] >= request->join_keys_count)
                abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length_bytes)
{
    static FeatureViews views;
    static FeatureServices services;
    Error err;
    if (views.count == 0 &&
        (!feature_views_load(feature_view_declarations, feature_view_declarations_count, &views, &err) ||
         !feature_services_load(feature_service_declarations, feature_service_declarations_count, &views, &services,
                                &err)))
        abort();
    yyjson_doc *body = yyjson_read((const char *)data, length_bytes, 0);
    ARENA_SCOPED Arena *arena = arena_new();
    FeastRequest request;
    if (feast_request_read(yyjson_doc_get_root(body), &views, &services, FEAST_ENTITIES_MAX, arena, &request, &err))
        check_request(&request);
    yyjson_doc_free(body);
    return 0;
}

void fuzz_seeds(FuzzTake *take)
{
    static const char *const seeds[] = {
        "{\"features\":[\"geo_demand:orders\",\"geo_demand@v1:trend\"],\"entities\":{\"geo\":[\"a\",7]},"
        "\"full_feature_names\":true}",
        "{\"feature_service\":\"dispatch\",\"entities\":{\"geo\":[]}}",
        "{\"features\":[\"geo_demand:none\"],\"entities\":{\"geo\":[null],\"branch\":[1.5,{}]}}",
        "{\"features\":[\":\",\"@v:\",\"geo_demand@v99999999999999999999:orders\"],\"entities\":{\"\":[\"\"]}}",
    };
    fuzz_take_texts(seeds, sizeof seeds / sizeof seeds[0], take);
}
