/* The statement that a view's query is run in. Pure. */
#pragma once

#include "services/feature-store/registry/feature_view.h"

/* SELECT of the keys (text), event_timestamp and the features with their declared types, in the order of the
 * declaration, over the view's query; $1 is now. In the arena. */
const char *batch_source_statement(const FeatureView *view, Arena *arena);
