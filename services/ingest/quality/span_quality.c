#include "services/ingest/quality/span_quality.h"

#include <stddef.h>
#include "gen/ingest_sql.h"
#include "services/ingest/quality/freshness.h"

enum { REASONS = 4 };

static const struct Reason {
    const char *name;
    size_t offset;
} reasons[REASONS] = {
    {"orders_late", offsetof(SpanQuality, orders_late)},
    {"gap", offsetof(SpanQuality, gap)},
    {"stream_gap", offsetof(SpanQuality, stream_gap)},
    {"reconciliation", offsetof(SpanQuality, reconciliation)},
};

bool span_quality_read(PgConnection *connection, const SpanQualityQuery *query, SpanQuality *ret_quality, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    if (!pg_run(connection, &sql_select_span_quality,
                PG_PARAMS(pg_hour(query->from), pg_hour(query->to), query->geo_id ? pg_int(query->geo_id) : pg_null()),
                &row, err))
        return false;
    bool reaches_on = query->watermark != INSTANT_NONE && query->to > hour_of(query->watermark);
    *ret_quality = (SpanQuality){
        .orders_late = reaches_on && freshness_of(query->watermark, query->now, query->late_after_s) == FRESHNESS_LATE,
        .gap = pg_get_bool(row, 0, 0),
        .stream_gap = pg_get_bool(row, 0, 1),
        .reconciliation = pg_get_bool(row, 0, 2),
    };
    return true;
}

static bool holds(const SpanQuality *quality, const struct Reason *reason)
{
    return *(const bool *)((const char *)quality + reason->offset);
}

const char *span_quality_state(const SpanQuality *quality)
{
    if (quality->gap || quality->stream_gap || quality->reconciliation)
        return "incomplete";
    return quality->orders_late ? "late" : "ok";
}

static const char *join(const SpanQuality *quality, const char *quote, const char *between, Arena *arena)
{
    const char *text = "";
    for (size_t i = 0; i < REASONS; i++) {
        if (holds(quality, &reasons[i]))
            text = arena_printf(arena, "%s%s%s%s%s", text, *text ? between : "", quote, reasons[i].name, quote);
    }
    return text;
}

const char *span_quality_json(const SpanQuality *quality, Arena *arena)
{
    return arena_printf(arena, "{\"state\":\"%s\",\"reasons\":[%s]}", span_quality_state(quality),
                        join(quality, "\"", ",", arena));
}

const char *span_quality_header(const SpanQuality *quality, Arena *arena)
{
    const char *names = join(quality, "", " ", arena);
    return *names ? arena_printf(arena, "%s;reasons=\"%s\"", span_quality_state(quality), names)
                  : span_quality_state(quality);
}
