/* The model registry in Postgres. */
#pragma once

#include "common/pg.h"
#include "services/trainer/forecasting/forecaster.h"
#include "services/trainer/series_group.h"

enum { MODEL_SIZE_LIMIT_BYTES = 256 * 1024 * 1024, MODEL_ZSTD_LEVEL = 3 };

typedef struct ModelRecord {
    int64_t version; /* number of the run that trained it */
    SeriesGroup group;
    Hour cutoff;
    int64_t data_cursor;
    uint64_t seed;
    const char *parameters; /* JSON */
} ModelRecord;

/* Writes the model and decides, in the same transaction, whether it becomes champion. A champion that has seen hours
 * after `last_full_hour` (a clock that was set back) does not count. */
bool model_store_save(PgConnection *connection, const ModelRecord *record, const Forecaster *forecaster,
                      Hour last_full_hour, Error *err) MUST_CHECK;
/* The model to forecast the group from a cutoff with: its champion, or the newest that has not seen later hours.
 * *ret_forecaster is NULL when there is none; else the caller's. */
bool model_store_load(PgConnection *connection, SeriesGroup group, Hour cutoff, Forecaster **ret_forecaster,
                      Error *err) MUST_CHECK;
/* Makes all models of the version champions. NOT_FOUND. */
bool model_store_promote(PgConnection *connection, int64_t version, Error *err) MUST_CHECK;
bool model_store_save_backtest(PgConnection *connection, int64_t run_id, SeriesGroup group,
                               const Forecaster *forecaster, size_t series, double seconds, Error *err) MUST_CHECK;
