#include "services/feature-store/offline/feature_sql.h"

#include <assert.h>
#include <string.h>
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
    for (size_t i = 0; i < view->features_count; i++) {
        if (!view->features[i].online_only)
            buffer_printf(sql, ", %s\"%s\"", prefix, view->features[i].name);
    }
}

const char *feature_sql_type(FeatureType type)
{
    static const char *const types[FEATURE_TYPES] = {
        [FEATURE_INT64] = "bigint", [FEATURE_FLOAT64] = "double precision",         [FEATURE_BOOL] = "boolean",
        [FEATURE_TEXT] = "text",    [FEATURE_INSTANT] = "timestamp with time zone",
    };
    return types[type];
}

const char *feature_sql_export(const FeatureView *view, const int *features, size_t count, bool one_entity,
                               Arena *arena)
{
    Buffer sql;
    buffer_init(&sql, SQL_LIMIT_BYTES);
    buffer_append_text(&sql, "SELECT DISTINCT ON (entity_id, event_timestamp) entity_id, event_timestamp");
    for (size_t i = 0; i < count; i++)
        buffer_printf(&sql, ", \"%s\"", view->features[features[i]].name);
    buffer_printf(&sql,
                  " FROM features.\"%s\" WHERE event_timestamp >= $1 AND event_timestamp < $2 AND recorded_seq > $3%s"
                  " ORDER BY entity_id, event_timestamp, recorded_seq DESC",
                  view->table, one_entity ? " AND entity_id = $4" : "");
    return finish(&sql, arena);
}

const char *feature_sql_newest_of(const FeatureView *view, Arena *arena)
{
    Buffer sql;
    buffer_init(&sql, SQL_LIMIT_BYTES);
    buffer_append_text(&sql, "SELECT page.number");
    append_features(&sql, view, "newest.");
    buffer_printf(&sql,
                  " FROM unnest($1::integer[], $2::timestamptz[]) WITH ORDINALITY"
                  " AS page (entity_id, event_timestamp, number)"
                  " CROSS JOIN LATERAL (SELECT value.* FROM features.\"%s\" AS value"
                  " WHERE value.entity_id = page.entity_id AND value.event_timestamp = page.event_timestamp"
                  " ORDER BY value.recorded_seq DESC LIMIT 1) AS newest",
                  view->table);
    return finish(&sql, arena);
}

const char *feature_sql_copy_target(const FeatureView *view, Arena *arena)
{
    Buffer sql;
    buffer_init(&sql, SQL_LIMIT_BYTES);
    buffer_printf(&sql, "features.\"%s\" (entity_id, event_timestamp, recorded_seq, recorded_at", view->table);
    append_features(&sql, view, "");
    buffer_append_char(&sql, ')');
    return finish(&sql, arena);
}

const char *feature_sql_online(const FeatureView *view, Arena *arena)
{
    Buffer sql;
    buffer_init(&sql, SQL_LIMIT_BYTES);
    buffer_append_text(&sql, "SELECT geo.geo, newest.event_timestamp, newest.recorded_at");
    append_features(&sql, view, "newest.");
    buffer_printf(&sql,
                  " FROM features.geo AS geo CROSS JOIN LATERAL (SELECT value.* FROM features.\"%s\" AS value"
                  " WHERE value.entity_id = geo.geo_id"
                  " AND value.event_timestamp = geo.computed_through + interval '1 hour'"
                  " ORDER BY value.recorded_seq DESC LIMIT 1) AS newest WHERE geo.recorded_seq > $1",
                  view->table);
    return finish(&sql, arena);
}

/* A column as a number, null where it is; a string is 0. */
static const char *numeric(const Feature *feature, Arena *arena)
{
    static const char *const formats[FEATURE_TYPES] = {
        [FEATURE_INT64] = "\"%s\"",
        [FEATURE_FLOAT64] = "\"%s\"",
        [FEATURE_BOOL] = "\"%s\"::integer",
        [FEATURE_INSTANT] = "extract(epoch FROM \"%s\")",
    };
    const char *format = formats[feature->type];
    const char *hole = format == NULL ? NULL : strstr(format, "%s");
    if (hole == NULL)
        return arena_printf(arena, "CASE WHEN \"%s\" IS NOT NULL THEN 0 END", feature->name);
    return arena_printf(arena, "%.*s%s%s", (int)(hole - format), format, feature->name, hole + 2);
}

const char *feature_sql_sample(const FeatureView *view, Arena *arena)
{
    Buffer sql;
    buffer_init(&sql, SQL_LIMIT_BYTES);
    buffer_append_text(&sql, "SELECT entity.entity_id");
    for (size_t i = 0; i < view->features_count; i++) {
        if (!view->features[i].online_only)
            buffer_printf(&sql, ", value.f%zu", i);
    }
    buffer_append_text(&sql, " FROM (SELECT entity_id FROM features.entity WHERE kind = $1"
                             " AND (hashint4(entity_id)::bigint & $4) = 0 ORDER BY entity_id) AS entity"
                             " CROSS JOIN LATERAL (SELECT DISTINCT ON (event_timestamp) event_timestamp");
    for (size_t i = 0; i < view->features_count; i++) {
        if (!view->features[i].online_only)
            buffer_printf(&sql, ", (%s)::float8 AS f%zu", numeric(&view->features[i], arena), i);
    }
    buffer_printf(&sql,
                  " FROM features.\"%s\" AS row WHERE row.entity_id = entity.entity_id"
                  " AND event_timestamp > $2 AND event_timestamp <= $3"
                  " ORDER BY event_timestamp DESC, recorded_seq DESC LIMIT $5) AS value"
                  " ORDER BY entity.entity_id LIMIT $6",
                  view->table);
    return finish(&sql, arena);
}

const char *feature_sql_newest_event(const FeatureView *view, Arena *arena)
{
    return arena_printf(arena,
                        "SELECT max(event_timestamp) FROM features.\"%s\""
                        " WHERE event_timestamp >= $1 AND event_timestamp <= $2",
                        view->table);
}

const char *feature_sql_newest_rows(const FeatureView *view, Arena *arena)
{
    Buffer sql;
    buffer_init(&sql, SQL_LIMIT_BYTES);
    buffer_append_text(&sql, "SELECT entity.entity_id, entity.key, newest.event_timestamp");
    append_features(&sql, view, "newest.");
    buffer_printf(&sql,
                  " FROM features.entity AS entity CROSS JOIN LATERAL (SELECT value.* FROM features.\"%s\" AS value"
                  " WHERE value.entity_id = entity.entity_id"
                  " ORDER BY value.event_timestamp DESC, value.recorded_seq DESC LIMIT 1) AS newest"
                  " WHERE entity.entity_id = ANY ($1::integer[])",
                  view->table);
    return finish(&sql, arena);
}
