/* The answer for one geo: hours, quality and couriers, from a snapshot. Always complete. Pure. */
#pragma once

#include "services/forecast-api/snapshot.h"

enum { ANSWER_HOURS_MAX = HOURS_PER_WEEK };

typedef enum AnswerQuality { QUALITY_FRESH, QUALITY_STALE, QUALITY_FALLBACK } AnswerQuality;
extern const char *const quality_names[];

typedef struct AnswerHour {
    Hour hour;
    DemandEstimate demand;
    int64_t couriers;
    const char *override; /* id or NULL */
} AnswerHour;

/* Strings live as long as the snapshot. */
typedef struct ForecastAnswer {
    const GeoInfo *geo;
    const IssuedSet *set;
    int64_t revision;
    const char *model;
    AnswerQuality quality;
    const char *reason; /* NULL when fresh */
    size_t hours;
    AnswerHour rows[ANSWER_HOURS_MAX];
} ForecastAnswer;

/* `hours` (1..ANSWER_HOURS_MAX) from the snapshot's first hour on; the snapshot has a set and a first hour.
 *
 * An hour beyond the set is that of the same hour of the week in the set's last week (set_exhausted), one before it
 * that in its first week (set_ahead). A known geo that the set lacks: a parent gets the sum of its leaves, quantiles
 * from the sum of their variances (pooled); a leaf gets its parent's mean divided over the parent's leaves, with a
 * Poisson distribution's quantiles (no_history). The one reason given is the first that holds of: the series' own,
 * set_exhausted or set_ahead, refresh_overdue. */
void answer_make(const Snapshot *snapshot, const SnapshotGeo *geo, Vertical vertical, size_t hours,
                 ForecastAnswer *ret_answer);
/* Smallest k with P(X <= k) >= probability for a Poisson X; for means above 200 the normal approximation. */
double poisson_quantile(double mean, double probability);
