#include "services/forecast-api/answer.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

const char *const quality_names[] = {"fresh", "stale", "fallback", NULL};

static const double score_of_p90 = 1.2815515655446004;

double poisson_quantile(double mean, double probability)
{
    if (mean > 200)
        return fmax(0, mean + normal_score(probability) * sqrt(mean));
    double term = exp(-mean), total = term, k = 0;
    while (total < probability && term > 0) {
        k++;
        term *= mean / k;
        total += term;
    }
    return k;
}

/* Position in the set of an hour of the answer; tells when it had to be moved by whole weeks. */
static size_t set_position(const IssuedSet *set, Hour hour, const char **moved)
{
    int64_t at = (int64_t)hour - set->cutoff - 1, hours = (int64_t)set->hours;
    if (at >= hours) {
        at -= HOURS_PER_WEEK * ((at - hours) / HOURS_PER_WEEK + 1);
        *moved = "set_exhausted";
    } else if (at < 0) {
        at += HOURS_PER_WEEK * ((-at + HOURS_PER_WEEK - 1) / HOURS_PER_WEEK);
        *moved = "set_ahead";
    }
    return (size_t)at;
}

static double mean_at(const SnapshotGeo *geo, Vertical vertical, size_t at)
{
    if (geo->series[vertical] != NULL)
        return geo->series[vertical]->hours[at].mean;
    return geo->pool[vertical] != NULL ? geo->pool[vertical]->mean[at] : 0;
}

static double rounded(double value)
{
    return round(value * 1e4) / 1e4;
}

static DemandEstimate pooled_demand(const SnapshotPool *pool, size_t at)
{
    double mean = pool->mean[at], spread = score_of_p90 * sqrt(pool->variance[at]);
    return (DemandEstimate){rounded(mean), rounded(fmax(0, mean - spread)), rounded(mean), rounded(mean + spread)};
}

static DemandEstimate shared_demand(const Snapshot *snapshot, const SnapshotGeo *geo, Vertical vertical, size_t at)
{
    for (uint32_t parent = geo->parent; parent != SNAPSHOT_NONE; parent = snapshot->geos[parent].parent) {
        const SnapshotGeo *from = &snapshot->geos[parent];
        if (from->leaves == 0 || (from->series[vertical] == NULL && from->pool[vertical] == NULL))
            continue;
        double mean = rounded(mean_at(from, vertical, at) / from->leaves);
        return (DemandEstimate){mean, poisson_quantile(mean, 0.1), poisson_quantile(mean, 0.5),
                                poisson_quantile(mean, 0.9)};
    }
    return (DemandEstimate){0, 0, 0, 0};
}

static DemandEstimate demand_at(const Snapshot *snapshot, const SnapshotGeo *geo, Vertical vertical, size_t at)
{
    if (geo->series[vertical] != NULL)
        return geo->series[vertical]->hours[at];
    if (geo->pool[vertical] != NULL)
        return pooled_demand(geo->pool[vertical], at);
    return shared_demand(snapshot, geo, vertical, at);
}

static void set_source(const SnapshotGeo *geo, Vertical vertical, ForecastAnswer *answer)
{
    const IssuedSeries *series = geo->series[vertical];
    if (series != NULL) {
        answer->model = series->model;
        answer->reason = series->reason;
    } else if (geo->pool[vertical] != NULL) {
        answer->model = answer->reason = "pooled";
    } else {
        answer->model = "parent_share";
        answer->reason = "no_history";
    }
    answer->quality = answer->reason != NULL ? QUALITY_FALLBACK : QUALITY_FRESH;
}

static void set_quality(const Snapshot *snapshot, const char *moved, ForecastAnswer *answer)
{
    if (answer->reason != NULL)
        return;
    if (moved != NULL) {
        answer->quality = QUALITY_FALLBACK;
        answer->reason = moved;
    } else if (snapshot->first_hour - answer->set->cutoff > snapshot->policy.stale_after_hours) {
        answer->quality = QUALITY_STALE;
        answer->reason = "refresh_overdue";
    }
}

void answer_make(const Snapshot *snapshot, const SnapshotGeo *geo, Vertical vertical, size_t hours,
                 ForecastAnswer *ret_answer)
{
    assert(snapshot->parts.set != NULL && snapshot->first_hour != HOUR_NONE && hours <= ANSWER_HOURS_MAX);
    ForecastAnswer *answer = ret_answer;
    answer->geo = &geo->info;
    answer->set = snapshot->parts.set;
    answer->revision = geo->revision;
    answer->hours = hours;
    set_source(geo, vertical, answer);
    const char *moved = NULL;
    for (size_t i = 0; i < hours; i++) {
        AnswerHour *row = &answer->rows[i];
        row->hour = snapshot->first_hour + (Hour)i;
        row->demand = demand_at(snapshot, geo, vertical, set_position(answer->set, row->hour, &moved));
        const Override *override = snapshot_override(snapshot, geo, vertical, row->hour);
        row->override = override != NULL ? override->id : NULL;
        if (override != NULL)
            row->demand = override_apply(override, &row->demand);
        row->couriers = couriers_needed(&snapshot->policy.couriers, &row->demand);
    }
    set_quality(snapshot, moved, answer);
}
