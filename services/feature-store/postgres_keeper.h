/* Worker that watches whether Postgres can be reached; its first step brings the schema `features` up to date. */
#pragma once

#include "common/worker.h"

WorkerFunction postgres_keeper_step;
