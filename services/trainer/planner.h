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

enum { PLANNER_QUIET_MS = 5000, PLANNER_LAG_QUIET_EVENTS = 2000, PLANNER_HOLD_MAX_MS = 10 * 60 * 1000 };

/* Where the data stands, here and at its source. */
typedef struct PlannerInflow {
    Hour complete_hour; /* HOUR_NONE: unknown */
    Hour source_hour;   /* last complete hour of ingest; HOUR_NONE: unknown */
    int64_t source_lag; /* events that ingest has not taken in */
} PlannerInflow;

/* Whether data comes in no faster than time passes: while a backfill or a replay runs, and after the start, hours
 * complete many a second and a model of them would be old at once. Waits until it has been quiet for a while and few
 * events are still to come, but not for ever. Pure. */
bool planner_settled(PlannerPace *pace, const PlannerInflow *inflow, int64_t now_ms);
