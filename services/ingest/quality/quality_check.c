#include "services/ingest/quality/quality_check.h"

#include "common/clock.h"
#include "common/worker.h"
#include "gen/ingest_sql.h"
#include "services/ingest/ingest.h"
#include "services/ingest/quality/completeness_check.h"

QualityQuery quality_query(const Ingest *ingest, Instant since)
{
    const IngestConfig *config = &ingest->config;
    return (QualityQuery){
        .topic = config->kafka_topic,
        .sources = {{"kafka", "RUSHCAST_QUALITY_ORDERS_LATE_S", config->quality_orders_late_s},
                    {"company-sql", "RUSHCAST_QUALITY_SQL_LATE_S", config->quality_sql_late_s},
                    {"company-documents", "RUSHCAST_QUALITY_DOCUMENTS_LATE_S", config->quality_documents_late_s}},
        .since = since,
        .now = clock_now(),
    };
}

static bool check_rules(PgConnection *connection, int64_t *ret_rows, int64_t *ret_behind, Error *err)
{
    PG_RESULT_SCOPED PGresult *row = NULL;
    if (!pg_set_timeout(connection, RECONCILE_TIMEOUT_MS, err) ||
        !pg_run(connection, &sql_check_rules, PG_PARAMS(pg_int(QUALITY_RULE_MESSAGES)), &row, err))
        return false;
    *ret_rows = pg_get_int(row, 0, 0);
    *ret_behind = pg_get_int(row, 0, 1);
    return true;
}

static bool read_lag(const Ingest *ingest, PgConnection *connection, int64_t *ret_lag, Error *err)
{
    PG_RESULT_SCOPED PGresult *rows = NULL;
    if (!pg_run(connection, &sql_select_source_freshness, PG_PARAMS(pg_text(ingest->config.kafka_topic)), &rows, err))
        return false;
    *ret_lag = pg_get_int(rows, 0, 2);
    return true;
}

static bool refresh_metrics(const Ingest *ingest, PgConnection *connection, Error *err)
{
    JSON_SCOPED json_t *report = NULL;
    QualityQuery query = quality_query(ingest, clock_wall() - QUALITY_DAYS_DEFAULT * HOURS_PER_DAY * INSTANT_PER_HOUR);
    if (!quality_report_read(connection, &query, &report, err))
        return false;
    quality_metrics_set(report);
    return true;
}

/* What is due by the clock. */
static bool look_around(Ingest *ingest, PgConnection *connection, bool *ret_more, Error *err)
{
    QualityRounds *rounds = &ingest->quality_rounds;
    int64_t now_ms = clock_monotonic_ms();
    if (now_ms < rounds->report_at_ms)
        return true;
    if (now_ms >= rounds->completeness_at_ms) {
        if (!completeness_check(connection, HOUR_NONE, err))
            return false;
        rounds->completeness_at_ms = now_ms + QUALITY_COMPLETENESS_EVERY_MS;
    }
    if (!reconcile_due(connection, &ingest->reconciled, clock_wall(), ret_more, err) ||
        !refresh_metrics(ingest, connection, err))
        return false;
    if (!*ret_more)
        rounds->report_at_ms = now_ms + QUALITY_REPORT_EVERY_MS;
    return true;
}

bool quality_step(Ingest *ingest, int *ret_rest_ms, Error *err)
{
    PG_SCOPED PgConnection *connection = NULL;
    int64_t rows, behind, lag, began_ms = clock_monotonic_ms();
    bool more = false;
    if (!pg_acquire(ingest->postgres, INGEST_DATABASE_WAIT_MS, &connection, err) ||
        !check_rules(connection, &rows, &behind, err) || !look_around(ingest, connection, &more, err) ||
        !read_lag(ingest, connection, &lag, err))
        return false;
    int64_t rest_ms = (clock_monotonic_ms() - began_ms) * (lag > 0 ? QUALITY_REST_FACTOR_BEHIND : QUALITY_REST_FACTOR);
    if (rest_ms > QUALITY_REST_MAX_MS)
        rest_ms = QUALITY_REST_MAX_MS;
    *ret_rest_ms = behind > 0 || more || rest_ms > QUALITY_LOOK_EVERY_MS ? (int)rest_ms : QUALITY_LOOK_EVERY_MS;
    return true;
}

bool quality_check_job(void *service, Job *job, Error *err)
{
    Ingest *ingest = service;
    PG_SCOPED PgConnection *connection = NULL;
    Hour day;
    int64_t behind = 1;
    if (!hour_parse(json_string_value(json_object_get(job->parameters, "day")), &day, err) ||
        !pg_acquire(ingest->postgres, INGEST_DATABASE_WAIT_MS, &connection, err))
        return false;
    while (behind > 0) {
        int64_t rows;
        if (workers_stopping())
            return error_set(err, ERROR_UNAVAILABLE, "the service is stopping; the check goes on afterwards");
        if (!check_rules(connection, &rows, &behind, err))
            return false;
        job->done += rows;
        job->total = -1;
        if (!job_report(connection, job, err))
            return false;
    }
    json_object_set_new(job->result, "checked_rows", json_integer(job->done));
    if (!completeness_check(connection, day, err))
        return false;
    for (size_t part = 0; part < RECONCILE_PARTS; part++) {
        if (!job_report(connection, job, err) || !reconcile_part(connection, &ingest->reconciled, part, day, err))
            return false;
    }
    return true;
}
