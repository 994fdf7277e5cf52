#include "services/ingest/catalog/retention.h"

#include <stdlib.h>
#include <string.h>
#include "common/clock.h"
#include "common/log.h"
#include "common/metrics.h"
#include "gen/ingest_sql.h"

static Metric deleted_total = {.kind = METRIC_COUNTER,
                               .name = "rushcast_retention_deleted_total",
                               .help = "Rows deleted because of their age, by table.",
                               .labels = {"table"}};
static Metric dropped_total = {.kind = METRIC_COUNTER,
                               .name = "rushcast_retention_dropped_partitions_total",
                               .help = "Partitions of raw.batch_payload dropped because of their age."};

#define CONFIG(member) offsetof(IngestConfig, member)

const RetentionRule retention_rules[] = {
    {"raw.batch_payload", "RUSHCAST_RAW_RETENTION_DAYS", CONFIG(raw_retention_days), "whole days",
     &sql_delete_expired_payloads},
    {"raw.duplicate_event", "RUSHCAST_DUPLICATE_RETENTION_DAYS", CONFIG(duplicate_retention_days), "all",
     &sql_delete_expired_duplicates},
    {"raw.dead_letter", "RUSHCAST_DEAD_LETTER_DAYS", CONFIG(dead_letter_days), "all", &sql_delete_expired_dead_letters},
    {"raw.quarantine", "RUSHCAST_QUARANTINE_RETENTION_DAYS", CONFIG(quarantine_retention_days), "resolved rows",
     &sql_delete_resolved_quarantine},
    {"raw.job", "RUSHCAST_JOB_RETENTION_DAYS", CONFIG(job_retention_days), "jobs that ended",
     &sql_delete_finished_jobs},
};
const size_t retention_rules_count = sizeof retention_rules / sizeof retention_rules[0];

const RetentionRule *retention_rule_of(const char *table)
{
    for (size_t i = 0; i < retention_rules_count; i++) {
        if (strcmp(retention_rules[i].table, table) == 0)
            return &retention_rules[i];
    }
    return NULL;
}

int64_t retention_days(const RetentionRule *rule, const IngestConfig *config)
{
    return *(const int64_t *)((const char *)config + rule->days_offset);
}

static Instant expiry(const RetentionRule *rule, const IngestConfig *config, Instant now)
{
    return now - retention_days(rule, config) * HOURS_PER_DAY * INSTANT_PER_HOUR;
}

/* Functions answer how many rows they deleted, DELETE says so in its tag. */
static int64_t rows_deleted(PGresult *result)
{
    return PQntuples(result) == 1 ? pg_get_int(result, 0, 0) : strtoll(PQcmdTuples(result), NULL, 10);
}

static bool delete_rows(PgConnection *connection, const RetentionRule *rule, Instant before, int64_t end_ms,
                        bool *ret_more, Error *err)
{
    int64_t deleted, total = 0;
    do {
        PG_RESULT_SCOPED PGresult *result = NULL;
        if (!pg_run(connection, rule->statement, PG_PARAMS(pg_instant(before), pg_int(RETENTION_ROWS_MAX)), &result,
                    err))
            return false;
        deleted = rows_deleted(result);
        total += deleted;
    } while (deleted == RETENTION_ROWS_MAX && clock_monotonic_ms() < end_ms);
    *ret_more |= deleted == RETENTION_ROWS_MAX;
    if (total > 0) {
        metric_add(metric_with(&deleted_total, rule->table), (double)total);
        log_info("retention.deleted", log_text("table", rule->table), log_int("rows", total));
    }
    return true;
}

/* *ret_dropped false: somebody uses the table. */
static bool drop_partition(PgConnection *connection, const char *name, bool *ret_dropped, Error *err)
{
    char sql[256];
    snprintf(sql, sizeof sql, "SET LOCAL lock_timeout = '%dms'; DROP TABLE IF EXISTS raw.%s", RETENTION_LOCK_TIMEOUT_MS,
             name);
    if (!pg_begin(connection, err))
        return false;
    *ret_dropped = pg_command(connection, sql, err) && pg_commit(connection, err);
    if (*ret_dropped)
        return true;
    pg_rollback(connection);
    return err->code == ERROR_DEADLINE;
}

static bool drop_partitions(PgConnection *connection, Instant before, int64_t end_ms, bool *ret_more, Error *err)
{
    PG_RESULT_SCOPED PGresult *expired = NULL;
    if (!pg_run(connection, &sql_select_expired_payload_days, PG_PARAMS(pg_instant(before)), &expired, err))
        return false;
    for (int i = 0; i < PQntuples(expired); i++) {
        const char *name = pg_get_text(expired, i, 0);
        bool dropped = false;
        if (clock_monotonic_ms() < end_ms && !drop_partition(connection, name, &dropped, err))
            return false;
        if (!dropped) {
            *ret_more = true;
            return true;
        }
        metric_add(metric_with(&dropped_total), 1);
        log_info("retention.dropped", log_text("partition", name));
    }
    return true;
}

bool retention_step(PgConnection *connection, const IngestConfig *config, Instant now, bool *ret_more, Error *err)
{
    int64_t end_ms = clock_monotonic_ms() + RETENTION_STEP_MS;
    *ret_more = false;
    for (size_t i = 0; i < retention_rules_count; i++) {
        const RetentionRule *rule = &retention_rules[i];
        if (retention_days(rule, config) == 0)
            continue;
        Instant before = expiry(rule, config, now);
        if ((i == 0 && !drop_partitions(connection, before, end_ms, ret_more, err)) ||
            !delete_rows(connection, rule, before, end_ms, ret_more, err))
            return false;
    }
    return true;
}
