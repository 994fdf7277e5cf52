#include "services/trainer/first_set.h"

enum { FITTED_HOURS = 13 * HOURS_PER_DAY };

/* The same series without what is longer ago. */
static DemandHistory recent(const DemandHistory *history, Arena *arena)
{
    DemandHistory cut = {.series = arena_array(arena, history->count + 1, sizeof(DemandSeries)),
                         .count = history->count};
    for (size_t i = 0; i < history->count; i++) {
        DemandSeries *series = &cut.series[i];
        *series = history->series[i];
        size_t left_out = series->hours > FITTED_HOURS ? series->hours - FITTED_HOURS : 0;
        series->first_hour += (Hour)left_out;
        series->hours -= left_out;
        series->demand += left_out;
    }
    return cut;
}

static bool add_group(const Trainer *trainer, const DemandSnapshot *snapshot, SeriesGroup group, size_t hours,
                      Arena *arena, SetWriter *writer, Error *err)
{
    const DemandHistory *history = &snapshot->groups[group], cut = recent(history, arena);
    const ForecasterOptions options = {.seed = (uint64_t)trainer->config.seed, .threads = 1};
    Forecaster *forecaster;
    ForecastSet set;
    if (!forecaster_train(&cut, snapshot->cutoff, &options, &forecaster, err)) {
        return false;
    }
    bool ok = forecaster_predict(forecaster, history, snapshot->cutoff, hours, arena, &set, err);
    if (ok) {
        set_writer_add(writer, &set, series_group_vertical(group));
    }
    forecaster_free(forecaster);
    return ok;
}

bool first_set_publish(const Trainer *trainer, const DemandSnapshot *snapshot, const SetHeader *header, const char *id,
                       Error *err)
{
    const CommonConfig *common = &trainer->config.common;
    ARENA_SCOPED Arena *arena = arena_new();
    SetWriter *writer;
    if (!set_writer_new(common->spool_dir, header, &writer, err)) {
        return false;
    }
    bool ok = true;
    for (SeriesGroup group = 0; ok && group < SERIES_GROUPS; group++) {
        ok = snapshot->groups[group].count == 0 ||
             add_group(trainer, snapshot, group, header->hours, arena, writer, err);
    }
    ok = ok && set_writer_send(writer, common->forecast_api_url, common->token, id, true, err);
    set_writer_free(writer);
    return ok;
}
