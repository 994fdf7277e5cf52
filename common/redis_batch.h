/* Running a batch of commands over the nodes of a topology; for redis_client.c. */
#pragma once

#include "common/redis_topology.h"

/* As redis_run_batch, until that time of clock_monotonic_ms(). */
bool redis_batch_run(RedisTopology *topology, RedisCommand *commands, size_t count, int64_t until_ms,
                     Error *err) MUST_CHECK;
