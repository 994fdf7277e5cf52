#include "services/ingest/orders/gap_handlers.h"

#include "gen/ingest_sql.h"
#include "services/ingest/ingest.h"

static json_t *gap_json(const PGresult *rows, int row)
{
    return json_pack("{sI ss sI sI sI so so so so so}", "id", (json_int_t)pg_get_int(rows, row, 0), "topic",
                     pg_get_text(rows, row, 1), "partition", (json_int_t)pg_get_int(rows, row, 2), "from_offset",
                     (json_int_t)pg_get_int(rows, row, 3), "to_offset", (json_int_t)pg_get_int(rows, row, 4),
                     "from_event_at", json_instant(pg_get_instant(rows, row, 5)), "to_event_at",
                     json_instant(pg_get_instant(rows, row, 6)), "detected_at",
                     json_instant(pg_get_instant(rows, row, 7)), "filled_at",
                     json_instant(pg_get_instant(rows, row, 8)), "filled_by",
                     pg_is_null(rows, row, 9) ? json_null() : json_integer(pg_get_int(rows, row, 9)));
}

bool handle_list_gaps(Request *request, Response *response, Error *err)
{
    static const char *const known[] = {"state", "before", "limit", NULL};
    static const char *const states[] = {"filled", "open", NULL};
    PG_SCOPED PgConnection *connection = NULL;
    PG_RESULT_SCOPED PGresult *rows = NULL;
    int64_t before, limit;
    int state;
    if (!request_query_only(request, known, err) ||
        !request_query_int(request, "before", 0, INT64_MAX, INT64_MAX, &before, err) ||
        !request_query_int(request, "limit", 1, GAPS_PAGE_MAX, GAPS_PAGE_DEFAULT, &limit, err) ||
        !request_query_word(request, "state", states, -1, &state, err) ||
        !ingest_acquire(request->service, &connection, err) ||
        !pg_run(connection, &sql_select_stream_gaps,
                PG_PARAMS(pg_null(), state < 0 ? pg_null() : pg_bool(state == 1), pg_int(before), pg_int(limit)), &rows,
                err))
        return false;
    json_t *gaps = json_array();
    for (int i = 0; i < PQntuples(rows); i++)
        json_array_append_new(gaps, gap_json(rows, i));
    response_json(response, json_pack("{so}", "gaps", gaps));
    return true;
}
