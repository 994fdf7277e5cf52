/* What a run does: trains, forecasts, publishes, scores. */
#pragma once

#include "services/trainer/trainer.h"

enum { SET_ID_MAX = 48 };

typedef struct RunOutcome {
    int64_t data_cursor;
    char set_id[SET_ID_MAX]; /* empty: no set was made */
    bool published;
} RunOutcome;

/* "20261123T15-42": the same for every attempt at a run, so that repeating one that crashed publishes the same set. */
void training_run_set_id(const Run *run, char ret_id[SET_ID_MAX]);
/* Hours that a set made at `now` from the cutoff holds: the configured ones, and those since the cutoff when the data
 * lags behind, so that 168 hours from the next one on stay covered. */
size_t training_run_hours(const TrainerConfig *config, Hour cutoff, Instant now);

/* Executes the run in the slot. Ends early with UNAVAILABLE when the service is stopping or the lease was lost. */
bool training_run_execute(Trainer *trainer, RunSlot *slot, RunOutcome *ret_outcome, Error *err) MUST_CHECK;
