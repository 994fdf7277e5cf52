#include "services/trainer/model_store.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include "common/json.h"
#include "gen/trainer_sql.h"
#include "services/trainer/promotion.h"

static void free_cleanup(void *pointer)
{
    free(*(void **)pointer);
}
#define FREE_SCOPED __attribute__((cleanup(free_cleanup)))

static json_t *finite_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *levels(const double values[FORECAST_QUANTILES])
{
    json_t *array = json_array();
    for (size_t i = 0; i < FORECAST_QUANTILES; i++) {
        json_array_append_new(array, finite_or_null(values[i]));
    }
    return array;
}

static char *scores_to_json(const Forecaster *forecaster)
{
    size_t count;
    const ModelScore *scores = forecaster_scores(forecaster, &count);
    JSON_SCOPED json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        const ModelScore *score = &scores[i];
        json_array_append_new(array, json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "model",
                                               score->model, "wape", finite_or_null(score->wape), "rmse",
                                               finite_or_null(score->rmse), "bias", finite_or_null(score->bias), "mase",
                                               finite_or_null(score->mase), "wql", finite_or_null(score->wql),
                                               "coverage80", finite_or_null(score->coverage80), "below",
                                               levels(score->below), "at_most", levels(score->at_most), "seconds",
                                               finite_or_null(score->seconds), "hours", (json_int_t)score->hours));
    }
    char *text = json_dumps(array, JSON_COMPACT);
    if (text == NULL) {
        abort();
    }
    return text;
}

/* What promotion compares of the scores in the registry. */
static bool scores_from_json(const char *text, Arena *arena, PromotionRecord *record, Error *err)
{
    static const JsonField fields[] = {
        {"model", JSON_FIELD_TEXT, offsetof(ModelScore, model), false, 0, 0},
        {"wql", JSON_FIELD_REAL, offsetof(ModelScore, wql), true, 0, 0},
        {0},
    };
    JSON_SCOPED json_t *array = NULL;
    if (!json_parse(text, strlen(text), &array, err)) {
        return false;
    }
    ModelScore *scores = arena_array(arena, json_array_size(array) + 1, sizeof *scores);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *item = json_array_get(array, i);
        scores[i].wql = NAN;
        if (!json_read(item, "/scores", fields, arena, &scores[i], err)) {
            return false;
        }
        scores[i].hours = (size_t)json_integer_value(json_object_get(item, "hours"));
    }
    record->scores = scores;
    record->count = json_array_size(array);
    return true;
}

static bool decide(PgConnection *connection, const ModelRecord *record, const Forecaster *forecaster,
                   Hour last_full_hour, Arena *arena, bool *ret_promoted, char reason[PROMOTION_REASON_MAX], Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!pg_run(connection, &sql_select_champion_scores, PG_PARAMS(pg_text(series_group_name(record->group))), &rows,
                err)) {
        return false;
    }
    PromotionRecord challenger = {.method = forecaster_champion(forecaster), .cutoff = record->cutoff}, current;
    challenger.scores = forecaster_scores(forecaster, &challenger.count);
    bool exists =
        PQntuples(rows) == 1 && pg_get_int(rows, 0, 0) != record->version && pg_get_hour(rows, 0, 2) <= last_full_hour;
    if (exists) {
        current = (PromotionRecord){.method = pg_get_text(rows, 0, 1), .cutoff = pg_get_hour(rows, 0, 2)};
        if (!scores_from_json(pg_get_text(rows, 0, 3), arena, &current, err)) {
            return false;
        }
    }
    *ret_promoted = promotion_decide(&challenger, exists ? &current : NULL, reason);
    return true;
}

static bool promote(PgConnection *connection, int64_t version, const char *group, const char *reason, Error *err)
{
    return pg_run(connection, &sql_demote_champion, PG_PARAMS(pg_text(group)), NULL, err) &&
           pg_run(connection, &sql_promote_model, PG_PARAMS(pg_int(version), pg_text(group), pg_text(reason)), NULL,
                  err);
}

static bool compress(const void *data, size_t length_bytes, void **ret_data, size_t *ret_length_bytes, Error *err)
{
    size_t bound = ZSTD_compressBound(length_bytes);
    void *packed = malloc(bound);
    size_t size = packed == NULL ? 0 : ZSTD_compress(packed, bound, data, length_bytes, MODEL_ZSTD_LEVEL);
    if (packed == NULL || ZSTD_isError(size)) {
        free(packed);
        return error_set(err, ERROR_INTERNAL, "The model's %zu bytes could not be compressed.", length_bytes);
    }
    *ret_data = packed;
    *ret_length_bytes = size;
    return true;
}

bool model_store_save(PgConnection *connection, const ModelRecord *record, const Forecaster *forecaster,
                      Hour last_full_hour, Error *err)
{
    FREE_SCOPED void *data = NULL, *packed = NULL;
    FREE_SCOPED char *scores = scores_to_json(forecaster);
    ARENA_SCOPED Arena *arena = arena_new();
    char reason[PROMOTION_REASON_MAX];
    size_t length_bytes = 0, packed_bytes = 0;
    const char *group = series_group_name(record->group);
    bool promoted;

    if (!forecaster_save(forecaster, &data, &length_bytes, err) ||
        !compress(data, length_bytes, &packed, &packed_bytes, err) || !pg_begin(connection, err)) {
        return false;
    }
    if (!decide(connection, record, forecaster, last_full_hour, arena, &promoted, reason, err) ||
        !pg_run(connection, &sql_upsert_model,
                PG_PARAMS(pg_int(record->version), pg_text(group), pg_text(forecaster_champion(forecaster)),
                          pg_hour(record->cutoff), pg_int(record->data_cursor), pg_int((int64_t)record->seed),
                          pg_text(record->parameters), pg_text(scores), pg_text(reason), pg_int((int64_t)length_bytes),
                          pg_bytes(packed, packed_bytes)),
                NULL, err) ||
        (promoted && !promote(connection, record->version, group, reason, err)) || !pg_commit(connection, err)) {
        pg_rollback(connection);
        return false;
    }
    return true;
}

bool model_store_load(PgConnection *connection, SeriesGroup group, Hour cutoff, Forecaster **ret_forecaster, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!pg_run(connection, &sql_select_group_model, PG_PARAMS(pg_text(series_group_name(group)), pg_hour(cutoff)),
                &rows, err)) {
        return false;
    }
    if (PQntuples(rows) == 0) {
        *ret_forecaster = NULL;
        return true;
    }
    size_t packed_bytes;
    const void *packed = pg_get_bytes(rows, 0, 2, &packed_bytes);
    int64_t version = pg_get_int(rows, 0, 0), length_bytes = pg_get_int(rows, 0, 1);
    if (length_bytes < 0 || length_bytes > MODEL_SIZE_LIMIT_BYTES) {
        return error_set(err, ERROR_INTERNAL, "Model %lld claims a size of %lld bytes.", (long long)version,
                         (long long)length_bytes);
    }
    FREE_SCOPED void *data = malloc((size_t)length_bytes + 1);
    size_t size = data == NULL ? 0 : ZSTD_decompress(data, (size_t)length_bytes, packed, packed_bytes);
    if (size != (size_t)length_bytes) {
        return error_set(err, ERROR_INTERNAL, "Model %lld in the registry is damaged.", (long long)version);
    }
    return forecaster_load(data, size, ret_forecaster, err) || error_prefix(err, "model %lld", (long long)version);
}

bool model_store_promote(PgConnection *connection, int64_t version, Error *err)
{
    PG_RESULT_SCOPED PGresult *groups = NULL;
    if (!pg_begin(connection, err)) {
        return false;
    }
    bool ok = pg_run(connection, &sql_select_model_groups, PG_PARAMS(pg_int(version)), &groups, err);
    if (ok && PQntuples(groups) == 0) {
        ok = error_set_at(err, ERROR_NOT_FOUND, "version", "There is no model %lld; GET /models lists them.",
                          (long long)version);
    }
    for (int row = 0; ok && row < PQntuples(groups); row++) {
        ok = promote(connection, version, pg_get_text(groups, row, 0), "Promoted by hand.", err);
    }
    if (!ok || !pg_commit(connection, err)) {
        pg_rollback(connection);
        return false;
    }
    return true;
}

bool model_store_save_backtest(PgConnection *connection, int64_t run_id, SeriesGroup group,
                               const Forecaster *forecaster, size_t series, double seconds, Error *err)
{
    FREE_SCOPED char *scores = scores_to_json(forecaster);
    return pg_run(connection, &sql_upsert_backtest,
                  PG_PARAMS(pg_int(run_id), pg_text(series_group_name(group)), pg_text(forecaster_champion(forecaster)),
                            pg_int((int64_t)series), pg_real(seconds), pg_text(scores)),
                  NULL, err);
}
