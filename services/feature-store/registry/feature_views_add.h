/* How feature_view.c and feature_view_folder.c gather views; nothing for others. */
#pragma once

#include "services/feature-store/registry/feature_declaration.h"

void feature_views_begin(FeatureViews *views);
/* Reads one declaration into the next item. */
bool feature_views_add(FeatureViews *views, const char *text, size_t length_bytes, const FeatureQueryReader *queries,
                       Error *err) MUST_CHECK;
