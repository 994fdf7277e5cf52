/* Values of a feature view in a span of event timestamps: all, or those of a part of the entities that a hash of their
 * number chooses, so that large views cost no more than small ones. */
#pragma once

#include "common/pg.h"
#include "services/feature-store/registry/feature_view.h"

enum { FEATURE_SAMPLE_VALUES_MAX = 1000000, FEATURE_SAMPLE_ROWS_PER_ENTITY_MAX = 5000 };

typedef struct FeatureSample {
    size_t columns; /* features kept offline, in the order of the declaration */
    size_t rows, entities;
    bool full;      /* the limit was reached: there may be more */
    double *values; /* rows * columns; NaN: null. A bool is 0 or 1, a timestamp seconds since 1970, a string 0 */
    size_t capacity_rows;
} FeatureSample;

/* The newest recorded values of event timestamps (from, to] of the entities whose hash has none of the bits of `mask`
 * (0: all entities). Inside an open transaction. */
bool feature_sample_read(PgConnection *connection, const FeatureView *view, Instant from, Instant to, int64_t mask,
                         FeatureSample *ret_sample, Error *err) MUST_CHECK;
void feature_sample_fini(FeatureSample *sample); /* accepts a zeroed one */
/* The numbers of a column, nulls left out, into `out` (room for `rows`). Returns how many. */
size_t feature_sample_column(const FeatureSample *sample, size_t column, double *out);
