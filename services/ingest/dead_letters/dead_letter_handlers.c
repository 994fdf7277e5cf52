#include "services/ingest/dead_letters/dead_letter_handlers.h"

#include <glib.h>
#include "gen/ingest_sql.h"
#include "services/ingest/dead_letters/dead_letter_replay.h"
#include "services/ingest/ingest.h"
#include "services/ingest/jobs/job_handlers.h"

static json_t *dead_letter_json(const PGresult *rows, int row)
{
    size_t shown_bytes;
    const guchar *payload = pg_get_bytes(rows, row, 7, &shown_bytes);
    char *base64 = g_base64_encode(payload, shown_bytes);
    json_t *json = json_pack(
        "{sI ss sI sI ss ss ss sI ss so sI so so so}", "id", (json_int_t)pg_get_int(rows, row, 0), "topic",
        pg_get_text(rows, row, 1), "partition", (json_int_t)pg_get_int(rows, row, 2), "offset",
        (json_int_t)pg_get_int(rows, row, 3), "reason", pg_get_text(rows, row, 4), "detail", pg_get_text(rows, row, 5),
        "pointer", pg_get_text(rows, row, 6), "payload_bytes", (json_int_t)pg_get_int(rows, row, 8), "payload_base64",
        base64, "received_at", json_instant(pg_get_instant(rows, row, 9)), "attempts",
        (json_int_t)pg_get_int(rows, row, 10), "attempted_at", json_instant(pg_get_instant(rows, row, 11)),
        "resolved_at", json_instant(pg_get_instant(rows, row, 12)), "resolved_batch_id",
        pg_is_null(rows, row, 13) ? json_null() : json_integer(pg_get_int(rows, row, 13)));
    g_free(base64);
    return json;
}

bool handle_list_dead_letters(Request *request, Response *response, Error *err)
{
    static const char *const known[] = {"after", "limit", "resolved", "reason", NULL};
    static const char *const answers[] = {"false", "true", NULL};
    PG_SCOPED PgConnection *connection = NULL;
    PG_RESULT_SCOPED PGresult *rows = NULL;
    int64_t after, limit;
    int resolved;
    if (!request_query_only(request, known, err) ||
        !request_query_int(request, "after", 0, INT64_MAX, 0, &after, err) ||
        !request_query_int(request, "limit", 1, DEAD_LETTERS_PAGE_MAX, DEAD_LETTERS_PAGE_DEFAULT, &limit, err) ||
        !request_query_word(request, "resolved", answers, -1, &resolved, err) ||
        !ingest_acquire(request->service, &connection, err) ||
        !pg_run(connection, &sql_select_dead_letters,
                PG_PARAMS(pg_int(after), pg_int(limit + 1), pg_int(DEAD_LETTER_SHOWN_BYTES),
                          resolved < 0 ? pg_null() : pg_bool(resolved == 1), pg_text(request_query(request, "reason"))),
                &rows, err))
        return false;
    int count = PQntuples(rows) > limit ? (int)limit : PQntuples(rows);
    json_t *letters = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(letters, dead_letter_json(rows, i));
    json_t *next = PQntuples(rows) > limit ? json_integer(pg_get_int(rows, count - 1, 0)) : json_null();
    response_json(response, json_pack("{so so}", "dead_letters", letters, "next", next));
    return true;
}

/* An empty body asks for all. */
static bool read_filter(Request *request, json_t **ret_parameters, DeadLetterFilter *ret_filter, Error *err)
{
    JSON_SCOPED json_t *parameters = NULL;
    if (request->body_length_bytes == 0)
        parameters = json_object();
    else if (!request_json(request, &parameters, err))
        return false;
    if (json_object_del(parameters, "until") == 0)
        return error_set_at(err, ERROR_UNPROCESSABLE, "/until", "there is no filter until");
    if (!dead_letter_filter_read(parameters, request_arena(request), ret_filter, err))
        return false;
    *ret_parameters = json_incref(parameters);
    return true;
}

bool handle_replay_dead_letters(Request *request, Response *response, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    PG_RESULT_SCOPED PGresult *row = NULL;
    JSON_SCOPED json_t *parameters = NULL;
    DeadLetterFilter filter;
    int64_t job_id;
    if (!read_filter(request, &parameters, &filter, err) || !ingest_acquire(request->service, &connection, err) ||
        !pg_run(connection, &sql_count_dead_letters,
                PG_PARAMS(pg_text(filter.ids), pg_text(filter.reason), pg_instant(filter.received_from),
                          pg_instant(filter.received_to)),
                &row, err))
        return false;
    json_object_set_new(parameters, "until", json_integer(pg_get_int(row, 0, 1)));
    return job_create(connection, DEAD_LETTER_REPLAY_JOB, parameters, &job_id, err) &&
           answer_job(request, response, connection, job_id, err);
}
