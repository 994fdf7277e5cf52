/* Counts of the sources against what is kept of them, day by day, in quality.reconciliation. */
#pragma once

#include "common/pg.h"
#include "services/ingest/entities/entity.h"

enum {
    RECONCILE_PARTS = 4,
    RECONCILE_DAYS = 31,          /* days looked back at after a stop */
    RECONCILE_TIMEOUT_MS = 60000, /* of one statement */
    RECONCILE_CONNECT_TIMEOUT_MS = 5000,
};

/* The company's databases as far as they are read; a NULL mapping: that one is not. */
typedef struct ReconciledSources {
    const EntityMapping *sql;
    const char *sql_conninfo;
    const EntityMapping *documents;
    const char *documents_uri, *documents_database;
} ReconciledSources;

/* Reconciles the oldest day and source that is due; *ret_any false: there is none. A source that can't be counted is
 * noted as failed and tried again later, which is not a failure of this function. */
bool reconcile_due(PgConnection *connection, const ReconciledSources *sources, Instant now, bool *ret_any,
                   Error *err) MUST_CHECK;
/* Reconciles one of the RECONCILE_PARTS (kafka, demand, company-sql, company-documents) of the day that starts there.
 * The databases are counted as they are now. */
bool reconcile_part(PgConnection *connection, const ReconciledSources *sources, size_t part, Hour day,
                    Error *err) MUST_CHECK;
