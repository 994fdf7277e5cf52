#include "services/feature-store/offline/point_in_time_sql.h"

#include <assert.h>
#include <inttypes.h>
#include "common/buffer.h"

enum { SQL_LIMIT_BYTES = 64 * 1024 };

const char *point_in_time_sql(const FeatureView *view, const int *features, size_t count, bool any_recorded,
                              Arena *arena)
{
    BUFFER_SCOPED Buffer sql;
    buffer_init(&sql, SQL_LIMIT_BYTES);
    buffer_append_text(&sql, "SELECT wanted.index, found.* FROM (SELECT index, entity_id,"
                             " timestamptz 'epoch' + moment_us * interval '1 microsecond' AS moment"
                             " FROM unnest($1::integer[], $2::integer[], $3::bigint[])"
                             " AS listed (index, entity_id, moment_us) OFFSET 0) AS wanted"
                             " CROSS JOIN LATERAL (SELECT event_timestamp, recorded_at, recorded_seq");
    for (size_t i = 0; i < count; i++)
        buffer_printf(&sql, ", \"%s\"", view->features[features[i]].name);
    buffer_printf(&sql,
                  " FROM features.\"%s\" AS value WHERE value.entity_id = wanted.entity_id"
                  " AND value.event_timestamp <= wanted.moment",
                  view->table);
    if (view->ttl_s > 0)
        buffer_printf(&sql, " AND value.event_timestamp >= wanted.moment - interval '%" PRId64 " seconds'",
                      view->ttl_s);
    if (!any_recorded)
        buffer_append_text(&sql, " AND value.recorded_at <= wanted.moment");
    /* the index has this order; to sort by the recording too costs a tenth of the time */
    buffer_append_text(&sql, " ORDER BY value.event_timestamp DESC FETCH FIRST 1 ROW WITH TIES) AS found");
    Error err;
    bool ok = buffer_ok(&sql, &err);
    assert(ok); /* FEATURES_PER_VIEW_MAX and FEATURE_NAME_MAX keep it far below the limit */
    return ok ? arena_strndup(arena, sql.data, sql.length_bytes) : "";
}
