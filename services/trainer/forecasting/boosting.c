#include "services/trainer/forecasting/boosting.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xgboost/c_api.h>

enum { ROUNDS = 100, ROUNDS_BETWEEN_PROGRESS = 10, PREDICTION_THREADS = 2 };

static const char *const parameters[][2] = {
    {"objective", "count:poisson"},
    {"tree_method", "hist"},
    {"max_bin", "64"},
    {"max_depth", "5"},
    {"eta", "0.07"},
    {"subsample", "0.7"},
    {"colsample_bytree", "0.6"},
    {"lambda", "20"},
    {"min_child_weight", "100"},
    {"verbosity", "0"},
};

struct Booster {
    BoosterHandle handle;
};

static void matrix_cleanup(DMatrixHandle *matrix)
{
    if (*matrix)
        XGDMatrixFree(*matrix);
}

#define MATRIX_SCOPED __attribute__((cleanup(matrix_cleanup)))

static bool failed(Error *err, const char *what)
{
    return error_set(err, ERROR_INTERNAL, "%s: %.300s", what, XGBGetLastError());
}

static bool matrix_create(const BoosterRows *rows, bool labelled, DMatrixHandle *ret_matrix, Error *err)
{
    DMatrixHandle matrix MATRIX_SCOPED = NULL;
    if (XGDMatrixCreateFromMat_omp(rows->features, rows->rows, rows->columns, NAN, &matrix, PREDICTION_THREADS) != 0 ||
        XGDMatrixSetFloatInfo(matrix, "base_margin", rows->offset, rows->rows) != 0 ||
        (labelled && (XGDMatrixSetFloatInfo(matrix, "label", rows->demand, rows->rows) != 0 ||
                      XGDMatrixSetFloatInfo(matrix, "weight", rows->weight, rows->rows) != 0)))
        return failed(err, "rows for boosting");
    *ret_matrix = matrix;
    matrix = NULL;
    return true;
}

static bool set_number(BoosterHandle handle, const char *name, unsigned number, Error *err)
{
    char text[16];
    snprintf(text, sizeof text, "%u", number);
    return XGBoosterSetParam(handle, name, text) == 0 || failed(err, name);
}

static bool boost(BoosterHandle handle, DMatrixHandle matrix, const BoosterOptions *options, Error *err)
{
    if (!set_number(handle, "seed", (unsigned)(options->seed & INT32_MAX), err) ||
        !set_number(handle, "nthread", (unsigned)options->threads, err))
        return false;
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++)
        if (XGBoosterSetParam(handle, parameters[i][0], parameters[i][1]) != 0)
            return failed(err, parameters[i][0]);
    for (int round = 0; round < ROUNDS; round++) {
        if (XGBoosterUpdateOneIter(handle, round, matrix) != 0)
            return failed(err, "boosting");
        if (options->progress && round % ROUNDS_BETWEEN_PROGRESS == 0 &&
            !options->progress(options->progress_context, (double)round / ROUNDS))
            return error_set(err, ERROR_UNAVAILABLE, "stopped");
    }
    return true;
}

bool booster_train(const BoosterRows *rows, const BoosterOptions *options, Booster **ret_booster, Error *err)
{
    DMatrixHandle matrix MATRIX_SCOPED = NULL;
    if (!matrix_create(rows, true, &matrix, err))
        return false;
    BoosterHandle handle;
    if (XGBoosterCreate(&matrix, 1, &handle) != 0)
        return failed(err, "booster");
    if (!boost(handle, matrix, options, err)) {
        XGBoosterFree(handle);
        return false;
    }
    *ret_booster = malloc(sizeof **ret_booster);
    if (!*ret_booster)
        abort();
    (*ret_booster)->handle = handle;
    return true;
}

bool booster_predict(const Booster *booster, const BoosterRows *rows, float *ret_expected, Error *err)
{
    DMatrixHandle matrix MATRIX_SCOPED = NULL;
    if (rows->rows == 0)
        return true;
    if (!matrix_create(rows, false, &matrix, err))
        return false;
    bst_ulong count = 0;
    const float *expected = NULL;
    if (XGBoosterPredict(booster->handle, matrix, 0, 0, 0, &count, &expected) != 0)
        return failed(err, "prediction");
    if (count != rows->rows)
        return error_set(err, ERROR_INTERNAL, "prediction: %lu rows instead of %zu", (unsigned long)count, rows->rows);
    memcpy(ret_expected, expected, rows->rows * sizeof *ret_expected);
    return true;
}

void booster_free(Booster *booster)
{
    if (!booster)
        return;
    XGBoosterFree(booster->handle);
    free(booster);
}

bool booster_save(const Booster *booster, void **ret_data, size_t *ret_length_bytes, Error *err)
{
    bst_ulong length = 0;
    const char *data = NULL;
    if (XGBoosterSaveModelToBuffer(booster->handle, "{\"format\": \"ubj\"}", &length, &data) != 0)
        return failed(err, "saving the booster");
    *ret_data = malloc(length ? length : 1);
    if (!*ret_data)
        abort();
    memcpy(*ret_data, data, length);
    *ret_length_bytes = length;
    return true;
}

bool booster_load(const void *data, size_t length_bytes, Booster **ret_booster, Error *err)
{
    BoosterHandle handle;
    if (XGBoosterCreate(NULL, 0, &handle) != 0)
        return failed(err, "booster");
    bool loaded = XGBoosterLoadModelFromBuffer(handle, data, length_bytes) == 0 || failed(err, "loading the booster");
    if (!loaded || !set_number(handle, "nthread", PREDICTION_THREADS, err)) {
        XGBoosterFree(handle);
        return false;
    }
    *ret_booster = malloc(sizeof **ret_booster);
    if (!*ret_booster)
        abort();
    (*ret_booster)->handle = handle;
    return true;
}
