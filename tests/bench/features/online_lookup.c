/* The look-up below HTTP: online_lookup fill REDIS writes rows of bench_online, online_lookup read REDIS ENTITIES BATCH
 * CONNECTIONS SECONDS reads batches of entities at random, each connection in a thread of its own, and prints how many
 * batches a second there were. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "services/feature-store/online/online_store.h"

enum { THREADS_MAX = 64, TIMEOUT_MS = 5000, ROW_LIMIT_BYTES = 4096, NAME_MAX_BYTES = 32, REQUESTS = 200 };

typedef struct Bench {
    FeatureViews views;
    RedisPool *redis;
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

/* Lines "<entity> <event timestamp in microseconds> <value> <value> ..." from standard input. */
static void fill(const Bench *bench)
{
    const FeatureView *view = bench_view(bench);
    Error err = {0};
    REDIS_SCOPED RedisConnection *redis = NULL;
    BUFFER_SCOPED Buffer packed;
    buffer_init(&packed, ROW_LIMIT_BYTES);
    if (!redis_acquire(bench->redis, TIMEOUT_MS, &redis, &err))
        fail(&err);
    char name[NAME_MAX_BYTES];
    long long event_timestamp;
    while (scanf("%31s %lld", name, &event_timestamp) == 2) {
        FeatureValue values[FEATURES_PER_VIEW_MAX] = {0};
        for (size_t feature = 0; feature < view->features_count; feature++)
            values[feature].null = scanf("%lf", &values[feature].real) != 1;
        FeatureRow row = {.event_timestamp = event_timestamp, .created = event_timestamp, .values = values};
        buffer_clear(&packed);
        feature_row_pack(view, &row, &packed);
        if (!buffer_ok(&packed, &err) || !online_store_put(redis, view, name, &packed, &err) ||
            !online_store_flush(redis, 1, &err))
            fail(&err);
    }
}

static FeastRequest random_request(const Bench *bench, unsigned *seed, Arena *arena)
{
    FeastRequest request = {.entities_count = bench->batch, .join_keys_count = 1, .views_count = 1};
    request.views[0].view = bench_view(bench);
    request.join_keys[0].values = arena_array(arena, bench->batch, sizeof(char *));
    for (size_t i = 0; i < bench->batch; i++)
        request.join_keys[0].values[i] = arena_printf(arena, "driver-%05zu", (size_t)rand_r(seed) % bench->entities);
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
        REDIS_SCOPED RedisConnection *redis = NULL;
        FeastEntityRow *rows = NULL;
        if (!redis_acquire(bench->redis, TIMEOUT_MS, &redis, &err) ||
            !online_store_read(redis, &requests[batches % REQUESTS], arena, &rows, &err))
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
    bool fills = argc == 3 && strcmp(argv[1], "fill") == 0;
    bool reads = argc == 7 && strcmp(argv[1], "read") == 0;
    unsigned connections = reads ? (unsigned)atoi(argv[5]) : 1;
    if ((!fills && !reads) || connections == 0 || connections > THREADS_MAX) {
        fputs("online_lookup fill REDIS | read REDIS ENTITIES BATCH CONNECTIONS SECONDS\n", stderr);
        return 2;
    }
    static Bench bench;
    Error err = {0};
    if (!feature_views_load(feature_view_declarations, feature_view_declarations_count, &bench.views, &err))
        fail(&err);
    bench.redis = redis_pool_new(argv[2], NULL, connections, TIMEOUT_MS);
    bench.entities = reads ? (size_t)atol(argv[3]) : 0;
    bench.batch = reads ? (size_t)atol(argv[4]) : 0;
    if (fills)
        fill(&bench);
    else
        read_all(&bench, connections, atof(argv[6]));
    redis_pool_free(bench.redis);
    feature_views_fini(&bench.views);
    return 0;
}
