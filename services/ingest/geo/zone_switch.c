#include "services/ingest/geo/zone_switch.h"

#include <string.h>
#include "gen/ingest_sql.h"
#include "services/ingest/demand/progress.h"
#include "services/ingest/ingest.h"

enum { SWITCH_TIMEOUT_MS = 60 * 60 * 1000 }; /* of each statement on all of history */

/* A version on its way to be the present one. */
typedef struct Division {
    GeoDirectory *directory; /* finds places in it */
    PgConnection *connection;
    PgCopy *copy;
    int32_t version;
} Division;

static bool assign_places(void *context, const PGresult *rows, Error *err)
{
    Division *division = context;
    for (int i = 0; i < PQntuples(rows); i++) {
        double lat = pg_get_real(rows, i, 0), lon = pg_get_real(rows, i, 1);
        int32_t geo_id;
        if (!geo_directory_locate(division->directory, lat, lon, &geo_id, err))
            return false;
        pg_copy_row(division->copy, 4);
        pg_copy_int4(division->copy, division->version);
        pg_copy_float8(division->copy, lat);
        pg_copy_float8(division->copy, lon);
        pg_copy_int4(division->copy, geo_id);
    }
    return true;
}

static bool begin_places(Division *division, Error *err)
{
    return pg_copy_begin(division->connection, "core.zone_place (version, lat, lon, geo_id)", &division->copy, err);
}

/* All places that history has until now, while orders go on coming in; read on another connection. */
static bool assign_known_places(Ingest *ingest, Division *division, Error *err)
{
    PG_SCOPED PgConnection *reading = NULL;
    if (!pg_run(division->connection, &sql_delete_zone_places, PG_PARAMS(), NULL, err) ||
        !pg_acquire(ingest->postgres, INGEST_DATABASE_WAIT_MS, &reading, err) ||
        !pg_set_timeout(reading, SWITCH_TIMEOUT_MS, err) || !pg_begin(reading, err) || !begin_places(division, err))
        return false;
    bool read = pg_each(reading, &sql_select_unassigned_places, PG_PARAMS(pg_int(division->version)), assign_places,
                        division, err);
    Error end_error;
    return pg_copy_end(division->copy, !read, NULL, read ? err : &end_error) && read;
}

/* Those that came meanwhile; nobody commits any more. */
static bool assign_last_places(Division *division, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!pg_run(division->connection, &sql_select_unassigned_places, PG_PARAMS(pg_int(division->version)), &rows,
                err) ||
        !begin_places(division, err))
        return false;
    bool read = assign_places(division, rows, err);
    Error end_error;
    return pg_copy_end(division->copy, !read, NULL, read ? err : &end_error) && read;
}

static bool read_number(PgConnection *connection, const PgStatement *statement, int64_t *ret_number, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    if (!pg_run(connection, statement, PG_PARAMS(), &row, err))
        return false;
    *ret_number = pg_get_int(row, 0, 0);
    return true;
}

/* In the open transaction, under the commit lock. */
static bool assign_history(Division *division, int64_t batch_id, int64_t commit_seq, Error *err)
{
    PgConnection *connection = division->connection;
    PgParam version = pg_int(division->version);
    return geo_directory_describe_zones(division->directory, connection, err) && assign_last_places(division, err) &&
           pg_run(connection, &sql_assign_branch_locations, PG_PARAMS(version), NULL, err) &&
           pg_run(connection, &sql_assign_order_events, PG_PARAMS(version), NULL, err) &&
           pg_run(connection, &sql_assign_order_events_of_branches, PG_PARAMS(), NULL, err) &&
           pg_run(connection, &sql_count_demand_anew, PG_PARAMS(pg_int(commit_seq)), NULL, err) &&
           pg_run(connection, &sql_insert_zone_batch, PG_PARAMS(pg_int(batch_id), pg_int(commit_seq), version), NULL,
                  err) &&
           pg_run(connection, &sql_retire_zone_version, PG_PARAMS(), NULL, err) &&
           pg_run(connection, &sql_switch_zone_version, PG_PARAMS(version, pg_int(commit_seq)), NULL, err) &&
           pg_run(connection, &sql_delete_zone_places, PG_PARAMS(), NULL, err);
}

/* One transaction: readers see the one division or the other. The table lock lets those end who located branches and
 * wait for the commit lock; taken the other way round, both would wait for each other. */
static bool switch_division(Division *division, int64_t *ret_commit_seq, Error *err)
{
    PgConnection *connection = division->connection;
    int64_t batch_id, commit_seq;
    bool ok = pg_begin(connection, err) &&
              pg_command(connection, "LOCK TABLE core.branch_location IN SHARE ROW EXCLUSIVE MODE", err) &&
              read_number(connection, &sql_next_batch_id, &batch_id, err) &&
              pg_run(connection, &sql_take_commit_lock, PG_PARAMS(), NULL, err) &&
              read_number(connection, &sql_next_commit_seq, &commit_seq, err) &&
              assign_history(division, batch_id, commit_seq, err) && pg_commit(connection, err);
    if (ok)
        *ret_commit_seq = commit_seq;
    else
        pg_rollback(connection);
    return ok;
}

/* `job` NULL: there are no orders yet, and it takes no time. */
static bool divide(Ingest *ingest, Division *division, const char *file, const Job *job, int64_t *ret_commit_seq,
                   Error *err)
{
    PgConnection *connection = division->connection;
    return pg_set_timeout(connection, SWITCH_TIMEOUT_MS, err) &&
           geo_directory_reload(division->directory, connection, err) &&
           geo_directory_divide(division->directory, connection, division->version, file, err) &&
           assign_known_places(ingest, division, err) && (!job || job_report(connection, job, err)) &&
           switch_division(division, ret_commit_seq, err);
}

/* *ret_commit_seq is the commit that made it the present one; 0: a newer version took over before. */
static bool switch_to(Ingest *ingest, int32_t version, const Job *job, int64_t *ret_commit_seq, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    PG_RESULT_SCOPED PGresult *row = NULL;
    if (!pg_acquire(ingest->postgres, INGEST_DATABASE_WAIT_MS, &connection, err) ||
        !pg_run(connection, &sql_select_zone_version, PG_PARAMS(pg_int(version)), &row, err))
        return false;
    if (PQntuples(row) == 0)
        return error_set(err, ERROR_NOT_FOUND, "there is no version %d of the zones", version);
    *ret_commit_seq = pg_get_int(row, 0, 2);
    if (strcmp(pg_get_text(row, 0, 0), "prepared") != 0 || !pg_get_bool(row, 0, 3))
        return true;
    Division division = {.directory = ingest_directory_new(ingest), .connection = connection, .version = version};
    bool ok = divide(ingest, &division, pg_get_text(row, 0, 1), job, ret_commit_seq, err);
    geo_directory_free(division.directory);
    if (ok)
        atomic_store(&ingest->demand_changed, true);
    return ok;
}

bool zones_job(void *service, Job *job, Error *err)
{
    int64_t commit_seq;
    int32_t version = (int32_t)json_integer_value(json_object_get(job->parameters, "version"));
    if (!switch_to(service, version, job, &commit_seq, err))
        return false;
    if (commit_seq > 0)
        json_object_set_new(job->result, "commit_seq", json_integer(commit_seq));
    else
        json_object_set_new(job->result, "superseded", json_true());
    return true;
}

static bool add_version(PgConnection *connection, const ZoneFile *file, bool at_once, int32_t *ret_version, Error *err)
{
    PG_RESULT_SCOPED PGresult *newest = NULL;
    PG_RESULT_SCOPED PGresult *added = NULL;
    *ret_version = 0;
    if (!pg_run(connection, &sql_lock_zone_versions, PG_PARAMS(), NULL, err) ||
        !pg_run(connection, &sql_select_newest_zones, PG_PARAMS(), &newest, err))
        return false;
    if (strcmp(pg_get_text(newest, 0, 1), file->hash) == 0)
        return true;
    if (!pg_run(connection, &sql_insert_zone_version, PG_PARAMS(pg_text(file->hash), pg_text(file->text)), &added, err))
        return false;
    *ret_version = (int32_t)pg_get_int(added, 0, 0);
    if (at_once)
        return true;
    JSON_SCOPED json_t *parameters = json_pack("{si}", "version", *ret_version);
    int64_t job_id;
    return job_create(connection, ZONES_JOB, parameters, &job_id, err);
}

bool zones_request(void *service, PgConnection *connection, const ZoneFile *file, Error *err)
{
    Progress progress;
    int32_t version;
    int64_t commit_seq;
    if (!progress_read(connection, &progress, err))
        return false;
    bool at_once = progress.as_of == 0;
    if (!pg_begin(connection, err))
        return false;
    if (!add_version(connection, file, at_once, &version, err) || !pg_commit(connection, err)) {
        pg_rollback(connection);
        return false;
    }
    return version == 0 || !at_once || switch_to(service, version, NULL, &commit_seq, err);
}
