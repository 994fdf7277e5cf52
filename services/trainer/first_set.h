/* A set for the time until the first training is done: from the same pipeline on a history too short for a backtest, so
 * that nothing is fitted and it takes no time. */
#pragma once

#include "services/trainer/demand_store.h"
#include "services/trainer/set_writer.h"
#include "services/trainer/trainer.h"

/* Forecasts every group of the snapshot and publishes the set under the id. */
bool first_set_publish(const Trainer *trainer, const DemandSnapshot *snapshot, const SetHeader *header, const char *id,
                       Error *err) MUST_CHECK;
