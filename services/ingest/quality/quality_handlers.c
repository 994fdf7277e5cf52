#include "services/ingest/quality/quality_handlers.h"

#include <string.h>
#include "common/clock.h"
#include "gen/ingest_sql.h"
#include "services/ingest/ingest.h"
#include "services/ingest/jobs/job_handlers.h"
#include "services/ingest/quality/quality_check.h"

static bool read_since(const Request *request, Instant *ret_since, Error *err)
{
    const char *text = request_query(request, "since");
    if (!text) {
        *ret_since = clock_wall() - QUALITY_DAYS_DEFAULT * HOURS_PER_DAY * INSTANT_PER_HOUR;
        return true;
    }
    Error ignored;
    return instant_parse(text, ret_since, &ignored) ||
           error_set_at(err, ERROR_INVALID_ARGUMENT, "since",
                        "since must be an instant such as 2026-11-23T00:00:00Z, not \"%.64s\"", text);
}

bool handle_get_quality(Request *request, Response *response, Error *err)
{
    Ingest *ingest = request->service;
    PG_SCOPED PgConnection *connection = NULL;
    Instant since;
    json_t *report;
    if (!read_since(request, &since, err) || !ingest_acquire(ingest, &connection, err))
        return false;
    QualityQuery query = quality_query(ingest, since);
    if (!quality_report_read(connection, &query, &report, err))
        return false;
    response_json(response, report);
    return true;
}

typedef struct CheckRequest {
    Hour day;
} CheckRequest;

static bool read_day(Request *request, Hour *ret_day, Error *err)
{
    static const JsonField fields[] = {
        {"day", JSON_FIELD_HOUR, offsetof(CheckRequest, day), true, 0, 0},
        {0},
    };
    JSON_SCOPED json_t *body = NULL;
    CheckRequest check = {.day = HOUR_NONE};
    if (!request_json(request, &body, err) || !json_read(body, "", fields, request_arena(request), &check, err))
        return false;
    Hour today = hour_of(clock_wall()) / HOURS_PER_DAY * HOURS_PER_DAY;
    if (check.day == HOUR_NONE)
        check.day = today - HOURS_PER_DAY;
    if (check.day % HOURS_PER_DAY != 0 || check.day >= today)
        return error_set_at(err, ERROR_UNPROCESSABLE, "/day",
                            "day must be a day that is over, such as 2026-11-23; days begin at midnight UTC");
    *ret_day = check.day;
    return true;
}

bool handle_post_quality_check(Request *request, Response *response, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    Hour day;
    int64_t job_id;
    char text[INSTANT_TEXT_MAX];
    if (!read_day(request, &day, err) || !ingest_acquire(request->service, &connection, err))
        return false;
    hour_format(day, text);
    JSON_SCOPED json_t *parameters = json_pack("{ss}", "day", text);
    if (!job_create(connection, QUALITY_JOB, parameters, &job_id, err))
        return false;
    workers_wake(service_workers(), "jobs");
    return answer_job(request, response, connection, job_id, err);
}

bool handle_list_quarantine(Request *request, Response *response, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    PG_RESULT_SCOPED PGresult *rows = NULL;
    const char *resolved_text = request_query(request, "resolved");
    int64_t after, limit;
    bool resolved;
    if (!request_query_int(request, "after", 0, INT64_MAX, 0, &after, err) ||
        !request_query_int(request, "limit", 1, QUARANTINE_PAGE_MAX, QUARANTINE_PAGE_DEFAULT, &limit, err) ||
        !request_query_bool(request, "resolved", false, &resolved, err) ||
        !ingest_acquire(request->service, &connection, err) ||
        !pg_run(connection, &sql_select_quarantine,
                PG_PARAMS(pg_int(after), pg_int(limit + 1), pg_text(request_query(request, "entity")),
                          resolved_text ? pg_bool(resolved) : pg_null()),
                &rows, err))
        return false;
    int count = PQntuples(rows) > limit ? (int)limit : PQntuples(rows);
    json_t *items = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(items, json_loads(pg_get_text(rows, i, 1), 0, NULL));
    json_t *next = PQntuples(rows) > limit ? json_integer(pg_get_int(rows, count - 1, 0)) : json_null();
    response_json(response, json_pack("{so so}", "quarantine", items, "next", next));
    return true;
}
