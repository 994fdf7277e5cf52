#include "services/ingest/jobs/job_handlers.h"

#include "services/ingest/ingest.h"
#include "services/ingest/jobs/job.h"

enum { PAGE_DEFAULT = 100, PAGE_MAX = 1000, STATUS_ACCEPTED = 202 };

bool handle_list_jobs(Request *request, Response *response, Error *err)
{
    static const char *const known[] = {"kind", "before", "limit", NULL};
    PG_SCOPED PgConnection *connection = NULL;
    int64_t before, limit;
    json_t *jobs;
    if (!request_query_only(request, known, err) ||
        !request_query_int(request, "before", 0, INT64_MAX, INT64_MAX, &before, err) ||
        !request_query_int(request, "limit", 1, PAGE_MAX, PAGE_DEFAULT, &limit, err) ||
        !ingest_acquire(request->service, &connection, err) ||
        !jobs_list(connection, request_query(request, "kind"), before, limit, &jobs, err))
        return false;
    response_json(response, json_pack("{so}", "jobs", jobs));
    return true;
}

bool handle_get_job(Request *request, Response *response, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    json_t *job;
    int64_t job_id;
    if (!request_path_id(request, "id", &job_id, err) || !ingest_acquire(request->service, &connection, err) ||
        !job_read(connection, job_id, NULL, &job, err))
        return false;
    response_json(response, job);
    return true;
}

bool answer_job(Request *request, Response *response, PgConnection *connection, int64_t job_id, Error *err)
{
    json_t *job;
    if (!job_read(connection, job_id, NULL, &job, err))
        return false;
    response_status(response, STATUS_ACCEPTED);
    response_header(response, request, "Location",
                    arena_printf(request_arena(request), "/jobs/%lld", (long long)job_id));
    response_json(response, job);
    return true;
}
