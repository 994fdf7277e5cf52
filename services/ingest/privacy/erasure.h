/* Erases what is kept of one customer, everywhere, and leaves totals as they were: a job that goes through all places
 * in small transactions, each with its report, and then once more to see that nothing is left. */
#pragma once

#include "common/pg.h"
#include "services/ingest/jobs/job.h"

#define ERASURE_JOB_KIND "erasure"

/* Asks for it in a transaction of its own: the job that is at it already, or a new one. `customer_id` has 1 to
 * ORDER_ID_MAX_BYTES bytes of UTF-8. */
bool erasure_request(PgConnection *connection, const char *customer_id, int64_t *ret_job_id, Error *err) MUST_CHECK;
/* `service` is the Ingest. */
JobFunction erasure_run;
