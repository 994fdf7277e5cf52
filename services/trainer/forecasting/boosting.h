/* Gradient boosted trees for counts, with the log of a baseline as offset: the trees learn corrections only. The one
 * file that includes XGBoost. A booster for given rows and seed is the same bytes on every run. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "common/error.h"

typedef struct Booster Booster; /* immutable */

/* Rows x columns features, NAN unknown; `demand` the targets, `offset` the log of the baseline of each row,
 * `weight` its weight in training. */
typedef struct BoosterRows {
    const float *features, *demand, *offset, *weight;
    size_t rows, columns;
} BoosterRows;

typedef struct BoosterOptions {
    uint64_t seed;
    int threads; /* at least 1; the bytes do not depend on it */
    /* Called after every few rounds with the share done; false ends the work with ERROR_UNAVAILABLE. May be NULL. */
    bool (*progress)(void *context, double share);
    void *progress_context;
} BoosterOptions;

bool booster_train(const BoosterRows *rows, const BoosterOptions *options, Booster **ret_booster,
                   Error *err) MUST_CHECK;
/* Expected demand of each row; `demand` and `weight` of the rows are not read. */
bool booster_predict(const Booster *booster, const BoosterRows *rows, float *ret_expected, Error *err) MUST_CHECK;
void booster_free(Booster *booster); /* accepts NULL */

/* XGBoost's own bytes (UBJSON); the caller's (free()). */
bool booster_save(const Booster *booster, void **ret_data, size_t *ret_length_bytes, Error *err) MUST_CHECK;
bool booster_load(const void *data, size_t length_bytes, Booster **ret_booster, Error *err) MUST_CHECK;
