/* The commands of the `rushcast` program. Each takes its own arguments (argv[0] is the command's name, argv[-1] the
 * program's) and returns the exit status: 0 done, 1 failed, 2 wrong usage. */
#pragma once

#include "common/hour.h"

enum { SIMULATION_WEEKS_MAX = 104 };

int cli_run(int argc, char **argv);
int cli_status(int argc, char **argv);
int cli_forecast(int argc, char **argv);
int cli_replay(int argc, char **argv);
int cli_simulate(int argc, char **argv);
int cli_backtest(int argc, char **argv);

/* "rushcast COMMAND: message" on standard error; returns 1. */
int cli_failure(const char *command, const Error *err);
/* The environment variable, or the fallback when it is unset or empty. */
const char *cli_env(const char *name, const char *fallback);
/* Where made-up and shifted events end: RUSHCAST_NOW when clock_init() was told an instant, otherwise the wall clock.
 */
Instant cli_now(void);
