#include "services/trainer/forecasting/backtest.h"

#include <string.h>
#include "services/trainer/forecasting/accuracy.h"

enum { HISTORY_WEEKS_MIN = 2, TRAINING_WEEKS_MIN = 6 };

int backtest_folds(const Panel *panel)
{
    int weeks = (panel->cutoff - panel->first + 1) / HOURS_PER_WEEK;
    int folds = weeks - TRAINING_WEEKS_MIN;
    if (folds < 2)
        folds = weeks - HISTORY_WEEKS_MIN < 2 ? weeks - HISTORY_WEEKS_MIN : 2;
    return folds < 0 ? 0 : folds > BACKTEST_FOLDS_MAX ? BACKTEST_FOLDS_MAX : folds;
}

/* Series to be scored: all, or every n-th of those known when there are too many. */
static size_t choose_series(const FeatureSet *set, size_t stride, size_t *ret_series)
{
    size_t known = 0, chosen = 0;
    for (size_t i = 0; i < set->panel->count; i++)
        if (set->baselines.series[i].known && known++ % stride == 0)
            ret_series[chosen++] = i;
    return chosen;
}

static void add_row(const FeatureSet *set, size_t i, Hour hour, const float expectations[CANDIDATES], float scale,
                    Backtest *backtest)
{
    float demand = series_at(&set->panel->series[i], hour);
    if (isnan(demand))
        return;
    const Baseline *baseline = &set->baselines.series[i];
    size_t row = backtest->rows++;
    backtest->demand[row] = demand;
    memcpy(backtest->expectations[row], expectations, sizeof(Expectations));
    backtest->prospects[row] = (Prospect){.dispersion = baseline->dispersion,
                                          .lead = (uint16_t)(hour - set->baselines.origin),
                                          .volume_class = volume_class((double)baseline->mean),
                                          .fractional = baseline->fractional};
    backtest->scale[row] = scale;
}

bool backtest_run(const Panel *panel, const Booster *booster, int folds, Arena *arena, Backtest *ret_backtest,
                  Error *err)
{
    size_t all = (size_t)folds * panel->count * BACKTEST_HOURS, stride = all / BACKTEST_ROWS_MAX + 1;
    size_t most = all / stride + (size_t)folds * BACKTEST_HOURS + 1;
    *ret_backtest = (Backtest){.folds = folds};
    ret_backtest->demand = arena_array(arena, most, sizeof *ret_backtest->demand);
    ret_backtest->expectations = arena_array(arena, most, sizeof *ret_backtest->expectations);
    ret_backtest->prospects = arena_array(arena, most, sizeof *ret_backtest->prospects);
    ret_backtest->scale = arena_array(arena, most, sizeof *ret_backtest->scale);
    ret_backtest->run = arena_array(arena, most, sizeof *ret_backtest->run);
    Arena *fold_arena ARENA_SCOPED = arena_new();
    uint32_t run = 0;
    for (int fold = folds; fold >= 1; fold--) {
        FeatureSet set;
        arena_reset(fold_arena);
        features_prepare(panel, panel->cutoff - fold * HOURS_PER_WEEK, fold_arena, &set);
        size_t *series = arena_array(fold_arena, panel->count + 1, sizeof *series);
        size_t count = choose_series(&set, stride, series);
        Expectations *expectations = arena_array(fold_arena, count * BACKTEST_HOURS + 1, sizeof *expectations);
        if (!candidates_predict(&set, booster, series, count, BACKTEST_HOURS, expectations, err))
            return false;
        for (size_t i = 0; i < count; i++, run++) {
            float scale = (float)accuracy_scale(&panel->series[series[i]], set.baselines.origin);
            for (size_t lead = 1; lead <= BACKTEST_HOURS; lead++) {
                size_t row = ret_backtest->rows;
                add_row(&set, series[i], set.baselines.origin + (Hour)lead, expectations[i * BACKTEST_HOURS + lead - 1],
                        scale, ret_backtest);
                if (ret_backtest->rows > row)
                    ret_backtest->run[row] = run;
            }
        }
    }
    return true;
}
