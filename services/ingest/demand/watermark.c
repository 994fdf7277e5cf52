#include "services/ingest/demand/watermark.h"

Instant watermark_of(const PartitionPosition *positions, size_t count)
{
    Instant latest = INSTANT_NONE, least_behind = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        const PartitionPosition *p = &positions[i];
        if (p->end_offset < 0 || p->next_offset < p->end_offset) {
            if (p->latest_event_at == INSTANT_NONE)
                return INSTANT_NONE;
            if (p->latest_event_at < least_behind)
                least_behind = p->latest_event_at;
        }
        if (p->latest_event_at > latest)
            latest = p->latest_event_at;
    }
    return least_behind < latest ? least_behind : latest;
}

Hour watermark_complete_hour(Instant watermark)
{
    return watermark == INSTANT_NONE ? HOUR_NONE : hour_of(watermark) - 1;
}

int64_t watermark_lag(const PartitionPosition *positions, size_t count)
{
    int64_t lag = 0;
    for (size_t i = 0; i < count; i++) {
        if (positions[i].end_offset > positions[i].next_offset)
            lag += positions[i].end_offset - positions[i].next_offset;
    }
    return lag;
}
