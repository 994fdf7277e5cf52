/* One value of a data frame: JSON to what a feature or a join key holds (see feast_frame.h for what is taken). Pure. */
#pragma once

#include <yyjson.h>
#include "services/feature-store/online/feature_row.h"

/* False when the value is not one of that type. Texts point into the document. */
bool feast_value_read(yyjson_val *json, FeatureType type, FeatureValue *ret_value) MUST_CHECK;
/* As feast_value_read; a whole number becomes a text (in the arena) where the key is one. */
bool feast_key_read(yyjson_val *json, FeatureType type, Arena *arena, FeatureValue *ret_value) MUST_CHECK;
/* ISO 8601 with or without a zone, a bare date, or a whole number since 1970. */
bool feast_instant_read(yyjson_val *json, Instant *ret_instant) MUST_CHECK;
/* The same of a text of that length, and of a number since 1970 whose size tells its unit. */
bool feast_time_read(const char *text, size_t length, Instant *ret_instant) MUST_CHECK;
bool feast_epoch_read(int64_t number, Instant *ret_instant) MUST_CHECK;
