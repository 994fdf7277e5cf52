#include <criterion/criterion.h>
#include "common/clock.h"
#include "common/deadline.h"

Test(deadline, a_wait_ends_at_its_time)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond;
    deadline_cond_init(&cond);
    pthread_mutex_lock(&mutex);
    cr_expect_not(deadline_cond_wait(&cond, &mutex, clock_monotonic_ms() - 1));
    int64_t until_ms = clock_monotonic_ms() + 20;
    while (deadline_cond_wait(&cond, &mutex, until_ms))
        ;
    cr_expect_geq(clock_monotonic_ms(), until_ms);
    pthread_mutex_unlock(&mutex);
    pthread_cond_destroy(&cond);
}
