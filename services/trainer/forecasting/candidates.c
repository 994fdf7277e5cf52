#include "services/trainer/forecasting/candidates.h"

#include "services/trainer/forecasting/window.h"

enum { CHUNK_SERIES = 256 };

static const char *const names[CANDIDATES] = {
#define C(name, text) text,
    CANDIDATE_LIST(C)
#undef C
};

/* Weeks of the candidates that are means of a window. */
static const int window_weeks[] = {[CANDIDATE_REPETITION] = 1, [CANDIDATE_WINDOW_4] = 4, [CANDIDATE_WINDOW_6] = 6};

const char *candidate_name(Candidate candidate)
{
    return names[candidate];
}

static void predict_simple(const FeatureSet *set, size_t i, Hour hour, double baseline, float expectations[CANDIDATES])
{
    for (size_t c = 0; c < sizeof window_weeks / sizeof *window_weeks; c++) {
        float values[WINDOW_WEEKS_MAX];
        size_t known = window_collect(&set->panel->series[i], set->panel->clocks[i], set->baselines.origin, hour,
                                      window_weeks[c], c != CANDIDATE_REPETITION, values);
        expectations[c] = known ? (float)window_mean(values, known) : (float)baseline;
    }
    expectations[CANDIDATE_BASELINE] = (float)baseline;
    expectations[CANDIDATE_BOOSTED] = (float)baseline;
}

/* One chunk of series; `features`, `offset` and `boosted` have room for all its rows. */
static bool predict_chunk(const FeatureSet *set, const Booster *booster, const size_t *series, size_t count,
                          size_t hours, float (*features)[FEATURES], float *offset, float *boosted,
                          Expectations *ret_expectations, Error *err)
{
    size_t row = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t lead = 1; lead <= hours; lead++, row++) {
            Hour hour = set->baselines.origin + (Hour)lead;
            double baseline = features_row(set, series[i], hour, features[row]);
            offset[row] = (float)log(baseline);
            predict_simple(set, series[i], hour, baseline, ret_expectations[row]);
        }
    }
    if (!booster)
        return true;
    BoosterRows rows = {.features = features[0], .offset = offset, .rows = row, .columns = FEATURES};
    if (!booster_predict(booster, &rows, boosted, err))
        return false;
    for (size_t r = 0; r < row; r++)
        ret_expectations[r][CANDIDATE_BOOSTED] = boosted[r];
    return true;
}

bool candidates_predict(const FeatureSet *set, const Booster *booster, const size_t *series, size_t count, size_t hours,
                        Expectations *ret_expectations, Error *err)
{
    Arena *arena ARENA_SCOPED = arena_new();
    size_t rows = CHUNK_SERIES * (hours ? hours : 1);
    float(*features)[FEATURES] = arena_array(arena, rows, sizeof *features);
    float *offset = arena_array(arena, rows, sizeof *offset);
    float *boosted = arena_array(arena, rows, sizeof *boosted);
    for (size_t done = 0; done < count; done += CHUNK_SERIES) {
        size_t chunk = count - done < CHUNK_SERIES ? count - done : CHUNK_SERIES;
        if (!predict_chunk(set, booster, series + done, chunk, hours, features, offset, boosted,
                           ret_expectations + done * hours, err))
            return false;
    }
    return true;
}
