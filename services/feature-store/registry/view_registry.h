/* Brings the offline store to what the declarations say: features.view has a row per view and version, each stored view
 * its table and its row of features.progress. */
#pragma once

#include "common/pg.h"
#include "services/feature-store/registry/feature_view.h"

/* Safe to repeat and to be done by several processes at once; one transaction of its own. A new feature of a known
 * version becomes a column (null in older rows). CONFLICT when a feature was removed or a key or type changed under the
 * same version: such a declaration "needs version N+1". What is no longer declared stays as it is. */
bool view_registry_apply(PgConnection *connection, const FeatureViews *views, Error *err) MUST_CHECK;
