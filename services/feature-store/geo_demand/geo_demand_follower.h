/* Worker that follows ingest's demand and records geo_demand's features of it. */
#pragma once

#include "common/worker.h"

WorkerFunction geo_demand_follower_step;
