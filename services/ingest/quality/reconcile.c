#include "services/ingest/quality/reconcile.h"

#include <string.h>
#include "gen/ingest_sql.h"
#include "services/ingest/quality/count_source.h"

static bool reconcile_kafka(PgConnection *connection, const ReconciledSources *sources, Hour day, Error *err)
{
    (void)sources;
    return pg_run(connection, &sql_reconcile_offsets, PG_PARAMS(pg_hour(day)), NULL, err) &&
           pg_run(connection, &sql_reconcile_events, PG_PARAMS(pg_hour(day)), NULL, err);
}

static bool reconcile_demand(PgConnection *connection, const ReconciledSources *sources, Hour day, Error *err)
{
    (void)sources;
    return pg_run(connection, &sql_reconcile_demand, PG_PARAMS(pg_hour(day)), NULL, err);
}

static bool reconcile_sql(PgConnection *connection, const ReconciledSources *sources, Hour day, Error *err)
{
    return !sources->sql || count_sql_source(connection, sources->sql, sources->sql_conninfo, day, err);
}

static bool reconcile_documents(PgConnection *connection, const ReconciledSources *sources, Hour day, Error *err)
{
    return !sources->documents || count_document_source(connection, sources->documents, sources->documents_uri,
                                                        sources->documents_database, day, err);
}

static const struct Reconciliation {
    const char *source;
    bool (*run)(PgConnection *connection, const ReconciledSources *sources, Hour day, Error *err);
} reconciliations[RECONCILE_PARTS] = {
    {"kafka", reconcile_kafka},
    {"demand", reconcile_demand},
    {"company-sql", reconcile_sql},
    {"company-documents", reconcile_documents},
};

/* Ingest goes first: no workers of the server beside the connection's own. */
static bool begin_slowly(PgConnection *connection, Error *err)
{
    return pg_set_timeout(connection, RECONCILE_TIMEOUT_MS, err) && pg_begin(connection, err) &&
           pg_command(connection, "SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL lock_timeout = '1s'", err);
}

static bool run_one(PgConnection *connection, const struct Reconciliation *reconciliation,
                    const ReconciledSources *sources, Hour day, Error *err)
{
    Error failure;
    if (!begin_slowly(connection, err))
        return false;
    if (reconciliation->run(connection, sources, day, &failure))
        return pg_run(connection, &sql_delete_failed_reconciliation,
                      PG_PARAMS(pg_hour(day), pg_text(reconciliation->source)), NULL, err) &&
               pg_commit(connection, err);
    pg_rollback(connection);
    return pg_run(connection, &sql_record_reconciliation,
                  PG_PARAMS(pg_hour(day), pg_text(reconciliation->source), pg_text("all"), pg_null(), pg_null(),
                            pg_text("0"), pg_text(failure.message)),
                  NULL, err);
}

bool reconcile_due(PgConnection *connection, const ReconciledSources *sources, Instant now, bool *ret_any, Error *err)
{
    PG_RESULT_SCOPED PGresult *due = NULL;
    if (!pg_run(connection, &sql_select_due_reconciliation,
                PG_PARAMS(pg_instant(now), pg_int(RECONCILE_DAYS), pg_bool(sources->sql != NULL),
                          pg_bool(sources->documents != NULL)),
                &due, err))
        return false;
    *ret_any = PQntuples(due) == 1;
    for (size_t i = 0; *ret_any && i < RECONCILE_PARTS; i++) {
        if (strcmp(reconciliations[i].source, pg_get_text(due, 0, 0)) == 0)
            return run_one(connection, &reconciliations[i], sources, pg_get_hour(due, 0, 1), err);
    }
    return true;
}

bool reconcile_part(PgConnection *connection, const ReconciledSources *sources, size_t part, Hour day, Error *err)
{
    return run_one(connection, &reconciliations[part], sources, day, err);
}
