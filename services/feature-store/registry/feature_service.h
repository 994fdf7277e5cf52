/* Feature services as JSON files declare them: a name for the features that a model asks for together. Those of
 * feature_services/ are embedded at build time; more may lie in a folder named at start. {"name", "description",
 * "owner", "features": ["view:feature", ..]}. Pure but for the folder. */
#pragma once

#include "services/feature-store/registry/feature_view.h"

enum { FEATURE_SERVICES_MAX = 256, FEATURES_PER_SERVICE_MAX = 400 };

typedef struct FeatureService {
    const char *name, *description, *owner;
    const char **features; /* references, see feature_reference.h */
    size_t features_count;
    json_t *declaration; /* owned by the FeatureServices */
} FeatureService;

typedef struct FeatureServices {
    Arena *arena;
    FeatureService *items;
    size_t count;
} FeatureServices;

extern const char *const feature_service_declarations[];
extern const size_t feature_service_declarations_count;

/* Reads `count` declarations over the views that there are. MALFORMED, NOT_FOUND or UNPROCESSABLE names the declaration
 * and what is wrong. */
bool feature_services_load(const char *const *declarations, size_t count, const FeatureViews *views,
                           FeatureServices *ret_services, Error *err) MUST_CHECK;
/* Adds the folder's files *.json in the order of their names; a broken one is an error that names it, after which
 * `services` is to be thrown away. */
bool feature_services_load_folder(const char *folder, const FeatureViews *views, FeatureServices *services,
                                  Error *err) MUST_CHECK;
void feature_services_fini(FeatureServices *services); /* accepts a zeroed one */

/* NULL when there is none; accepts zeroed services. */
const FeatureService *feature_services_find(const FeatureServices *services, const char *name);
