/* The lines of a backfill's file as events, under the same rule as those of the stream. A job. */
#pragma once

#include "services/ingest/jobs/job.h"

#define BACKFILL_JOB "backfill"

JobFunction backfill_run;
