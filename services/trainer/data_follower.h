/* Workers that keep the demand store and the data status up to date from the other services. */
#pragma once

#include "common/worker.h"

/* The demand history from feature-store's export: all of it first, then what has been recorded since. */
WorkerFunction data_follower_history;
/* The watermark and the geos from ingest. */
WorkerFunction data_follower_ingest;
