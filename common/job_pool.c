#include "common/job_pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct JobPool {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    JobFunction *run;
    void **queue; /* ring of queue_limit */
    size_t queue_limit, first, count;
    bool stopping;
    size_t threads_count;
    pthread_t threads[];
};

/* Call with the lock held and something queued. */
static void *take(JobPool *pool)
{
    void *job = pool->queue[pool->first];
    pool->first = (pool->first + 1) % pool->queue_limit;
    pool->count--;
    return job;
}

static void *serve(void *argument)
{
    JobPool *pool = argument;
    pthread_mutex_lock(&pool->lock);
    while (!pool->stopping) {
        if (pool->count == 0) {
            pthread_cond_wait(&pool->changed, &pool->lock);
            continue;
        }
        void *job = take(pool);
        pthread_mutex_unlock(&pool->lock);
        pool->run(job);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

JobPool *job_pool_new(unsigned threads, unsigned queue_limit, JobFunction *run)
{
    assert(threads > 0 && queue_limit > 0);
    JobPool *pool = calloc(1, sizeof(*pool) + threads * sizeof(pool->threads[0]));
    void **queue = calloc(queue_limit, sizeof(*queue));
    if (pool == NULL || queue == NULL)
        abort();
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->changed, NULL);
    pool->run = run;
    pool->queue = queue;
    pool->queue_limit = queue_limit;
    for (; pool->threads_count < threads; pool->threads_count++) {
        if (pthread_create(&pool->threads[pool->threads_count], NULL, serve, pool) != 0)
            abort();
        pthread_setname_np(pool->threads[pool->threads_count], "blocking");
    }
    return pool;
}

bool job_pool_push(JobPool *pool, void *job, JobFunction *prepare)
{
    pthread_mutex_lock(&pool->lock);
    bool has_room = !pool->stopping && pool->count < pool->queue_limit;
    if (has_room) {
        prepare(job);
        pool->queue[(pool->first + pool->count++) % pool->queue_limit] = job;
        pthread_cond_signal(&pool->changed);
    }
    pthread_mutex_unlock(&pool->lock);
    return has_room;
}

void job_pool_stop(JobPool *pool, JobFunction *drop)
{
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->changed);
    while (pool->count > 0) {
        void *job = take(pool);
        pthread_mutex_unlock(&pool->lock);
        drop(job);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->threads_count; i++)
        pthread_join(pool->threads[i], NULL);
}

void job_pool_free(JobPool *pool)
{
    if (pool == NULL)
        return;
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->lock);
    free(pool->queue);
    free(pool);
}
