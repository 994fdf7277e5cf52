#include "services/ingest/workers.h"

#include <stdio.h>
#include <unistd.h>
#include "common/clock.h"
#include "common/metrics.h"
#include "gen/ingest_sql.h"
#include "services/ingest/backfill/backfill_job.h"
#include "services/ingest/dead_letters/dead_letter_replay.h"
#include "services/ingest/catalog/retention.h"
#include "services/ingest/geo/zone_switch.h"
#include "services/ingest/ingest.h"
#include "services/ingest/jobs/job.h"
#include "services/ingest/privacy/erasure.h"

enum {
    POSTGRES_LOOK_EVERY_MS = 5000,
    PARTITION_DAYS_AHEAD = 3,
    DATABASE_READY_LOOK_US = 50000,
    HINT_EVERY_MS = 1000,
    HINT_DEADLINE_MS = 2000,
    URL_MAX_BYTES = 512,
    JOBS_LOOK_EVERY_MS = 1000,
    RETENTION_EVERY_MS = 24 * 3600 * 1000,
    NOT_CONFIGURED_REST_MS = 600000,
    CHANGES_LOOK_EVERY_MS = 10000,
};

static Metric hints_total = {.kind = METRIC_COUNTER,
                             .name = "rushcast_ingest_hints_total",
                             .help = "Hints to the feature-store that demand changed",
                             .labels = {"result"}};

static Metric open_gaps = {.kind = METRIC_GAUGE,
                           .name = "rushcast_ingest_open_gaps",
                           .help = "Gaps of the stream that no backfill has filled"};
static Metric lost_messages = {
    .kind = METRIC_GAUGE, .name = "rushcast_ingest_lost_messages", .help = "Offsets in the open gaps of the stream"};

static bool look_at_gaps(PgConnection *connection, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    if (!pg_run(connection, &sql_count_open_gaps, PG_PARAMS(), &row, err))
        return false;
    metric_set(metric_with(&open_gaps), (double)pg_get_int(row, 0, 0));
    metric_set(metric_with(&lost_messages), (double)pg_get_int(row, 0, 1));
    return true;
}

static bool prepare(Ingest *ingest, PgConnection *connection, Error *err)
{
    size_t applied;
    if (!migrations_apply(connection, "raw", ingest_migrations, ingest_migrations_count, &applied, err) ||
        !geo_directory_reload(ingest->directory, connection, err) ||
        !geo_directory_register_area(ingest->directory, connection, err) ||
        !zones_request(ingest, connection, &ingest->zones, err) ||
        !geo_directory_reload(ingest->directory, connection, err) ||
        !order_store_load_window(ingest->store, connection, err))
        return false;
    atomic_store(&ingest->database_ready, true);
    return true;
}

/* Once a day; what is left after a second, or in use, a few seconds later. */
static bool keep_retention(Ingest *ingest, PgConnection *connection, Error *err)
{
    bool more;
    if (clock_monotonic_ms() < ingest->retention_at_ms)
        return true;
    if (!retention_step(connection, &ingest->config, clock_wall(), &more, err))
        return false;
    ingest->retention_at_ms = clock_monotonic_ms() + (more ? 0 : RETENTION_EVERY_MS);
    return true;
}

bool ingest_work_postgres(void *service, WorkerStep *step, Error *err)
{
    Ingest *ingest = service;
    PG_SCOPED PgConnection *connection = NULL;
    if (!pg_acquire(ingest->postgres, INGEST_DATABASE_WAIT_MS, &connection, err))
        return false;
    if (!atomic_load(&ingest->database_ready) && !prepare(ingest, connection, err))
        return false;
    step->rest_ms = POSTGRES_LOOK_EVERY_MS;
    return pg_run(connection, &sql_ensure_payload_partitions, PG_PARAMS(pg_int(PARTITION_DAYS_AHEAD)), NULL, err) &&
           look_at_gaps(connection, err) && pg_run(connection, &sql_delete_backfill_chunks, PG_PARAMS(), NULL, err) &&
           keep_retention(ingest, connection, err);
}

/* False when the service stops before the database was ready. */
static bool wait_for_database(Ingest *ingest)
{
    while (!atomic_load(&ingest->database_ready)) {
        if (workers_stopping())
            return false;
        usleep(DATABASE_READY_LOOK_US);
    }
    return true;
}

bool ingest_work_kafka(void *service, WorkerStep *step, Error *err)
{
    (void)step;
    Ingest *ingest = service;
    return !wait_for_database(ingest) || order_reader_step(ingest->reader, err);
}

bool ingest_work_orders(void *service, WorkerStep *step, Error *err)
{
    (void)step;
    Ingest *ingest = service;
    return !wait_for_database(ingest) || order_writer_step(ingest->writer, err);
}

bool ingest_work_demand_hint(void *service, WorkerStep *step, Error *err)
{
    (void)err;
    Ingest *ingest = service;
    step->rest_ms = HINT_EVERY_MS;
    if (!atomic_exchange(&ingest->demand_changed, false))
        return true;
    char url[URL_MAX_BYTES];
    snprintf(url, sizeof url, "%s/hints/demand", ingest->config.common.feature_store_url);
    HttpCall call = {.method = "POST",
                     .url = url,
                     .token = ingest->config.common.token,
                     .deadline_ms = HINT_DEADLINE_MS,
                     .attempts = 1};
    Error ignored; /* the feature-store looks by itself, only later */
    bool told = http_call(&call, NULL, &ignored);
    metric_add(metric_with(&hints_total, told ? "ok" : "failed"), 1);
    return true;
}

bool ingest_work_sql_source(void *service, WorkerStep *step, Error *err)
{
    Ingest *ingest = service;
    step->rest_ms = NOT_CONFIGURED_REST_MS;
    if (ingest->sql_source == NULL || !wait_for_database(ingest))
        return true;
    step->rest_ms = 0;
    return sql_source_step(ingest->sql_source, step, err);
}

bool ingest_work_sql_slot(void *service, WorkerStep *step, Error *err)
{
    Ingest *ingest = service;
    step->rest_ms = NOT_CONFIGURED_REST_MS;
    return ingest->sql_source == NULL || sql_source_watch(ingest->sql_source, step, err);
}

static const JobKind job_kinds[] = {
    {ZONES_JOB, zones_job},           {BACKFILL_JOB, backfill_run},    {DEAD_LETTER_REPLAY_JOB, dead_letter_replay_run},
    {QUALITY_JOB, quality_check_job}, {ERASURE_JOB_KIND, erasure_run}, {0},
};

bool ingest_work_jobs(void *service, WorkerStep *step, Error *err)
{
    Ingest *ingest = service;
    bool taken = false;
    if (!wait_for_database(ingest))
        return true;
    if (!jobs_step(ingest->postgres, job_kinds, ingest, &taken, err))
        return false;
    step->rest_ms = taken ? 0 : JOBS_LOOK_EVERY_MS;
    return true;
}

bool ingest_work_quality(void *service, WorkerStep *step, Error *err)
{
    Ingest *ingest = service;
    return !wait_for_database(ingest) || quality_step(ingest, &step->rest_ms, err);
}

bool ingest_work_documents(void *service, WorkerStep *step, Error *err)
{
    Ingest *ingest = service;
    step->rest_ms = (int)ingest->config.document_poll_ms;
    return !wait_for_database(ingest) || document_source_step(ingest->documents, err);
}

bool ingest_work_document_changes(void *service, WorkerStep *step, Error *err)
{
    Ingest *ingest = service;
    bool changed = false, supported = false;
    if (!document_source_watch(ingest->documents, &changed, &supported, err))
        return false;
    if (changed)
        workers_wake(service_workers(), "document_source");
    step->rest_ms = supported ? 0 : CHANGES_LOOK_EVERY_MS;
    return true;
}
