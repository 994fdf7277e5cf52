/* Training rows of the booster: hours after past origins, thinned to a cap so that time and memory stay bounded. */
#pragma once

#include "services/trainer/forecasting/boosting.h"
#include "services/trainer/forecasting/features.h"

enum { DATASET_ROWS_MAX = 150000, DATASET_ROWS_MIN = 2000, DATASET_LEAD_MAX = HOURS_PER_WEEK };

typedef struct Dataset {
    float *features, *demand, *offset, *weight; /* malloc */
    size_t rows;
} Dataset;

/* Rows whose origin and hour are known at `end`. Which rows are kept depends on their geo, origin and lead alone. */
void dataset_build(const Panel *panel, Hour end, uint64_t seed, Dataset *ret_dataset);
void dataset_fini(Dataset *dataset);
