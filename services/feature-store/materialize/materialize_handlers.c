#include "services/feature-store/materialize/materialize_handlers.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include "common/clock.h"
#include "common/service.h"
#include "services/feature-store/feast/feast_body.h"
#include "services/feature-store/feast/feast_endpoint.h"
#include "services/feature-store/feature_store.h"
#include "services/feature-store/materialize/materialization.h"

enum { WAIT_MS = 600000, LOOK_FIRST_MS = 5, LOOK_MAX_MS = 50, LIST_MAX = 1000, LIST_DEFAULT = 50 };

static atomic_int waiting; /* requests that wait for their runs; each holds a thread */

static void pause_ms(int ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

/* Whether the run is over; a failed one is an error. */
static bool look(FeatureStore *store, int64_t id, bool *ret_done, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    JSON_SCOPED json_t *run = NULL;
    if (!feature_store_acquire(store, &connection, err) || !materialization_get(connection, id, &run, err))
        return false;
    const char *state = json_string_value(json_object_get(run, "state"));
    if (strcmp(state, "failed") == 0)
        return error_set(err, ERROR_UNPROCESSABLE, "materialization %lld failed: %s", (long long)id,
                         json_string_value(json_object_get(run, "problem")));
    *ret_done = strcmp(state, "done") == 0;
    return true;
}

static bool wait_for(FeatureStore *store, int64_t id, int64_t deadline_ms, Error *err)
{
    int look_ms = LOOK_FIRST_MS;
    for (bool done = false; !done; look_ms = look_ms * 2 < LOOK_MAX_MS ? look_ms * 2 : LOOK_MAX_MS) {
        pause_ms(look_ms);
        if (!look(store, id, &done, err))
            return false;
        /* TIMEOUT: the SDK would repeat a request that is answered with 503 or 504, and find the run in its way */
        if (!done && (clock_monotonic_ms() > deadline_ms || workers_stopping()))
            return error_set(err, ERROR_TIMEOUT, "materialization goes on: see GET /materializations/%lld",
                             (long long)id);
    }
    return true;
}

static bool wait_for_all(FeatureStore *store, const int64_t *ids, size_t count, Error *err)
{
    int64_t deadline_ms = clock_monotonic_ms() + WAIT_MS;
    for (size_t i = 0; i < count; i++) {
        if (!wait_for(store, ids[i], deadline_ms, err))
            return false;
    }
    return true;
}

static void answer_accepted(Response *response, const MaterializeRequest *asked, const int64_t *ids)
{
    json_t *names = json_array(), *numbers = json_array();
    for (size_t i = 0; i < asked->views_count; i++) {
        json_array_append_new(names, json_string(asked->views[i]->name));
        json_array_append_new(numbers, json_integer(ids[i]));
    }
    response_status(response, 202);
    response_json(response, json_pack("{s:s, s:o, s:o}", "status", "accepted", "feature_views", names,
                                      "materializations", numbers));
}

static bool queue(FeatureStore *store, const MaterializeRequest *asked, bool force, int64_t *ret_ids, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    if (!feature_store_acquire(store, &connection, err) ||
        !materialization_queue(connection, asked, force, ret_ids, err))
        return feast_fail_store(err);
    workers_wake(service_workers(), "materializer");
    return true;
}

/* Those who wait may take half of the threads, so that features are answered meanwhile. */
static bool queue_and_wait(FeatureStore *store, const MaterializeRequest *asked, bool force, Error *err)
{
    int64_t ids[FEATURE_VIEWS_MAX];
    int limit = (int)(store->config.common.blocking_threads / 2);
    bool ok = atomic_fetch_add(&waiting, 1) < (limit > 0 ? limit : 1);
    if (!ok)
        error_set(err, ERROR_OVERLOADED, "too many wait for materializations: ask with ?async=true");
    ok = ok && queue(store, asked, force, ids, err) && wait_for_all(store, ids, asked->views_count, err);
    atomic_fetch_sub(&waiting, 1);
    return ok;
}

static bool materialize(Request *request, Response *response, bool incremental, Error *err)
{
    static const char *const parameters[] = {"async", "force", NULL};
    FeatureStore *store = request->service;
    FEAST_BODY_SCOPED yyjson_doc *document = NULL;
    MaterializeRequest asked;
    int64_t ids[FEATURE_VIEWS_MAX];
    bool async = false, force = false;
    if (!request_query_only(request, parameters, err) || !request_query_bool(request, "async", false, &async, err) ||
        !request_query_bool(request, "force", false, &force, err) || !feast_body_read(request, &document, err) ||
        !materialize_request_read(yyjson_doc_get_root(document), &store->views, incremental, clock_now(), &asked, err))
        return false;
    if (async) {
        if (!queue(store, &asked, force, ids, err))
            return false;
        answer_accepted(response, &asked, ids);
        return true;
    }
    if (!queue_and_wait(store, &asked, force, err))
        return false;
    response_text(response, "application/json", "null");
    return true;
}

static bool full(Request *request, Response *response, Error *err)
{
    return materialize(request, response, false, err);
}

static bool incremental(Request *request, Response *response, Error *err)
{
    return materialize(request, response, true, err);
}

bool materialize_handle_full(Request *request, Response *response, Error *err)
{
    return feast_endpoint(full, request, response, err);
}

bool materialize_handle_incremental(Request *request, Response *response, Error *err)
{
    return feast_endpoint(incremental, request, response, err);
}

bool materialize_handle_list(Request *request, Response *response, Error *err)
{
    static const char *const parameters[] = {"limit", NULL};
    PG_SCOPED PgConnection *connection = NULL;
    json_t *list = NULL;
    int64_t limit = 0;
    if (!request_query_only(request, parameters, err) ||
        !request_query_int(request, "limit", 1, LIST_MAX, LIST_DEFAULT, &limit, err) ||
        !feature_store_acquire(request->service, &connection, err) ||
        !materialization_list(connection, limit, &list, err))
        return false;
    response_json(response, json_pack("{s:o}", "materializations", list));
    return true;
}

bool materialize_handle_get(Request *request, Response *response, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    json_t *run = NULL;
    int64_t id = 0;
    if (!request_path_id(request, "id", &id, err) || !feature_store_acquire(request->service, &connection, err) ||
        !materialization_get(connection, id, &run, err))
        return false;
    response_json(response, run);
    return true;
}
