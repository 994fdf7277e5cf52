/* References to features as Feast writes them: "view:feature", or "view@v2:feature" of a version. Pure. */
#pragma once

#include "services/feature-store/registry/feature_view.h"

/* The view (without a version: its newest) and the index of the feature. err->pointer is "features": UNPROCESSABLE for
 * a text that is no reference and for an unknown feature, NOT_FOUND for an unknown view. */
bool feature_reference_find(const FeatureViews *views, const char *text, const FeatureView **ret_view,
                            size_t *ret_feature, Error *err) MUST_CHECK;

/* "view" or "view@v2" of that length. NULL when there is none, or the version is no number. */
const FeatureView *feature_reference_view(const FeatureViews *views, const char *text, size_t length);
