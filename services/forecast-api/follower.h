/* Workers that keep the board current: what was published (by this or any other instance), the hour, and the geos. */
#pragma once

#include "common/worker.h"

/* Migrates, then looks every second for a new publication, changed geos and overrides, and shows them. */
WorkerFunction follow_publications;
/* Shows the next hour when one begins; not well while there is nothing to serve. Needs no server. */
WorkerFunction follow_hours;
/* Copies ingest's geos to Postgres, and its watermark to the clock when RUSHCAST_NOW is `data`. */
WorkerFunction follow_ingest;

struct ForecastApi;
/* Copies ingest's geos to Postgres now. */
bool follower_copy_geos(struct ForecastApi *api, Error *err) MUST_CHECK;
