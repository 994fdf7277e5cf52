/* Health of a feature view: how much it holds, how fresh it is, what its values look like, and how far they have moved
 * from those of the weeks before. */
#pragma once

#include "common/json.h"
#include "services/feature-store/geo_demand/feature_progress.h"
#include "services/feature-store/monitoring/summary.h"
#include "services/feature-store/registry/feature_view.h"

enum {
    FEATURE_STATISTICS_HOURS = 7 * 24,
    FEATURE_REFERENCE_HOURS = 28 * 24, /* before them: what models were trained on */
    FEATURE_PSI_VALUES_MIN = 30,       /* with fewer the index says more of chance than of the values */
};

typedef struct FeatureStatistic {
    const Feature *feature;
    Summary summary;      /* without numbers for strings */
    double null_rate;     /* NAN without rows */
    double psi;           /* NAN: too few values, or a type that has none (strings, timestamps) */
    int64_t out_of_range; /* values outside the declared minimum and maximum; -1: none is declared */
} FeatureStatistic;

typedef struct ViewStatistics {
    Instant newest;                   /* event timestamp; INSTANT_NONE: there is no row, and no statistics */
    Instant reference_from, from, to; /* (reference_from, from] and (from, to]; `to` is `newest` */
    int64_t rows, entities;           /* of (from, to]; estimates when `sampled` */
    bool sampled;
    int64_t recorded_seq;
    FeatureStatistic *features; /* those kept offline, in the order of the declaration */
    size_t features_count;
} ViewStatistics;

/* Newest event timestamp that is not after `now` (INSTANT_NONE: any); of hourly demand the end of the last hour that is
 * complete. */
bool feature_statistics_newest(PgConnection *connection, const FeatureView *view, const FeatureProgress *progress,
                               Instant now, Instant *ret_newest, Error *err) MUST_CHECK;
/* Over the newest recorded values of the last FEATURE_STATISTICS_HOURS before `newest`. In a transaction of its own, a
 * few seconds at most. Lives in the arena. */
bool feature_statistics_compute(PgConnection *connection, const FeatureView *view, Instant now, Arena *arena,
                                ViewStatistics *ret_statistics, Error *err) MUST_CHECK;
/* The same as JSON. `now` for the freshness. */
bool feature_statistics_read(PgConnection *connection, const FeatureView *view, Instant now, json_t **ret_json,
                             Error *err) MUST_CHECK;
