/* How long what came in is kept. What is older is deleted once a day, in small steps and never waiting for long: a
 * partition is dropped only when ingest leaves room for it, else a little later. */
#pragma once

#include "common/pg.h"
#include "services/ingest/ingest.h"

enum {
    RETENTION_LOCK_TIMEOUT_MS = 100, /* the longest that ingest waits for a drop */
    RETENTION_ROWS_MAX = 10000,      /* of one transaction */
    RETENTION_STEP_MS = 1000,        /* rests after this long */
};

typedef struct RetentionRule {
    const char *table, *setting;
    size_t days_offset;           /* in IngestConfig; 0 days: kept for ever */
    const char *what;             /* of the table's rows; for people */
    const PgStatement *statement; /* deletes up to $2 rows from before $1 */
} RetentionRule;

extern const RetentionRule retention_rules[];
extern const size_t retention_rules_count;
/* The rule of the table ("raw.batch_payload") or NULL: kept for ever. */
const RetentionRule *retention_rule_of(const char *table);
int64_t retention_days(const RetentionRule *rule, const IngestConfig *config);

/* Deletes what is due. *ret_more: some is left, for this call has taken long enough, or a partition was in use. Logs
 * what it dropped. */
bool retention_step(PgConnection *connection, const IngestConfig *config, Instant now, bool *ret_more,
                    Error *err) MUST_CHECK;
