#include "services/ingest/quality/freshness.h"

Freshness freshness_of(Instant heard_at, Instant now, int64_t limit_s)
{
    if (heard_at == INSTANT_NONE || now == INSTANT_NONE)
        return FRESHNESS_UNKNOWN;
    return now - heard_at > limit_s * INSTANT_PER_SECOND ? FRESHNESS_LATE : FRESHNESS_OK;
}

const char *freshness_name(Freshness freshness)
{
    static const char *const names[] = {"ok", "late", "unknown"};
    return names[freshness];
}
