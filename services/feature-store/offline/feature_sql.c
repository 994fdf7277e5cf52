#include "services/feature-store/offline/feature_sql.h"

#include <assert.h>
#include "common/buffer.h"

enum { SQL_LIMIT_BYTES = 256 * 1024 };

static const char *finish(Buffer *sql, Arena *arena)
{
    Error err;
    bool ok = buffer_ok(sql, &err);
    assert(ok); /* FEATURES_PER_VIEW_MAX and FEATURE_NAME_MAX keep it far below the limit */
    const char *text = ok ? arena_strndup(arena, sql->data, sql->length_bytes) : "";
    buffer_fini(sql);
    return text;
}

static void append_features(Buffer *sql, const FeatureView *view, const char *prefix)
{
    for (size_t i = 0; i < view->features_count; i++)
        buffer_printf(sql, ", %s%s", prefix, view->features[i].name);
}

const char *feature_sql_export(const FeatureView *view, const int *features, size_t count, bool one_geo, Arena *arena)
{
    Buffer sql;
    buffer_init(&sql, SQL_LIMIT_BYTES);
    buffer_append_text(&sql, "SELECT DISTINCT ON (geo_id, hour) geo_id, hour");
    for (size_t i = 0; i < count; i++)
        buffer_printf(&sql, ", %s", view->features[features[i]].name);
    buffer_printf(&sql,
                  " FROM features.%s WHERE hour >= $1 AND hour < $2 AND recorded_seq > $3%s"
                  " ORDER BY geo_id, hour, recorded_seq DESC",
                  view->name, one_geo ? " AND geo_id = $4" : "");
    return finish(&sql, arena);
}

const char *feature_sql_online(const FeatureView *view, Arena *arena)
{
    Buffer sql;
    buffer_init(&sql, SQL_LIMIT_BYTES);
    buffer_append_text(&sql, "SELECT geo.geo, newest.hour, newest.recorded_at");
    append_features(&sql, view, "newest.");
    buffer_printf(&sql,
                  " FROM features.geo AS geo CROSS JOIN LATERAL (SELECT value.* FROM features.%s AS value"
                  " WHERE value.geo_id = geo.geo_id AND value.hour = geo.computed_through"
                  " ORDER BY value.recorded_seq DESC LIMIT 1) AS newest WHERE geo.recorded_seq > $1",
                  view->name);
    return finish(&sql, arena);
}

const char *feature_sql_statistics(const FeatureView *view, Arena *arena)
{
    Buffer sql;
    buffer_init(&sql, SQL_LIMIT_BYTES);
    buffer_append_text(&sql, "SELECT count(*), count(DISTINCT geo_id)");
    for (size_t i = 0; i < view->features_count; i++) {
        const char *name = view->features[i].name;
        buffer_printf(&sql, ", avg(%s)::float8, min(%s)::float8, max(%s)::float8, count(*) - count(%s)", name, name,
                      name, name);
    }
    buffer_append_text(&sql, " FROM (SELECT DISTINCT ON (geo_id, hour) geo_id");
    append_features(&sql, view, "");
    buffer_printf(&sql,
                  " FROM features.%s WHERE hour >= $1 AND hour < $2"
                  " ORDER BY geo_id, hour, recorded_seq DESC) AS newest",
                  view->name);
    return finish(&sql, arena);
}
