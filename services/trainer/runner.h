/* Workers that take due runs and execute them: one for forecasts, so that they never wait for a training. */
#pragma once

#include "common/worker.h"

WorkerFunction runner_forecasts;
WorkerFunction runner_trainings;
