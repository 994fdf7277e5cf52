/* Feature values in columns of the offline store. */
#pragma once

#include "common/pg.h"
#include "services/feature-store/registry/feature_view.h"

/* The value in a column of the feature's type; a text lives as long as the result. */
FeatureValue feature_value_get(FeatureType type, const PGresult *result, int row, int column);
/* The next field of a row that is copied into such a column. */
void feature_value_copy(FeatureType type, const FeatureValue *value, PgCopy *copy);
/* Whether they are the same; a NaN is itself. */
bool feature_value_equal(FeatureType type, const FeatureValue *one, const FeatureValue *other);
