/* When the checks are made: bit by bit in the background, or all at once as a job. */
#pragma once

#include "services/ingest/jobs/job.h"
#include "services/ingest/quality/quality_report.h"

struct Ingest;

#define QUALITY_JOB "quality-check"

enum {
    QUALITY_LOOK_EVERY_MS = 5000,    /* for new rows to check rules on */
    QUALITY_REPORT_EVERY_MS = 30000, /* metrics, days to reconcile */
    QUALITY_COMPLETENESS_EVERY_MS = 300000,
    QUALITY_RULE_MESSAGES = 100000, /* of one step */
    /* Rests this many times as long as a step took: a fifth of a core at most, and little while messages wait. */
    QUALITY_REST_FACTOR = 4,
    QUALITY_REST_FACTOR_BEHIND = 50,
    QUALITY_REST_MAX_MS = 60000,
};

/* What the worker remembers between its steps. */
typedef struct QualityRounds {
    int64_t report_at_ms, completeness_at_ms; /* clock_monotonic_ms() of the next */
} QualityRounds;

/* The limits as configured, seen from `now`. */
QualityQuery quality_query(const struct Ingest *ingest, Instant since);
/* A bit of the work; *ret_rest_ms: how long to wait before the next. */
bool quality_step(struct Ingest *ingest, int *ret_rest_ms, Error *err) MUST_CHECK;
/* The job: all rules up to now, completeness from its day on, and the reconciliation of its day. */
JobFunction quality_check_job;
