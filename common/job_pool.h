/* A fixed number of threads that serve a bounded queue. */
#pragma once

#include <stddef.h>
#include "common/error.h"

typedef struct JobPool JobPool;
typedef void JobFunction(void *job);

/* `run` serves each job. */
JobPool *job_pool_new(unsigned threads, unsigned queue_limit, JobFunction *run);
/* False when the queue is full. Otherwise calls `prepare` (before any thread can see the job) and queues it. */
bool job_pool_push(JobPool *pool, void *job, JobFunction *prepare) MUST_CHECK;
/* Takes no more jobs, gives those that still wait to `drop`, lets the running ones finish, joins the threads. */
void job_pool_stop(JobPool *pool, JobFunction *drop);
/* After job_pool_stop(). Accepts NULL. */
void job_pool_free(JobPool *pool);
