#include "services/forecast-api/follower.h"

#include <string.h>
#include "common/clock.h"
#include "common/log.h"
#include "common/metrics.h"
#include "gen/forecast_api_sql.h"
#include "services/forecast-api/forecast_api.h"
#include "services/forecast-api/set_store.h"

enum { POLL_MS = 1000, CLEANING_MS = 3600 * 1000 };

static Metric snapshot_series = {
    .kind = METRIC_GAUGE, .name = "rushcast_forecast_series", .help = "Series in the set being served."};
static Metric snapshot_geos = {
    .kind = METRIC_GAUGE, .name = "rushcast_forecast_geos", .help = "Geos that can be asked for."};
static Metric snapshot_publication = {.kind = METRIC_GAUGE,
                                      .name = "rushcast_forecast_publication_seq",
                                      .help = "Number of the publication being served."};
static Metric snapshot_overrides = {
    .kind = METRIC_GAUGE, .name = "rushcast_forecast_overrides", .help = "Overrides in force."};
static Metric cutoff_age = {.kind = METRIC_GAUGE,
                            .name = "rushcast_forecast_cutoff_age_seconds",
                            .help = "Time since the end of the last hour the served set had observed."};
static Metric publications_loaded = {.kind = METRIC_COUNTER,
                                     .name = "rushcast_forecast_publications_loaded_total",
                                     .help = "Publications and rollbacks this instance has taken over."};
static Metric load_seconds = {.kind = METRIC_HISTOGRAM,
                              .name = "rushcast_forecast_load_seconds",
                              .help = "Time to load a published set from Postgres."};

typedef struct PublishedState {
    int64_t publication_seq; /* 0: none yet */
    char set_id[ISSUED_SET_ID_MAX + 1];
    int64_t geos_revision, overrides_revision;
    bool overrides_expired;
} PublishedState;

static bool expire_overrides(PgConnection *connection, Error *err)
{
    if (!pg_begin(connection, err))
        return false;
    if (!pg_run(connection, &sql_lock_forecast_revisions, PG_PARAMS(), NULL, err) ||
        !pg_run(connection, &sql_expire_overrides, PG_PARAMS(pg_instant(clock_now())), NULL, err)) {
        pg_rollback(connection);
        return false;
    }
    return pg_commit(connection, err);
}

static bool read_state(PgConnection *connection, PublishedState *ret_state, Error *err)
{
    PGresult *result PG_RESULT_SCOPED = NULL;
    if (!pg_run(connection, &sql_select_forecast_state, PG_PARAMS(pg_instant(clock_now())), &result, err))
        return false;
    *ret_state = (PublishedState){.geos_revision = pg_get_int(result, 0, 2),
                                  .overrides_revision = pg_get_int(result, 0, 3),
                                  .overrides_expired = pg_get_bool(result, 0, 4)};
    if (!pg_is_null(result, 0, 0)) {
        ret_state->publication_seq = pg_get_int(result, 0, 0);
        snprintf(ret_state->set_id, sizeof ret_state->set_id, "%s", pg_get_text(result, 0, 1));
    }
    return true;
}

static bool load_geos(PgConnection *connection, GeoCatalog **ret_geos, Error *err)
{
    PGresult *result PG_RESULT_SCOPED = NULL;
    if (!pg_run(connection, &sql_select_forecast_geos, PG_PARAMS(), &result, err))
        return false;
    int rows = PQntuples(result);
    GeoCatalog *geos = geo_catalog_new((size_t)rows);
    for (int row = 0; row < rows; row++)
        geo_catalog_add(geos, &(GeoInfo){.geo = pg_get_text(result, row, 0),
                                         .name = pg_get_text(result, row, 1),
                                         .kind = pg_get_text(result, row, 2),
                                         .timezone = pg_get_text(result, row, 3),
                                         .country = pg_get_text(result, row, 4),
                                         .lat = pg_get_real(result, row, 5),
                                         .lon = pg_get_real(result, row, 6),
                                         .parent = pg_get_text(result, row, 7),
                                         .geo_version = pg_get_int(result, row, 8),
                                         .first_hour = pg_get_hour(result, row, 9),
                                         .revision = pg_get_int(result, row, 10)});
    geo_catalog_finish(geos);
    *ret_geos = geos;
    return true;
}

static int word_index(const char *const *words, const char *word)
{
    int i = 0;
    while (words[i + 1] != NULL && strcmp(words[i], word) != 0)
        i++;
    return i;
}

static bool load_overrides(PgConnection *connection, int64_t publication_seq, OverrideList **ret_overrides, Error *err)
{
    PGresult *result PG_RESULT_SCOPED = NULL;
    if (!pg_run(connection, &sql_select_served_overrides, PG_PARAMS(pg_int(publication_seq)), &result, err))
        return false;
    int rows = PQntuples(result);
    OverrideList *list = override_list_new((size_t)rows);
    for (int row = 0; row < rows; row++)
        override_list_add(
            list, &(Override){.id = pg_get_text(result, row, 0),
                              .geo = pg_get_text(result, row, 1),
                              .scope = (OverrideScope)word_index(override_scope_names, pg_get_text(result, row, 2)),
                              .vertical = (Vertical)word_index(vertical_names, pg_get_text(result, row, 3)),
                              .kind = (OverrideKind)word_index(override_kind_names, pg_get_text(result, row, 4)),
                              .value = pg_get_real(result, row, 5),
                              .from = pg_get_hour(result, row, 6),
                              .to = pg_get_hour(result, row, 7),
                              .in_force = pg_get_bool(result, row, 8),
                              .revision = pg_get_int(result, row, 9)});
    *ret_overrides = list;
    return true;
}

static bool load_set(PgConnection *connection, const char *id, IssuedSet **ret_set, Error *err)
{
    double begun_s = clock_monotonic_s();
    if (!set_store_load(connection, id, ret_set, err))
        return false;
    metric_observe(metric_with(&load_seconds), clock_monotonic_s() - begun_s);
    return true;
}

static void report(const ForecastApi *api)
{
    const SnapshotParts *shown = &api->shown;
    metric_set(metric_with(&snapshot_publication), (double)shown->publication_seq);
    metric_set(metric_with(&snapshot_geos), (double)shown->geos->count);
    metric_set(metric_with(&snapshot_overrides), (double)shown->overrides->in_force);
    metric_set(metric_with(&snapshot_series), shown->set != NULL ? (double)shown->set->count : 0);
}

/* Loads those parts that differ from what is shown. The rest is shared with it. */
static bool load_parts(ForecastApi *api, PgConnection *connection, const PublishedState *state, SnapshotParts *parts,
                       Error *err)
{
    const SnapshotParts *shown = &api->shown;
    parts->publication_seq = state->publication_seq;
    if (shown->set != NULL && strcmp(shown->set->id, state->set_id) == 0) {
        parts->set = shown->set;
        shared_ref(&parts->set->shared);
    } else if (state->publication_seq != 0 && !load_set(connection, state->set_id, &parts->set, err)) {
        return false;
    }
    if (shown->geos != NULL && shown->geos->revision == state->geos_revision) {
        parts->geos = shown->geos;
        shared_ref(&parts->geos->shared);
    } else if (!load_geos(connection, &parts->geos, err)) {
        return false;
    }
    return load_overrides(connection, state->publication_seq, &parts->overrides, err);
}

static bool knows_all_geos(const SnapshotParts *parts)
{
    for (size_t i = 0; parts->set != NULL && i < parts->set->count; i++)
        if (!geo_catalog_has(parts->geos, parts->set->series[i].geo))
            return false;
    return true;
}

/* A set may bring geos younger than the last look at ingest. While ingest is down they are shown as far as known. */
static bool learn_new_geos(ForecastApi *api, PgConnection *connection, SnapshotParts *parts, Error *err)
{
    Error unknown;
    if (knows_all_geos(parts) || !follower_copy_geos(api, &unknown))
        return true;
    shared_unref(parts->geos);
    parts->geos = NULL;
    return load_geos(connection, &parts->geos, err);
}

static void parts_fini(SnapshotParts *parts)
{
    shared_unref(parts->set);
    shared_unref(parts->geos);
    shared_unref(parts->overrides);
}

static bool show_state(ForecastApi *api, PgConnection *connection, const PublishedState *state, Error *err)
{
    SnapshotParts parts = {0};
    if (!load_parts(api, connection, state, &parts, err) || !learn_new_geos(api, connection, &parts, err)) {
        parts_fini(&parts);
        return false;
    }
    bool published = parts.publication_seq != api->shown.publication_seq;
    board_show(api->board, &parts);
    parts_fini(&api->shown);
    api->shown = parts;
    api->overrides_revision = state->overrides_revision;
    report(api);
    if (published) {
        metric_add(metric_with(&publications_loaded), 1);
        log_info("forecast.published", log_text("set", state->set_id), log_int("seq", state->publication_seq),
                 log_int("series", parts.set->count));
        forecast_api_wake(WORKER_HOURS);
    }
    return true;
}

static bool clean(ForecastApi *api, PgConnection *connection, Error *err)
{
    if (clock_monotonic_ms() < api->next_cleaning_ms)
        return true;
    api->next_cleaning_ms = clock_monotonic_ms() + CLEANING_MS;
    return pg_run(connection, &sql_delete_old_set_chunks, PG_PARAMS(pg_int(api->config.set_retention_days)), NULL, err);
}

static bool migrate(ForecastApi *api, PgConnection *connection, Error *err)
{
    size_t applied;
    if (!api->migrated && !migrations_apply(connection, "forecast", forecast_api_migrations,
                                            forecast_api_migrations_count, &applied, err))
        return false;
    api->migrated = true;
    return true;
}

bool follow_publications(void *service, WorkerStep *step, Error *err)
{
    ForecastApi *api = service;
    step->rest_ms = POLL_MS;
    PgConnection *connection PG_SCOPED = NULL;
    PublishedState state;
    if (!pg_acquire(api->pg, PG_ACQUIRE_DEADLINE_MS, &connection, err) || !migrate(api, connection, err) ||
        !read_state(connection, &state, err))
        return false;
    if (state.overrides_expired && (!expire_overrides(connection, err) || !read_state(connection, &state, err)))
        return false;
    const SnapshotParts *shown = &api->shown;
    bool changed = shown->geos == NULL || shown->publication_seq != state.publication_seq ||
                   shown->geos->revision != state.geos_revision || api->overrides_revision != state.overrides_revision;
    if (changed && !show_state(api, connection, &state, err))
        return false;
    return clean(api, connection, err);
}

bool follow_hours(void *service, WorkerStep *step, Error *err)
{
    ForecastApi *api = service;
    board_turn(api->board);
    step->rest_ms = POLL_MS;
    step->is_waiting = true;
    Snapshot *snapshot;
    if (!forecast_api_hold(api, &snapshot, err))
        return false;
    Instant now = clock_now(), next = hour_start(snapshot->first_hour);
    metric_set(metric_with(&cutoff_age),
               (double)(now - hour_start(snapshot->parts.set->cutoff + 1)) / (double)INSTANT_PER_SECOND);
    shared_unref(snapshot);
    int64_t rest_ms = (next - now) / 1000 + 1;
    if (rest_ms > 0 && rest_ms < POLL_MS)
        step->rest_ms = (int)rest_ms;
    return true;
}
