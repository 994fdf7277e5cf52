/* Divides history anew when the zone file changed: docs/geos.md says what readers see. */
#pragma once

#include "services/ingest/geo/zone_file.h"
#include "services/ingest/jobs/job.h"

#define ZONES_JOB "zones"

/* Asks for a job that makes the file's zones the present division, unless the newest version is just that. Without any
 * orders yet it takes place at once. `service` is the Ingest. */
bool zones_request(void *service, PgConnection *connection, const ZoneFile *file, Error *err) MUST_CHECK;
/* The job: {"version": N}. Its result has the commit_seq of the switch, or says that a newer version took over. */
JobFunction zones_job;
