#include "services/feature-store/registry/view_registry.h"

#include <stdlib.h>
#include <string.h>
#include "common/buffer.h"
#include "gen/feature_store_sql.h"
#include "services/feature-store/offline/feature_sql.h"
#include "services/feature-store/registry/feature_declaration.h"

enum { COLUMNS_LIMIT_BYTES = 64 * 1024 };

static bool no_query(void *context, const char *file, Arena *arena, const char **ret_sql, Error *err)
{
    (void)context;
    (void)file;
    (void)arena;
    (void)err;
    *ret_sql = ""; /* of an old declaration nothing but keys and features matters */
    return true;
}

static bool refuse(const FeatureView *view, const char *what, const char *name, Error *err)
{
    return error_set(err, ERROR_CONFLICT,
                     "feature view %s version %lld was applied before and has changed: %s %s; that breaks readers and "
                     "needs version %lld",
                     view->name, (long long)view->version, what, name, (long long)view->version + 1);
}

static bool check_compatible(const FeatureView *old, const FeatureView *view, Error *err)
{
    if (strcmp(old->entity_kind, view->entity_kind) != 0)
        return refuse(view, "its keys were", old->entity_kind, err);
    for (size_t i = 0; i < view->keys_count; i++) {
        if (old->keys[i].type != view->keys[i].type)
            return refuse(view, "another type has the key", view->keys[i].join_key, err);
    }
    for (size_t i = 0; i < old->features_count; i++) {
        const Feature *was = &old->features[i];
        int index = feature_view_index(view, was->name);
        if (index < 0)
            return refuse(view, "gone is the feature", was->name, err);
        if (view->features[index].type != was->type)
            return refuse(view, "another type has the feature", was->name, err);
        if (view->features[index].online_only && !was->online_only)
            return refuse(view, "no longer kept offline is the feature", was->name, err);
    }
    return !feature_view_is_stored(old) || feature_view_is_stored(view) ||
           refuse(view, "no longer kept are its rows, but computed", "on demand", err);
}

static bool check_known(const FeatureView *view, const char *declaration, Arena *arena, Error *err)
{
    static const FeatureQueryReader queries = {.read = no_query};
    JSON_SCOPED json_t *json = NULL;
    FeatureView old = {0};
    if (!json_parse(declaration, strlen(declaration), &json, err) ||
        !feature_declaration_read(json, &queries, arena, &old, err))
        return error_prefix(err, "the declaration of %s version %lld in features.view", view->name,
                            (long long)view->version);
    return check_compatible(&old, view, err);
}

static bool ensure_table(PgConnection *connection, const FeatureView *view, Error *err)
{
    BUFFER_SCOPED Buffer names, types;
    buffer_init(&names, COLUMNS_LIMIT_BYTES);
    buffer_init(&types, COLUMNS_LIMIT_BYTES);
    buffer_append_char(&names, '{');
    buffer_append_char(&types, '{');
    bool first = true;
    for (size_t i = 0; i < view->features_count; i++) {
        const Feature *feature = &view->features[i];
        if (feature->online_only)
            continue;
        buffer_printf(&names, "%s\"%s\"", first ? "" : ",", feature->name);
        buffer_printf(&types, "%s\"%s\"", first ? "" : ",", feature_sql_type(feature->type));
        first = false;
    }
    buffer_append_char(&names, '}');
    buffer_append_char(&types, '}');
    return buffer_ok(&names, err) && buffer_ok(&types, err) &&
           pg_run(connection, &sql_ensure_view_table,
                  PG_PARAMS(pg_text(view->table), pg_text(names.data), pg_text(types.data)), NULL, err);
}

static bool apply_view(PgConnection *connection, const FeatureView *view, Arena *arena, Error *err)
{
    PG_RESULT_SCOPED PGresult *known = NULL;
    char *text = json_dumps(view->declaration, JSON_COMPACT);
    if (text == NULL)
        return error_set(err, ERROR_INTERNAL, "the declaration of %s can't be written", view->name);
    const char *declaration = arena_strdup(arena, text);
    free(text);
    PgParams params = PG_PARAMS(pg_text(view->name), pg_int(view->version), pg_text(declaration));
    if (!pg_run(connection, &sql_select_view, params, &known, err))
        return false;
    bool there = PQntuples(known) == 1;
    bool same = there && pg_get_bool(known, 0, 2) && pg_get_int(known, 0, 1) == view->schema_hash;
    if (there && !same && !check_known(view, pg_get_text(known, 0, 0), arena, err))
        return false;
    if (feature_view_is_stored(view) && !ensure_table(connection, view, err))
        return error_prefix(err, "feature view %s version %lld", view->name, (long long)view->version);
    return same || pg_run(connection, &sql_upsert_view,
                          PG_PARAMS(pg_text(view->name), pg_int(view->version), pg_text(declaration),
                                    pg_int(view->schema_hash)),
                          NULL, err);
}

bool view_registry_apply(PgConnection *connection, const FeatureViews *views, Error *err)
{
    ARENA_SCOPED Arena *arena = arena_new();
    bool ok = pg_begin(connection, err) && pg_run(connection, &sql_lock_view_registry, PG_PARAMS(), NULL, err);
    for (size_t i = 0; ok && i < views->count; i++)
        ok = apply_view(connection, &views->items[i], arena, err);
    ok = ok && pg_commit(connection, err);
    if (!ok)
        pg_rollback(connection);
    return ok;
}
