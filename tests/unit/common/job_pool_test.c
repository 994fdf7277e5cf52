#include <criterion/criterion.h>

#include <pthread.h>
#include <stdatomic.h>

#include "common/job_pool.h"

static atomic_int prepared, done, dropped;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void count_prepared(void *job)
{
    (void)job;
    atomic_fetch_add(&prepared, 1);
}

static void count_done(void *job)
{
    (void)job;
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    atomic_fetch_add(&done, 1);
}

static void count_dropped(void *job)
{
    (void)job;
    atomic_fetch_add(&dropped, 1);
}

Test(job_pool, every_job_is_either_done_or_dropped)
{
    enum { LIMIT = 4, TRIES = 20 };
    int job = 0, taken = 0;
    pthread_mutex_lock(&gate);
    JobPool *pool = job_pool_new(2, LIMIT, count_done);
    for (int i = 0; i < TRIES; i++)
        taken += job_pool_push(pool, &job, count_prepared) ? 1 : 0;
    /* Two may have been taken out by the threads, which wait at the gate. */
    cr_assert(taken >= LIMIT && taken <= LIMIT + 2, "%d", taken);
    cr_assert_eq(atomic_load(&prepared), taken);
    pthread_mutex_unlock(&gate);
    job_pool_stop(pool, count_dropped);
    cr_assert_eq(atomic_load(&done) + atomic_load(&dropped), taken);
    cr_assert_not(job_pool_push(pool, &job, count_prepared));
    job_pool_free(pool);
    job_pool_free(NULL);
}
