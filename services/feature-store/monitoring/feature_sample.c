#include "services/feature-store/monitoring/feature_sample.h"

#include <math.h>
#include <stdlib.h>
#include "services/feature-store/offline/feature_sql.h"

enum { COLUMN_ENTITY, FIRST_FEATURE_COLUMN, FIRST_CAPACITY_ROWS = 1024 };

typedef struct Reading {
    FeatureSample sample;
    size_t rows_max;
    int64_t entity_id; /* of the row before */
} Reading;

static void grow(FeatureSample *sample)
{
    size_t capacity = sample->capacity_rows == 0 ? FIRST_CAPACITY_ROWS : sample->capacity_rows * 2;
    double *values = reallocarray(sample->values, capacity * (sample->columns + 1), sizeof(*values));
    if (values == NULL)
        abort();
    sample->values = values;
    sample->capacity_rows = capacity;
}

/* Rows come by entity. */
static bool read_rows(void *context, const PGresult *result, Error *err)
{
    (void)err;
    Reading *reading = context;
    FeatureSample *sample = &reading->sample;
    for (int row = 0; row < PQntuples(result); row++) {
        if (sample->rows == sample->capacity_rows)
            grow(sample);
        int64_t entity_id = pg_get_int(result, row, COLUMN_ENTITY);
        sample->entities += entity_id != reading->entity_id || sample->rows == 0;
        reading->entity_id = entity_id;
        for (size_t i = 0; i < sample->columns; i++)
            sample->values[sample->rows * sample->columns + i] =
                pg_get_real(result, row, FIRST_FEATURE_COLUMN + (int)i);
        sample->rows++;
    }
    return true;
}

static size_t kept_features(const FeatureView *view)
{
    size_t kept = 0;
    for (size_t i = 0; i < view->features_count; i++)
        kept += !view->features[i].online_only;
    return kept;
}

bool feature_sample_read(PgConnection *connection, const FeatureView *view, Instant from, Instant to, int64_t mask,
                         FeatureSample *ret_sample, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    PgStatement statement = {.name = "feature_sample", .sql = feature_sql_sample(view, arena)};
    Reading reading = {.sample = {.columns = kept_features(view)}};
    reading.rows_max = FEATURE_SAMPLE_VALUES_MAX / (reading.sample.columns + 1);
    bool ok = pg_each(connection, &statement,
                      PG_PARAMS(pg_text(view->entity_kind), pg_instant(from), pg_instant(to), pg_int(mask),
                                pg_int(FEATURE_SAMPLE_ROWS_PER_ENTITY_MAX), pg_int((int64_t)reading.rows_max)),
                      read_rows, &reading, err);
    if (!ok) {
        feature_sample_fini(&reading.sample);
        return false;
    }
    reading.sample.full = reading.sample.rows >= reading.rows_max;
    *ret_sample = reading.sample;
    return true;
}

void feature_sample_fini(FeatureSample *sample)
{
    free(sample->values);
    *sample = (FeatureSample){0};
}

size_t feature_sample_column(const FeatureSample *sample, size_t column, double *out)
{
    size_t count = 0;
    for (size_t row = 0; row < sample->rows; row++) {
        double value = sample->values[row * sample->columns + column];
        if (!isnan(value))
            out[count++] = value;
    }
    return count;
}
