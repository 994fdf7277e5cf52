#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "services/feature-store/geo_demand/geo_demand_store.h"
#include "services/feature-store/online/online_store.h"
#include "tests/integration/support/redis_servers.h"

static TestRedis servers[TEST_CLUSTER_NODES];
static RedisClient *client;
static FeatureViews views;
static FeatureView view; /* a copy that tests may change */
static Arena *arena;
static Error err;

#define OK(call) cr_assert((call), "%s", err.message)

static void open_client(void)
{
    RedisOptions options = {.address = servers[0].address, .connections = 4, .timeout_ms = 5000};
    arena = arena_new();
    OK(redis_client_new(&options, &client, &err));
    OK(feature_views_load(feature_view_declarations, feature_view_declarations_count, &views, &err));
    view = *feature_views_find(&views, GEO_DEMAND_VIEW, strlen(GEO_DEMAND_VIEW), 0);
}

static void set_up_single(void)
{
    test_redis_start(&servers[0], false, (const char *const[]){NULL});
    open_client();
}

static void set_up_cluster(void)
{
    test_cluster_start(servers);
    open_client();
}

static void tear_down(void)
{
    redis_client_free(client);
    feature_views_fini(&views);
    arena_free(arena);
    test_cluster_stop(servers);
}

TestSuite(online_write, .init = set_up_single, .fini = tear_down);
TestSuite(online_write_cluster, .init = set_up_cluster, .fini = tear_down);

static OnlineRow row(const char *entity, Instant at, int64_t value)
{
    FeatureValue *values = arena_array(arena, view.features_count, sizeof(*values));
    for (size_t i = 0; i < view.features_count; i++)
        values[i].null = true;
    values[0] = (FeatureValue){.integer = value};
    return (OnlineRow){.entity = entity, .row = {.event_timestamp = at, .created = at + 1, .values = values}};
}

static size_t put(const char *entity, Instant at, int64_t value, OnlineWriteMode mode)
{
    size_t applied = 99;
    OnlineRow one = row(entity, at, value);
    OK(online_store_write(client, &view, &one, 1, mode, &applied, &err));
    return applied;
}

static FeastEntityRow get(const char *entity)
{
    FeastEntityRow *rows = NULL;
    OK(online_store_get(client, &view, &entity, 1, arena, &rows, &err));
    return rows[0];
}

Test(online_write, the_newest_event_time_stays)
{
    static const Instant times[] = {1795000000000000, 4294967296, 4294967295, 1, 0, -1, -4294967296, -5000000000000000};
    cr_assert_not(get("a").found);
    for (size_t i = sizeof(times) / sizeof(times[0]); i-- > 0;) { /* each newer than the one before */
        cr_assert_eq(put("a", times[i], (int64_t)i, ONLINE_NEWER_ONLY), 1, "%zu", i);
        cr_assert_eq(put("a", times[i], 77, ONLINE_NEWER_ONLY), 0, "the same time is not newer");
        for (size_t older = i + 1; older < sizeof(times) / sizeof(times[0]); older++)
            cr_assert_eq(put("a", times[older], 88, ONLINE_NEWER_ONLY), 0, "%zu after %zu", older, i);
        FeastEntityRow stored = get("a");
        cr_assert(stored.found && stored.row.values[0].integer == (int64_t)i && stored.row.values[1].null);
        cr_assert(stored.row.event_timestamp == times[i] && stored.row.created == times[i] + 1);
    }
    cr_assert_eq(put("a", INT64_MAX - 1, 5, ONLINE_NEWER_ONLY), 1);
    cr_assert_eq(put("a", INT64_MAX - 2, 6, ONLINE_NEWER_ONLY), 0, "to the microsecond");
    cr_assert_eq(put("a", 3, 6, ONLINE_OVERWRITE), 1);
    cr_assert_eq(get("a").row.event_timestamp, 3);
}

Test(online_write, rows_of_another_declaration_are_replaced)
{
    cr_assert_eq(put("a", 1000, 1, ONLINE_NEWER_ONLY), 1);
    view.schema_hash++;
    cr_assert_not(get("a").found);
    cr_assert_eq(put("a", 10, 2, ONLINE_NEWER_ONLY), 1, "though it is older");
    cr_assert_eq(get("a").row.values[0].integer, 2);
    freeReplyObject(test_redis_command(&servers[0], "SET %s short", online_store_key(&view, "b", arena)));
    cr_assert_eq(put("b", 10, 2, ONLINE_NEWER_ONLY), 1);
    cr_assert(get("b").found);
}

static long long kept_ms(const char *entity)
{
    redisReply *reply = test_redis_command(&servers[0], "PTTL %s", online_store_key(&view, entity, arena));
    long long ms = reply->integer;
    freeReplyObject(reply);
    return ms;
}

Test(online_write, rows_leave_redis_some_time_after_they_expire)
{
    static const struct {
        int64_t ttl_s;
        long long kept_s;
    } cases[] = {{0, 0}, {1, 2 * 86400}, {86400, 2 * 86400}, {10 * 86400, 20 * 86400}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        view.ttl_s = cases[i].ttl_s;
        for (int mode = ONLINE_NEWER_ONLY; mode <= ONLINE_OVERWRITE; mode++) {
            cr_assert_eq(put("a", (Instant)(i * 2) + mode + 1, 1, (OnlineWriteMode)mode), 1);
            long long ms = kept_ms("a");
            cr_assert(cases[i].kept_s == 0 ? ms == -1
                                           : ms > (cases[i].kept_s - 60) * 1000 && ms <= cases[i].kept_s * 1000,
                      "ttl %lld: %lld ms", (long long)cases[i].ttl_s, ms);
        }
    }
}

Test(online_write, a_script_that_was_forgotten)
{
    cr_assert_eq(put("a", 1, 1, ONLINE_NEWER_ONLY), 1);
    freeReplyObject(test_redis_command(&servers[0], "SCRIPT FLUSH"));
    cr_assert_eq(put("a", 1, 1, ONLINE_NEWER_ONLY), 0);
    cr_assert_eq(put("a", 2, 1, ONLINE_NEWER_ONLY), 1);
}

Test(online_write, entities_that_are_too_long_write_nothing)
{
    char longest[FEAST_ENTITY_VALUE_MAX + 2];
    memset(longest, 'x', sizeof(longest));
    longest[FEAST_ENTITY_VALUE_MAX + 1] = '\0';
    OnlineRow rows[] = {row("a", 1, 1), row(longest, 1, 1)};
    size_t applied = 7;
    cr_assert_not(online_store_write(client, &view, rows, 2, ONLINE_OVERWRITE, &applied, &err));
    cr_assert(err.code == ERROR_UNPROCESSABLE && applied == 7, "%s", err.message);
    cr_assert_not(get("a").found);
    longest[FEAST_ENTITY_VALUE_MAX] = '\0';
    OK(online_store_write(client, &view, rows, 2, ONLINE_OVERWRITE, &applied, &err));
    cr_assert(applied == 2 && get(longest).found);
}

static void many_rows(void)
{
    enum { COUNT = 3500 };
    OnlineRow *rows = arena_array(arena, COUNT, sizeof(*rows));
    const char **entities = arena_array(arena, COUNT, sizeof(*entities));
    FeastEntityRow *stored = NULL;
    size_t applied = 0;
    for (int i = 0; i < COUNT; i++) {
        entities[i] = arena_printf(arena, "geo %d", i);
        rows[i] = row(entities[i], 1000 + i, i);
    }
    for (int mode = ONLINE_NEWER_ONLY; mode <= ONLINE_OVERWRITE; mode++) {
        OK(online_store_write(client, &view, rows, COUNT, (OnlineWriteMode)mode, &applied, &err));
        cr_assert_eq(applied, COUNT);
    }
    OK(online_store_write(client, &view, rows, COUNT, ONLINE_NEWER_ONLY, &applied, &err));
    cr_assert_eq(applied, 0);
    OK(online_store_get(client, &view, entities, COUNT, arena, &stored, &err));
    for (int i = 0; i < COUNT; i++)
        cr_assert(stored[i].found && stored[i].row.values[0].integer == i, "%d", i);
}

Test(online_write, many_rows_in_batches)
{
    many_rows();
}

Test(online_write_cluster, many_rows_over_all_nodes)
{
    many_rows();
    for (int i = 0; i < TEST_CLUSTER_NODES; i++) {
        redisReply *size = test_redis_command(&servers[i], "DBSIZE");
        cr_assert_gt(size->integer, 800);
        freeReplyObject(size);
    }
    OK(online_store_set_marker(client, &view, "here", 12, &err));
    int64_t seq = 0;
    OK(online_store_marker(client, &view, "here", &seq, &err));
    cr_assert_eq(seq, 12);
}

Test(online_write_cluster, a_request_over_all_nodes)
{
    char body[20000] = "{\"features\": [\"geo_demand:orders\"], \"entities\": {\"geo\": [\"none\"";
    OnlineRow rows[300];
    size_t length = strlen(body);
    for (int i = 0; i < 300; i++) {
        rows[i] = row(arena_printf(arena, "g%d", i), 1000, i);
        length += (size_t)snprintf(body + length, sizeof(body) - length, ", \"g%d\"", i);
    }
    snprintf(body + length, sizeof(body) - length, "]}}");
    OK(online_store_write(client, &view, rows, 300, ONLINE_NEWER_ONLY, NULL, &err));
    FeastRequest request;
    FeastEntityRow *stored = NULL;
    yyjson_doc *json = yyjson_read(body, strlen(body), 0);
    OK(feast_request_read(yyjson_doc_get_root(json), &views, &(FeatureServices){0}, FEAST_ENTITIES_MAX, arena, &request,
                          &err));
    yyjson_doc_free(json);
    OK(online_store_read(client, &request, arena, &stored, &err));
    cr_assert_not(stored[0].found);
    for (int i = 0; i < 300; i++)
        cr_assert(stored[i + 1].found && stored[i + 1].row.values[0].integer == i, "%d", i);
}

enum { WRITERS = 4, ENTITIES = 50, TIMES = 120 };

/* Writes all times of all entities in an order of its own; the value tells the time. */
/* What a thread returns when it failed. */
static char work_failed;

static void *write_shuffled(void *seed)
{
    unsigned state = *(unsigned *)seed;
    FeatureValue values[ENTITIES][FEATURES_PER_VIEW_MAX];
    OnlineRow rows[ENTITIES];
    char entities[ENTITIES][16];
    int order[TIMES];
    for (int i = 0; i < TIMES; i++) {
        int other = (int)(rand_r(&state) % (unsigned)(i + 1));
        order[i] = order[other];
        order[other] = i + 1;
    }
    for (int i = 0; i < TIMES; i++) {
        for (int entity = 0; entity < ENTITIES; entity++) {
            memset(values[entity], 0, sizeof(values[0]));
            values[entity][0].integer = order[i];
            snprintf(entities[entity], sizeof(entities[0]), "e%d", entity);
            rows[entity] = (OnlineRow){entities[entity], {order[i], order[i], values[entity]}};
        }
        Error failure;
        if (!online_store_write(client, &view, rows, ENTITIES, ONLINE_NEWER_ONLY, NULL, &failure))
            return &work_failed;
    }
    return NULL;
}

static void race(void)
{
    pthread_t threads[WRITERS];
    unsigned seeds[WRITERS];
    for (unsigned i = 0; i < WRITERS; i++) {
        seeds[i] = i + 1;
        cr_assert_eq(pthread_create(&threads[i], NULL, write_shuffled, &seeds[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        cr_assert_null(failed);
    }
    for (int i = 0; i < ENTITIES; i++) {
        FeastEntityRow stored = get(arena_printf(arena, "e%d", i));
        cr_assert(stored.found && stored.row.event_timestamp == TIMES && stored.row.values[0].integer == TIMES);
    }
}

Test(online_write, of_writers_at_the_same_time_the_newest_wins)
{
    race();
}

Test(online_write_cluster, of_writers_at_the_same_time_the_newest_wins)
{
    race();
}
