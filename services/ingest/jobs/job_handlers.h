/* Handlers: GET /jobs, GET /jobs/{id}. */
#pragma once

#include "common/pg.h"
#include "common/router.h"

RouteHandler handle_list_jobs;
RouteHandler handle_get_job;
/* Answers 202 with the job and its address in Location: for handlers that asked for one. */
bool answer_job(Request *request, Response *response, PgConnection *connection, int64_t job_id, Error *err) MUST_CHECK;
