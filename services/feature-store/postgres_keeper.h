/* Worker that brings the schema `features` up to date and then watches that Postgres can be reached. */
#pragma once

#include "common/worker.h"

WorkerFunction postgres_keeper_step;
