#include "services/feature-store/offline/feature_columns.h"

#include <math.h>
#include <string.h>

FeatureValue feature_value_get(FeatureType type, const PGresult *result, int row, int column)
{
    FeatureValue value = {.null = pg_is_null(result, row, column)};
    if (value.null)
        return value;
    switch (type) {
    case FEATURE_INT64:
        value.integer = pg_get_int(result, row, column);
        break;
    case FEATURE_FLOAT64:
        value.real = pg_get_real(result, row, column);
        break;
    case FEATURE_BOOL:
        value.boolean = pg_get_bool(result, row, column);
        break;
    case FEATURE_TEXT:
        value.text = pg_get_text(result, row, column);
        break;
    case FEATURE_INSTANT:
        value.instant = pg_get_instant(result, row, column);
        break;
    }
    return value;
}

void feature_value_copy(FeatureType type, const FeatureValue *value, PgCopy *copy)
{
    if (value->null) {
        pg_copy_null(copy);
        return;
    }
    switch (type) {
    case FEATURE_INT64:
        pg_copy_int8(copy, value->integer);
        break;
    case FEATURE_FLOAT64:
        pg_copy_float8(copy, value->real);
        break;
    case FEATURE_BOOL:
        pg_copy_bool(copy, value->boolean);
        break;
    case FEATURE_TEXT:
        pg_copy_text(copy, value->text);
        break;
    case FEATURE_INSTANT:
        pg_copy_instant(copy, value->instant);
        break;
    }
}

bool feature_value_equal(FeatureType type, const FeatureValue *one, const FeatureValue *other)
{
    if (one->null || other->null)
        return one->null == other->null;
    switch (type) {
    case FEATURE_FLOAT64:
        return one->real == other->real || (isnan(one->real) && isnan(other->real));
    case FEATURE_BOOL:
        return one->boolean == other->boolean;
    case FEATURE_TEXT:
        return strcmp(one->text, other->text) == 0;
    case FEATURE_INT64:
    case FEATURE_INSTANT:
        return one->integer == other->integer;
    }
    return false;
}
