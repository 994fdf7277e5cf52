#include "services/forecast-api/set_handlers.h"

#include <string.h>
#include "common/metrics.h"
#include "services/forecast-api/forecast_api.h"
#include "services/forecast-api/set_store.h"

enum { SETS_LIMIT_DEFAULT = 20, SETS_LIMIT_MAX = 500 };

static Metric sets_received = {
    .kind = METRIC_COUNTER, .name = "rushcast_forecast_sets_received_total", .help = "Forecast sets stored."};
static Metric publications = {.kind = METRIC_COUNTER,
                              .name = "rushcast_forecast_publications_total",
                              .help = "Calls that published a set or rolled back to one",
                              .labels = {"action"}};

static json_t *stored_set_json(const StoredSet *set)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:s, s:I, s:I, s:I, s:s, s:o, s:o, s:o}", "id", set->id, "status",
                     set->status, "cutoff", json_hour(set->cutoff), "issued_at", json_instant(set->issued_at), "kind",
                     set->kind, "hours", (json_int_t)set->hours, "series", (json_int_t)set->series_count,
                     "length_bytes", (json_int_t)set->length_bytes, "sha256", set->checksum, "received_at",
                     json_instant(set->received_at), "published_at", json_instant(set->published_at), "publication",
                     set->published_seq != 0 ? json_integer(set->published_seq) : json_null());
}

static bool read_id(const Request *request, const char **ret_id, Error *err)
{
    const char *id = request_path(request, "id");
    if (!issued_set_id_ok(id))
        return error_set_at(err, ERROR_INVALID_ARGUMENT, "id",
                            "a set's id has 1 to %d letters, digits, '-', '_', '.' and ':'", ISSUED_SET_ID_MAX);
    *ret_id = id;
    return true;
}

/* A set that is stored already is not read again: the checksum tells that it is the same. */
static bool find_same(PgConnection *connection, const char *id, const char *checksum, StoredSet *ret_set,
                      bool *ret_found, Error *err)
{
    if (set_store_get(connection, id, ret_set, err)) {
        *ret_found = strcmp(ret_set->checksum, checksum) == 0;
        return true;
    }
    *ret_found = false;
    return err->code == ERROR_NOT_FOUND;
}

static bool put_new(const Request *request, const char *id, const char *checksum, PgConnection *connection,
                    StoredSet *ret_set, bool *ret_created, Error *err)
{
    IssuedSet *set;
    if (!issued_set_read(id, request->body, request->body_length_bytes, &set, err))
        return false;
    bool ok = set_store_put(connection, set, request->body, request->body_length_bytes, checksum, ret_created, err) &&
              set_store_get(connection, id, ret_set, err);
    shared_unref(set);
    return ok;
}

bool forecast_set_put(Request *request, Response *response, Error *err)
{
    const ForecastApi *api = request->service;
    const char *id = NULL;
    if (!read_id(request, &id, err))
        return false;
    char checksum[SET_CHECKSUM_TEXT_MAX];
    set_checksum(request->body, request->body_length_bytes, checksum);
    PgConnection *connection PG_SCOPED = NULL;
    StoredSet set;
    bool found, created = false;
    if (!pg_acquire(api->pg, PG_ACQUIRE_DEADLINE_MS, &connection, err) ||
        !find_same(connection, id, checksum, &set, &found, err) ||
        (!found && !put_new(request, id, checksum, connection, &set, &created, err)))
        return false;
    if (created)
        metric_add(metric_with(&sets_received), 1);
    response_json(response, stored_set_json(&set));
    response_status(response, created ? 201 : 200);
    return true;
}

static bool answer_published(Response *response, const StoredSet *set, const char *action)
{
    metric_add(metric_with(&publications, action), 1);
    forecast_api_wake(WORKER_PUBLICATIONS);
    response_json(response, stored_set_json(set));
    return true;
}

bool forecast_set_publish(Request *request, Response *response, Error *err)
{
    const ForecastApi *api = request->service;
    const char *id = NULL;
    PgConnection *connection PG_SCOPED = NULL;
    StoredSet set;
    return read_id(request, &id, err) && pg_acquire(api->pg, PG_ACQUIRE_DEADLINE_MS, &connection, err) &&
           set_store_publish(connection, id, request->request_id, &set, err) &&
           answer_published(response, &set, "publish");
}

bool forecast_sets_rollback(Request *request, Response *response, Error *err)
{
    const ForecastApi *api = request->service;
    PgConnection *connection PG_SCOPED = NULL;
    StoredSet set;
    return pg_acquire(api->pg, PG_ACQUIRE_DEADLINE_MS, &connection, err) &&
           set_store_rollback(connection, request_query(request, "from"), request->request_id, &set, err) &&
           answer_published(response, &set, "rollback");
}

bool forecast_sets_list(Request *request, Response *response, Error *err)
{
    const ForecastApi *api = request->service;
    int64_t limit;
    if (!request_query_int(request, "limit", 1, SETS_LIMIT_MAX, SETS_LIMIT_DEFAULT, &limit, err))
        return false;
    PgConnection *connection PG_SCOPED = NULL;
    StoredSet *sets = arena_array(request_arena(request), (size_t)limit, sizeof *sets);
    size_t count;
    if (!pg_acquire(api->pg, PG_ACQUIRE_DEADLINE_MS, &connection, err) ||
        !set_store_list(connection, (size_t)limit, sets, &count, err))
        return false;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, stored_set_json(&sets[i]));
    response_json(response, json_pack("{s:o}", "sets", list));
    return true;
}
