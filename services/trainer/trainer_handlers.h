/* The trainer's HTTP interface, see api/trainer.yaml. */
#pragma once

#include "common/router.h"

enum { TRAINER_RUN_BODY_LIMIT_BYTES = 4096 };

RouteHandler trainer_post_run, trainer_get_runs, trainer_get_run, trainer_get_models, trainer_promote_model,
    trainer_get_backtest, trainer_get_schedule;
