/* Waiting on a condition until a time of clock_monotonic_ms(), which setting the wall clock does not move. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

void deadline_cond_init(pthread_cond_t *cond);
/* One wait, under the mutex. False once the time has come. */
bool deadline_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t until_ms);
