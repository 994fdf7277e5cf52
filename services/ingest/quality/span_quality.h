/* What is wrong with the demand of a span: said beside the numbers. */
#pragma once

#include "common/arena.h"
#include "common/pg.h"

typedef struct SpanQuality {
    bool orders_late;    /* the span ends after the watermark, which is older than it should be */
    bool gap;            /* hours of it have far fewer orders than usual (quality.gap) */
    bool stream_gap;     /* messages of it were gone before they were read (raw.stream_gap) */
    bool reconciliation; /* counts of a day of it differ from what they were made of (quality.reconciliation) */
} SpanQuality;

typedef struct SpanQualityQuery {
    Hour from, to;
    int32_t geo_id; /* 0: all leaf geos */
    Instant watermark, now;
    int64_t late_after_s;
} SpanQualityQuery;

/* One statement, in the open transaction if there is one. */
bool span_quality_read(PgConnection *connection, const SpanQualityQuery *query, SpanQuality *ret_quality,
                       Error *err) MUST_CHECK;
/* "ok", "late" or "incomplete"; the worse wins. */
const char *span_quality_state(const SpanQuality *quality);
/* {"state":"incomplete","reasons":["gap"]} */
const char *span_quality_json(const SpanQuality *quality, Arena *arena);
/* As the header Rushcast-Quality: incomplete;reasons="gap stream_gap" */
const char *span_quality_header(const SpanQuality *quality, Arena *arena);
