/* What all checks have found, as one document: GET /quality and the metrics. */
#pragma once

#include "common/json.h"
#include "common/pg.h"

enum { QUALITY_SOURCES = 3, QUALITY_DAYS_DEFAULT = 7 };

/* A source and how long it may be silent. */
typedef struct QualitySource {
    const char *name;
    const char *setting; /* that says so */
    int64_t late_after_s;
} QualitySource;

typedef struct QualityQuery {
    const char *topic;
    QualitySource sources[QUALITY_SOURCES];
    Instant since, now;
} QualityQuery;

/* {"state", "since", "sources", "gaps", ...}: see docs/quality.md. The caller owns it. */
bool quality_report_read(PgConnection *connection, const QualityQuery *query, json_t **ret_report,
                         Error *err) MUST_CHECK;
/* Sets the gauges rushcast_quality_* to what the report says. */
void quality_metrics_set(const json_t *report);
