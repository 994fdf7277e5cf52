/* The data frame of Feast's writes: {"column": [value, ..], ..} with a list of the same length for each column. Pure.
 * Columns: the view's join keys, `event_timestamp`, `created` (may be missing), and every feature of the view; others
 * are ignored.
 * Times: ISO 8601 with a zone, without one it is UTC, a bare date is its midnight; or a whole number since 1970, whose
 * size tells its unit: below 1e11 seconds, below 1e14 milliseconds, below 1e17 microseconds, else nanoseconds. Years
 * 1970 to 2200.
 * Values: null and NaN are null. int64 takes whole numbers, 3.0 too (pandas makes floats of integers with nulls);
 * float64 numbers and the texts "NaN", "Infinity" and "-Infinity"; bool true, false, 1 and 0; string texts of at most
 * FEATURE_TEXT_MAX bytes; timestamp what times are. Join keys: int64 as above; string texts, and whole numbers as their
 * decimal text. */
#pragma once

#include <yyjson.h>
#include "services/feature-store/online/feature_row.h"

enum { FEAST_FRAME_ROWS_MAX = 100000, FEAST_FRAME_VALUES_MAX = 5000000 };

typedef struct FeastFrameRow {
    const char *entity; /* canonical text */
    FeatureRow row;     /* created: INSTANT_NONE where the frame has none */
} FeastFrameRow;

typedef struct FeastFrame {
    FeastFrameRow *rows;
    size_t count;
} FeastFrame;

/* All rows, or none: UNPROCESSABLE says what is wrong where, e.g. `row 3, column f00: "abc" is not a float64`; rows are
 * counted from 0. TOO_LARGE beyond the limits. Text features point into the document of `frame`, all else is in the
 * arena. */
bool feast_frame_read(yyjson_val *frame, const FeatureView *view, Arena *arena, FeastFrame *ret_frame,
                      Error *err) MUST_CHECK;

/* The newest row of each entity, of several with the same event time the last one: what counts online. */
FeastFrame feast_frame_newest(const FeastFrame *frame, Arena *arena);
