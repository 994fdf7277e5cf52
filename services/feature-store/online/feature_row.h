/* A row of feature values as it lies in the online store: compact, little-endian, replaced as a whole. Pure.
 * Layout: u8 format (2), u8 0, u16 number of features, u32 schema hash, i64 event timestamp, i64 created (microseconds
 * since 1970), a bit per feature that is set when the value is null, then 8 bytes per feature: int64, IEEE 754 double,
 * 0 or 1 of a bool, microseconds of a timestamp, or u32 offset and u32 length of a text. The texts follow, each ended
 * by a NUL; offsets count from the first of them. */
#pragma once

#include "common/buffer.h"
#include "common/hour.h"
#include "services/feature-store/registry/feature_view.h"

enum { FEATURE_TEXT_MAX = 64 * 1024 }; /* bytes of one text value */

typedef struct FeatureRow {
    Instant event_timestamp, created;
    FeatureValue *values; /* one per feature of the view */
} FeatureRow;

/* Appends the packed row. */
void feature_row_pack(const FeatureView *view, const FeatureRow *row, Buffer *out);
/* Fills row->values, which has room for the view's features. Texts are copied into the arena; without one (NULL) they
 * point into `data`. MALFORMED when the bytes are not a whole row of exactly this view and version. */
bool feature_row_unpack(const FeatureView *view, const void *data, size_t length_bytes, Arena *arena, FeatureRow *row,
                        Error *err) MUST_CHECK;
