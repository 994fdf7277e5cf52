/* The look-up below HTTP: online_lookup VIEWS REDIS ENTITIES BATCH CONNECTIONS SECONDS reads batches of entities of
 * bench_online (declared in the folder VIEWS) at random, each connection in a thread of its own, and prints how many
 * batches a second there were. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "services/feature-store/online/online_store.h"

enum { THREADS_MAX = 64, TIMEOUT_MS = 5000, REQUESTS = 200 };

typedef struct Bench {
    FeatureViews views;
    RedisClient *redis;
    size_t entities, batch;
    double until_s;
    atomic_size_t batches;
} Bench;

static void fail(const Error *err)
{
    fprintf(stderr, "online_lookup: %s\n", err->message);
    exit(1);
}

static const FeatureView *bench_view(const Bench *bench)
{
    static const char name[] = "bench_online";
    const FeatureView *view = feature_views_find(&bench->views, name, sizeof(name) - 1, 0);
    if (view == NULL) {
        fputs("online_lookup: bench_online is not declared\n", stderr);
        exit(1);
    }
    return view;
}

static FeastRequest random_request(const Bench *bench, unsigned *seed, Arena *arena)
{
    FeastRequest request = {.entities_count = bench->batch, .join_keys_count = 1, .views_count = 1};
    request.views[0].view = bench_view(bench);
    request.views[0].entities = arena_array(arena, bench->batch, sizeof(char *));
    for (size_t i = 0; i < bench->batch; i++)
        request.views[0].entities[i] = arena_printf(arena, "driver-%05zu", (size_t)rand_r(seed) % bench->entities);
    return request;
}

static void *read_batches(void *argument)
{
    Bench *bench = argument;
    Error err = {0};
    unsigned seed = (unsigned)(uintptr_t)&err;
    ARENA_SCOPED Arena *names = arena_new();
    ARENA_SCOPED Arena *arena = arena_new();
    FeastRequest requests[REQUESTS];
    for (size_t i = 0; i < REQUESTS; i++)
        requests[i] = random_request(bench, &seed, names);
    size_t batches = 0;
    for (; clock_monotonic_s() < bench->until_s; batches++) {
        FeastEntityRow *rows = NULL;
        if (!online_store_read(bench->redis, &requests[batches % REQUESTS], arena, &rows, &err))
            fail(&err);
        for (size_t i = 0; i < bench->batch; i++) {
            if (!rows[i].found) {
                fputs("online_lookup: an entity is not there\n", stderr);
                exit(1);
            }
        }
        arena_reset(arena);
    }
    atomic_fetch_add(&bench->batches, batches);
    return NULL;
}

static void read_all(Bench *bench, unsigned connections, double seconds)
{
    pthread_t threads[THREADS_MAX];
    double begin_s = clock_monotonic_s();
    bench->until_s = begin_s + seconds;
    for (unsigned i = 0; i < connections; i++) {
        if (pthread_create(&threads[i], NULL, read_batches, bench) != 0)
            abort();
    }
    for (unsigned i = 0; i < connections; i++)
        pthread_join(threads[i], NULL);
    printf("%.1f\n", (double)atomic_load(&bench->batches) / (clock_monotonic_s() - begin_s));
}

int main(int argc, char **argv)
{
    unsigned connections = argc == 7 ? (unsigned)atoi(argv[5]) : 0;
    if (connections == 0 || connections > THREADS_MAX) {
        fputs("online_lookup VIEWS REDIS ENTITIES BATCH CONNECTIONS SECONDS\n", stderr);
        return 2;
    }
    static Bench bench;
    Error err = {0};
    RedisOptions options = {.address = argv[2], .connections = connections, .timeout_ms = TIMEOUT_MS};
    if (!feature_views_load(feature_view_declarations, feature_view_declarations_count, &bench.views, &err) ||
        !feature_views_load_folder(argv[1], &bench.views, &err) || !redis_client_new(&options, &bench.redis, &err))
        fail(&err);
    bench.entities = (size_t)atol(argv[3]);
    bench.batch = (size_t)atol(argv[4]);
    read_all(&bench, connections, atof(argv[6]));
    redis_client_free(bench.redis);
    feature_views_fini(&bench.views);
    return 0;
}
