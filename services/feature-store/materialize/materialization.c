#include "services/feature-store/materialize/materialization.h"

#include "common/json.h"
#include "gen/feature_store_sql.h"

static bool check_unfinished(PgConnection *connection, const FeatureView *view, Error *err)
{
    PG_RESULT_SCOPED PGresult *result = NULL;
    if (!pg_run(connection, &sql_select_unfinished_materialization,
                PG_PARAMS(pg_text(view->name), pg_int(view->version)), &result, err))
        return false;
    return PQntuples(result) == 0 ||
           error_set_at(
               err, ERROR_CONFLICT, "/feature_views",
               "Feature view %s is being materialized: see GET /materializations/%lld, or ask with ?force=true",
               view->name, (long long)pg_get_int(result, 0, 0));
}

static bool insert(PgConnection *connection, const MaterializeRequest *request, const FeatureView *view,
                   int64_t *ret_id, Error *err)
{
    PG_RESULT_SCOPED PGresult *result = NULL;
    if (!pg_run(connection, &sql_insert_materialization,
                PG_PARAMS(pg_text(view->name), pg_int(view->version), pg_instant(request->start),
                          pg_instant(request->end), pg_bool(request->incremental), pg_int(view->ttl_s)),
                &result, err))
        return false;
    *ret_id = pg_get_int(result, 0, 0);
    return true;
}

bool materialization_queue(PgConnection *connection, const MaterializeRequest *request, bool force, int64_t *ret_ids,
                           Error *err)
{
    bool ok = pg_begin(connection, err) && pg_run(connection, &sql_lock_materializations, PG_PARAMS(), NULL, err);
    for (size_t i = 0; i < request->views_count && ok; i++)
        ok = (force || check_unfinished(connection, request->views[i], err)) &&
             insert(connection, request, request->views[i], &ret_ids[i], err);
    if (ok && pg_commit(connection, err))
        return true;
    pg_rollback(connection);
    return false;
}

static json_t *to_json(const PGresult *result, int row)
{
    return json_pack(
        "{s:I, s:s, s:I, s:o, s:o, s:b, s:s, s:I, s:I, s:I, s:s?, s:o, s:o, s:o}", "id",
        (json_int_t)pg_get_int(result, row, 0), "feature_view", pg_get_text(result, row, 1), "version",
        (json_int_t)pg_get_int(result, row, 2), "start_ts", json_instant(pg_get_instant(result, row, 3)), "end_ts",
        json_instant(pg_get_instant(result, row, 4)), "incremental", (int)pg_get_bool(result, row, 5), "state",
        pg_get_text(result, row, 6), "entity_reached", (json_int_t)pg_get_int(result, row, 7), "rows_read",
        (json_int_t)pg_get_int(result, row, 8), "rows_applied", (json_int_t)pg_get_int(result, row, 9), "problem",
        pg_get_text(result, row, 10), "requested_at", json_instant(pg_get_instant(result, row, 11)), "started_at",
        json_instant(pg_get_instant(result, row, 12)), "finished_at", json_instant(pg_get_instant(result, row, 13)));
}

bool materialization_list(PgConnection *connection, int64_t limit, json_t **ret_list, Error *err)
{
    PG_RESULT_SCOPED PGresult *result = NULL;
    if (!pg_run(connection, &sql_select_materializations, PG_PARAMS(pg_null(), pg_int(limit)), &result, err))
        return false;
    json_t *list = json_array();
    for (int i = 0; i < PQntuples(result); i++)
        json_array_append_new(list, to_json(result, i));
    *ret_list = list;
    return true;
}

bool materialization_get(PgConnection *connection, int64_t id, json_t **ret_json, Error *err)
{
    PG_RESULT_SCOPED PGresult *result = NULL;
    if (!pg_run(connection, &sql_select_materializations, PG_PARAMS(pg_int(id), pg_int(1)), &result, err))
        return false;
    if (PQntuples(result) == 0)
        return error_set_at(err, ERROR_NOT_FOUND, "id", "there is no materialization %lld", (long long)id);
    *ret_json = to_json(result, 0);
    return true;
}
