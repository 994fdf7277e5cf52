#include "services/feature-store/batch_source/batch_source_sql.h"

#include <assert.h>
#include "common/buffer.h"
#include "services/feature-store/offline/feature_sql.h"

enum { SQL_LIMIT_BYTES = 256 * 1024 };

const char *batch_source_statement(const FeatureView *view, Arena *arena)
{
    BUFFER_SCOPED Buffer sql;
    buffer_init(&sql, SQL_LIMIT_BYTES);
    buffer_append_text(&sql, "SELECT event_timestamp::timestamptz");
    for (size_t i = 0; i < view->keys_count; i++)
        buffer_printf(&sql, ", \"%s\"::%s", view->keys[i].join_key, feature_sql_type(view->keys[i].type));
    for (size_t i = 0; i < view->features_count; i++)
        buffer_printf(&sql, ", \"%s\"::%s", view->features[i].name, feature_sql_type(view->features[i].type));
    buffer_printf(&sql, " FROM (\n%s\n) AS source", view->source.sql);
    Error err;
    bool ok = buffer_ok(&sql, &err);
    assert(ok); /* the declaration's limits keep it far below the limit */
    return ok ? arena_strndup(arena, sql.data, sql.length_bytes) : "";
}
