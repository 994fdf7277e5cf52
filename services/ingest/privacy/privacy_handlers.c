#include "services/ingest/privacy/privacy_handlers.h"

#include <glib.h>
#include <string.h>
#include "services/ingest/ingest.h"
#include "services/ingest/jobs/job_handlers.h"
#include "services/ingest/privacy/erasure.h"

bool handle_erase_customer(Request *request, Response *response, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    const char *customer_id = request_path(request, "id");
    size_t length_bytes = strlen(customer_id);
    int64_t job_id;
    if (length_bytes == 0 || length_bytes > ORDER_ID_MAX_BYTES || !g_utf8_validate(customer_id, -1, NULL))
        return error_set_at(err, ERROR_INVALID_ARGUMENT, "id", "a customer's id has 1 to %d bytes of UTF-8",
                            ORDER_ID_MAX_BYTES);
    if (!ingest_acquire(request->service, &connection, err) || !erasure_request(connection, customer_id, &job_id, err))
        return false;
    workers_wake(service_workers(), "jobs");
    return answer_job(request, response, connection, job_id, err);
}
