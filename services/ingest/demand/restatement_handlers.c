#include "services/ingest/demand/restatement_handlers.h"

#include <string.h>
#include "gen/ingest_sql.h"
#include "services/ingest/ingest.h"

static const char *const known_query[] = {"geo", "from", "to", "since", "why", "limit", NULL};
static const char *const reasons[] = {"late_event", "branch_located", "backfill", "replay", "zones", NULL};

static json_t *restatement_json(const PGresult *rows, int row)
{
    const char *vertical = pg_get_text(rows, row, 2);
    bool known = strcmp(vertical, order_vertical_name(VERTICAL_UNKNOWN)) != 0;
    return json_pack("{ss so so sI sI ss so sI}", "geo", pg_get_text(rows, row, 0), "hour",
                     json_hour(pg_get_hour(rows, row, 1)), "vertical", known ? json_string(vertical) : json_null(),
                     "was", (json_int_t)pg_get_int(rows, row, 3), "is", (json_int_t)pg_get_int(rows, row, 4), "why",
                     pg_get_text(rows, row, 5), "when", json_instant(pg_get_instant(rows, row, 6)), "as_of",
                     (json_int_t)pg_get_int(rows, row, 7));
}

/* The key of the geo that the request names; null when it names none. */
static bool read_geo(PgConnection *connection, const char *geo, PgParam *ret_geo_id, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    *ret_geo_id = pg_null();
    if (!geo)
        return true;
    if (!pg_run(connection, &sql_select_geo_id, PG_PARAMS(pg_text(geo)), &row, err))
        return false;
    if (PQntuples(row) == 0)
        return error_set_at(err, ERROR_NOT_FOUND, "geo", "there is no geo \"%.64s\"; GET /geos lists them", geo);
    *ret_geo_id = pg_int(pg_get_int(row, 0, 0));
    return true;
}

bool handle_list_restatements(Request *request, Response *response, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    PG_RESULT_SCOPED PGresult *rows = NULL;
    PgParam geo_id;
    Hour from, to;
    int64_t since, limit;
    int why;
    if (!request_query_only(request, known_query, err) || !request_query_hour(request, "from", HOUR_NONE, &from, err) ||
        !request_query_hour(request, "to", HOUR_NONE, &to, err) ||
        !request_query_int(request, "since", 0, INT64_MAX, 0, &since, err) ||
        !request_query_int(request, "limit", 1, RESTATEMENTS_MAX, RESTATEMENTS_DEFAULT, &limit, err) ||
        !request_query_word(request, "why", reasons, -1, &why, err) ||
        !ingest_acquire(request->service, &connection, err) ||
        !read_geo(connection, request_query(request, "geo"), &geo_id, err) ||
        !pg_run(connection, &sql_select_demand_restatements,
                PG_PARAMS(pg_int(since), geo_id, pg_hour(from), pg_hour(to), pg_text(why < 0 ? NULL : reasons[why]),
                          pg_int(limit)),
                &rows, err))
        return false;
    int count = PQntuples(rows);
    json_t *restatements = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(restatements, restatement_json(rows, i));
    response_json(response, json_pack("{so sI sb}", "restatements", restatements, "cursor",
                                      (json_int_t)(count > 0 ? pg_get_int(rows, count - 1, 7) : since), "more",
                                      count > 0 && pg_get_bool(rows, 0, 8)));
    return true;
}
