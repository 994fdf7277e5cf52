/* Feature views as the JSON files of views/ declare them. A declaration is data: entity, features with types, time to
 * live, owner, description, version. A change that breaks readers needs a new version. Pure. */
#pragma once

#include <stdint.h>
#include "common/arena.h"
#include "common/json.h"

enum { FEATURE_VIEWS_MAX = 64, FEATURES_PER_VIEW_MAX = 200, FEATURE_NAME_MAX = 63 };

typedef enum FeatureType { FEATURE_INT64, FEATURE_FLOAT64 } FeatureType;

typedef struct Feature {
    const char *name; /* also the column in the offline table */
    FeatureType type;
    const char *description;
} Feature;

typedef struct FeatureView {
    const char *name; /* also the offline table, features.<name> */
    int64_t version;
    const char *description, *owner;
    const char *entity, *join_key;
    int64_t ttl_s; /* older values are not served online */
    const Feature *features;
    size_t features_count;
    uint32_t schema_hash; /* of name, version and the features' names and types, in order */
    json_t *declaration;  /* owned by the FeatureViews */
} FeatureView;

typedef struct FeatureViews {
    Arena *arena;
    FeatureView *items;
    size_t count;
} FeatureViews;

/* The files of views/, embedded at build time. */
extern const char *const feature_view_declarations[];
extern const size_t feature_view_declarations_count;

/* Reads `count` declarations. MALFORMED or UNPROCESSABLE names the declaration and the field. The texts are copied. */
bool feature_views_load(const char *const *declarations, size_t count, FeatureViews *ret_views, Error *err) MUST_CHECK;
void feature_views_fini(FeatureViews *views); /* accepts a zeroed one */

/* The view with that name and version; version 0: the newest. NULL when there is none. */
const FeatureView *feature_views_find(const FeatureViews *views, const char *name, size_t name_length, int64_t version);
/* Index of the feature, or -1. */
int feature_view_index(const FeatureView *view, const char *feature);
const char *feature_type_name(FeatureType type);
