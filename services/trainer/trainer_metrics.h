#pragma once

#include "common/metrics.h"

extern Metric trainer_runs_total;  /* kind, result */
extern Metric trainer_run_seconds; /* kind */
extern Metric trainer_history_cursor;
extern Metric trainer_history_geos;
extern Metric trainer_model_age_seconds; /* how far `now` is from the hour the champion was trained up to */
extern Metric trainer_published_cutoff_seconds;
