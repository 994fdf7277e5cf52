/* The body of Feast's POST /get-online-features: which features of which entities. Pure. */
#pragma once

#include "services/feature-store/registry/feature_view.h"

enum { FEAST_ENTITIES_MAX = 1000, FEAST_FEATURES_MAX = 400, FEAST_VIEWS_MAX = 16, FEAST_ENTITY_VALUE_MAX = 256 };

typedef struct FeastColumn {
    size_t view;      /* index into FeastRequest.views */
    size_t feature;   /* index into that view's features */
    const char *name; /* in the answer */
} FeastColumn;

typedef struct FeastJoinKey {
    const char *name;
    const char **values; /* one per entity */
} FeastJoinKey;

typedef struct FeastView {
    const FeatureView *view;
    size_t join_key; /* index into FeastRequest.join_keys */
} FeastView;

typedef struct FeastRequest {
    size_t entities_count;
    FeastJoinKey join_keys[FEAST_VIEWS_MAX];
    size_t join_keys_count;
    FeastView views[FEAST_VIEWS_MAX];
    size_t views_count;
    FeastColumn *columns;
    size_t columns_count;
    bool with_version_metadata;
} FeastRequest;

/* Reads the body; everything lives in the arena. On failure err->pointer is "features", "feature_service" or
 * "entities": NOT_FOUND for an unknown view or service, UNPROCESSABLE for everything else. */
bool feast_request_read(const json_t *body, const FeatureViews *views, Arena *arena, FeastRequest *ret_request,
                        Error *err) MUST_CHECK;
