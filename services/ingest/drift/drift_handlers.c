#include "services/ingest/drift/drift_handlers.h"

#include "gen/ingest_sql.h"
#include "services/ingest/ingest.h"

static json_t *drift_json(const PGresult *rows, int row)
{
    return json_pack("{ss ss ss ss ss sI so so}", "source", pg_get_text(rows, row, 0), "stream",
                     pg_get_text(rows, row, 1), "path", pg_get_text(rows, row, 2), "kind", pg_get_text(rows, row, 3),
                     "value_type", pg_get_text(rows, row, 4), "times", (json_int_t)pg_get_int(rows, row, 5),
                     "first_seen_at", json_instant(pg_get_instant(rows, row, 6)), "last_seen_at",
                     json_instant(pg_get_instant(rows, row, 7)));
}

bool handle_list_schema_drift(Request *request, Response *response, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    PG_RESULT_SCOPED PGresult *rows = NULL;
    static const char *const known[] = {"source", "since", "limit", NULL};
    Instant since;
    int64_t limit;
    if (!request_query_only(request, known, err) ||
        !request_query_instant(request, "since", INSTANT_NONE, &since, err) ||
        !request_query_int(request, "limit", 1, DRIFT_PAGE_MAX, DRIFT_PAGE_DEFAULT, &limit, err) ||
        !ingest_acquire(request->service, &connection, err) ||
        !pg_run(connection, &sql_select_schema_drift,
                PG_PARAMS(pg_text(request_query(request, "source")), pg_instant(since), pg_int(limit)), &rows, err))
        return false;
    json_t *drift = json_array();
    for (int i = 0; i < PQntuples(rows); i++)
        json_array_append_new(drift, drift_json(rows, i));
    response_json(response, json_pack("{so}", "drift", drift));
    return true;
}
