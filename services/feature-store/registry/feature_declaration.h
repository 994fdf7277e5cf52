/* Reads one declaration of a feature view. Pure. */
#pragma once

#include "services/feature-store/registry/feature_view.h"

/* Where the queries that declarations name are found. */
typedef struct FeatureQueryReader {
    bool (*read)(void *context, const char *file, Arena *arena, const char **ret_sql, Error *err);
    void *context;
} FeatureQueryReader;

/* Fills all but view->declaration; texts are in the arena. UNPROCESSABLE names the field by its JSON pointer. */
bool feature_declaration_read(const json_t *declaration, const FeatureQueryReader *queries, Arena *arena,
                              FeatureView *view, Error *err) MUST_CHECK;
