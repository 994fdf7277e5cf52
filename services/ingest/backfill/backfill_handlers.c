#include "services/ingest/backfill/backfill_handlers.h"

#include "gen/ingest_sql.h"
#include "services/ingest/backfill/backfill_file.h"
#include "services/ingest/backfill/backfill_job.h"
#include "services/ingest/ingest.h"
#include "services/ingest/jobs/job_handlers.h"

static bool check_gap(PgConnection *connection, int64_t gap_id, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    if (gap_id == 0)
        return true;
    if (!pg_run(connection, &sql_select_stream_gaps, PG_PARAMS(pg_int(gap_id), pg_null(), pg_int(INT64_MAX), pg_int(1)),
                &row, err))
        return false;
    return PQntuples(row) == 1 ||
           error_set_at(err, ERROR_NOT_FOUND, "gap", "there is no gap %lld; GET /gaps lists them", (long long)gap_id);
}

/* File and job become safe together. */
static bool store(Request *request, BackfillFile *file, int64_t gap_id, Response *response, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    JSON_SCOPED json_t *parameters = json_pack("{ss sI}", "format", backfill_format_names[backfill_file_format(file)],
                                               "body_bytes", (json_int_t)request->body_length_bytes);
    int64_t job_id;
    if (gap_id > 0)
        json_object_set_new(parameters, "gap", json_integer(gap_id));
    return ingest_acquire(request->service, &connection, err) && check_gap(connection, gap_id, err) &&
           pg_begin(connection, err) && job_create(connection, BACKFILL_JOB, parameters, &job_id, err) &&
           backfill_file_store(file, connection, job_id, err) && pg_commit(connection, err) &&
           answer_job(request, response, connection, job_id, err);
}

bool handle_post_backfill(Request *request, Response *response, Error *err)
{
    static const char *const known[] = {"gap", "format", NULL};
    BackfillFile *file;
    int64_t gap_id;
    int format;
    if (!request_query_only(request, known, err) || !request_query_int(request, "gap", 1, INT64_MAX, 0, &gap_id, err) ||
        !request_query_word(request, "format", backfill_format_names, -1, &format, err) ||
        !backfill_file_open(request->body, request->body_length_bytes, format, &file, err))
        return false;
    bool ok = store(request, file, gap_id, response, err);
    backfill_file_close(file);
    return ok;
}

bool handle_list_backfills(Request *request, Response *response, Error *err)
{
    static const char *const known[] = {"before", "limit", NULL};
    PG_SCOPED PgConnection *connection = NULL;
    int64_t before, limit;
    json_t *jobs;
    if (!request_query_only(request, known, err) ||
        !request_query_int(request, "before", 0, INT64_MAX, INT64_MAX, &before, err) ||
        !request_query_int(request, "limit", 1, BACKFILLS_PAGE_MAX, BACKFILLS_PAGE_DEFAULT, &limit, err) ||
        !ingest_acquire(request->service, &connection, err) ||
        !jobs_list(connection, BACKFILL_JOB, before, limit, &jobs, err))
        return false;
    response_json(response, json_pack("{so}", "backfills", jobs));
    return true;
}

bool handle_get_backfill(Request *request, Response *response, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    json_t *job;
    int64_t job_id;
    if (!request_path_id(request, "id", &job_id, err) || !ingest_acquire(request->service, &connection, err) ||
        !job_read(connection, job_id, BACKFILL_JOB, &job, err))
        return false;
    response_json(response, job);
    return true;
}
