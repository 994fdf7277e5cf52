/* The body of Feast's POST /get-online-features: which features of which entities. Pure. */
#pragma once

#include <yyjson.h>
#include "services/feature-store/registry/feature_service.h"

enum {
    FEAST_ENTITIES_MAX = 1000,
    FEAST_FEATURES_MAX = 400,
    FEAST_VIEWS_MAX = 16,
    FEAST_JOIN_KEYS_MAX = FEAST_VIEWS_MAX * FEATURE_KEYS_MAX,
    FEAST_ENTITY_VALUE_MAX = FEATURE_ENTITY_MAX,
};

typedef struct FeastColumn {
    size_t view;      /* index into FeastRequest.views */
    size_t feature;   /* index into that view's features */
    const char *name; /* in the answer */
} FeastColumn;

typedef struct FeastJoinKey {
    const char *name;
    FeatureType type;    /* FEATURE_INT64 or FEATURE_TEXT */
    const char **values; /* one per entity; integers in decimal */
} FeastJoinKey;

typedef struct FeastView {
    const FeatureView *view;
    size_t join_keys[FEATURE_KEYS_MAX]; /* of each of the view's keys, index into FeastRequest.join_keys */
    const char **entities;              /* one per entity row: its canonical text in this view */
} FeastView;

typedef struct FeastRequest {
    size_t entities_count;
    FeastJoinKey join_keys[FEAST_JOIN_KEYS_MAX];
    size_t join_keys_count;
    FeastView views[FEAST_VIEWS_MAX];
    size_t views_count;
    FeastColumn *columns; /* in the order of the request */
    size_t columns_count;
    bool with_version_metadata;
} FeastRequest;

/* Reads the body; everything lives in the arena. A `feature_service` wins over `features`. On failure err->pointer is
 * "features", "full_feature_names" (two features of one name), "feature_service" or "entities": NOT_FOUND for an
 * unknown view or service, UNPROCESSABLE for everything else. */
bool feast_request_read(yyjson_val *body, const FeatureViews *views, const FeatureServices *services, size_t rows_max,
                        Arena *arena, FeastRequest *ret_request, Error *err) MUST_CHECK;

/* For bodies of another form, in this order: one feature by its reference, request->columns having room for it; then,
 * with entities_count and the values of all join keys set, the entities of each view. Errors as above. */
bool feast_request_add(FeastRequest *request, const FeatureViews *views, const char *text, bool full_names,
                       Arena *arena, Error *err) MUST_CHECK;
bool feast_request_join(FeastRequest *request, Arena *arena, Error *err) MUST_CHECK;
