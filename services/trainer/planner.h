/* Workers around the queue of runs: the schema, planning, taking and executing, leases; see docs/scheduling.md. */
#pragma once

#include "common/worker.h"
#include "services/trainer/trainer.h"

/* Applies the migrations, writes the configured times into the schedule, then checks that Postgres answers. */
WorkerFunction planner_database;
/* Asks whether forecast-api answers. */
WorkerFunction planner_forecast_api;
/* Plans due runs. */
WorkerFunction planner_plan;
/* Renews the leases of the runs in progress here. */
WorkerFunction planner_heartbeat;

enum { PLANNER_QUIET_MS = 3000, PLANNER_HOLD_MAX_MS = 60 * 1000 };

/* Whether data comes in no faster than time passes: while a backfill or a replay runs, hours complete many a second and
 * a model of them would be old at once. Waits until it has been quiet for a while, but not for ever. `behind`: more is
 * known to be on its way. Pure. */
bool planner_settled(PlannerPace *pace, Hour complete_hour, bool behind, int64_t now_ms);
